"""The command line: `willcall`."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from types import FrameType
from typing import Annotated, NoReturn

import typer

from intake.cli.commands import (
    catalog,
    dead_letters,
    demo,
    dialects,
    doctor,
    events,
    holds,
    keys,
    migrate,
    orders,
    reconcile,
    requests,
    schedule,
    secrets,
    serve,
    submit,
    tickets,
    top,
    up,
)
from intake.cli.failures import exit_code_of, sentence_of
from intake.cli.output import print_error, print_line, print_unexpected

app = typer.Typer(
    name="willcall",
    help="Takes, prices and confirms ticket orders from a queue, each exactly once in effect.\n\n"
    "WILLCALL_DATABASE_URL and WILLCALL_BROKER_URL choose the servers. If one is unset, an embedded server "
    "under WILLCALL_HOME (./.willcall) runs as long as a command needs it.",
    epilog="Start with: willcall demo, then willcall up.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        print_line(f"willcall {version('willcall')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


app.command(epilog="Example: willcall demo")(demo.demo)
app.command(epilog="Example: willcall up")(up.up)
app.command(epilog="Example: willcall migrate")(migrate.migrate)
app.command(epilog=submit.EXAMPLES)(submit.submit)
app.command(epilog="Example: willcall reconcile --json")(reconcile.reconcile)
app.command(epilog="Example: willcall doctor")(doctor.doctor)
app.command(epilog="Example: willcall top --interval 2")(top.top)
app.add_typer(serve.app, name="serve")
app.add_typer(catalog.app, name="catalog")
app.add_typer(orders.app, name="orders")
app.add_typer(holds.app, name="holds")
app.add_typer(requests.app, name="requests")
app.add_typer(events.app, name="events")
app.add_typer(tickets.app, name="tickets")
app.add_typer(keys.app, name="keys")
app.add_typer(secrets.app, name="secrets")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(schedule.app, name="schedule")
app.add_typer(dialects.app, name="dialects")


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Expected errors are a sentence on standard error."""
    try:
        # Exit codes are returned; a command that succeeds returns None.
        return app(args=list(arguments), prog_name="willcall", standalone_mode=False) or 0
    except KeyboardInterrupt:  # in a `finally`, where a server is stopped
        return 130
    except BrokenPipeError:  # the reader closed the pipe: `willcall orders list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        print_error(f"willcall: {sentence}")
        return exit_code_of(error)


def main() -> None:
    """Run the command that the process was started with."""
    # As exceptions, so that embedded servers are stopped; long-running commands set their own.
    signal.signal(signal.SIGTERM, _leave)
    # A shell script makes its background jobs ignore SIGINT, and Python leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        signal.signal(signal.SIGHUP, _leave)
    sys.excepthook = print_unexpected
    sys.exit(run(sys.argv[1:]))


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
