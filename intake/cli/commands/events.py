"""`willcall events`."""

import time
from typing import Annotated

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, counted, print_json_text, print_line

app = typer.Typer(help="The event messages that are published.")


@app.callback()
def _group() -> None:
    """Keep this a group although it has only one command."""


@app.command(epilog="Example: willcall events tail --type 'order.*'")
def tail(
    pattern: Annotated[
        str,
        typer.Option("--type", metavar="PATTERN", help="Types to print: order.*, ticket.voided, # for all."),
    ] = "#",
    count: Annotated[
        int | None, typer.Option(min=1, help="Stop after this number of event messages.")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0, help="Stop after this number of seconds; exit 1 if --count is not reached."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print event messages as they are published, from now on; --json prints whole CloudEvents."""
    from intake.cli.processes.servers import servers
    from worker.broker.subscriptions import Subscription

    deadline = None if timeout is None else time.monotonic() + timeout
    seen = 0

    def take(body: bytes) -> None:
        nonlocal seen
        if count is None or seen < count:
            seen += 1
            print_json_text(body.decode()) if as_json else print_line(_line(body))

    def should_stop() -> bool:
        return seen == count or (deadline is not None and time.monotonic() >= deadline)

    with servers(broker=True) as settings, Subscription(settings.broker(), settings, pattern) as subscription:
        subscription.receive(take, should_stop)
    if count is not None and seen < count:
        raise CommandFailed(f"{counted(seen, 'event message')} arrived within {timeout:g} s, not {count}")


def _line(body: bytes) -> str:
    import orjson

    event = orjson.loads(body)
    tenant = event["source"].removeprefix("/tenants/")
    columns = (event["time"], f"{event['type']:<17}", tenant, event["subject"], event["sequence"])
    return "  ".join(str(word) for word in columns)
