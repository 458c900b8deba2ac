"""`willcall dead-letters`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from intake.cli.output import (
    JsonFlag,
    LimitOption,
    counted,
    print_facts,
    print_json,
    print_line,
    print_lines,
    print_table,
)

if TYPE_CHECKING:
    from orders.recovery.dead_letters import StoredDeadLetter

app = typer.Typer(
    help="Requests and messages that could not be processed: why, and how to process them again.",
    no_args_is_help=True,
)

Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Ids from `dead-letters list`.")]


@app.command("list", epilog="Example: willcall dead-letters list --limit 10")
def list_(limit: LimitOption = 50, as_json: JsonFlag = False) -> None:
    """List dead letters, newest first."""
    from intake.cli.processes.servers import transaction
    from orders.recovery.dead_letters import list_dead_letters

    with transaction() as connection:
        stored = list_dead_letters(connection, limit)
    if as_json:
        print_json([_as_json(one) for one in stored])
        return
    print_table(
        ("id", "died", "kind", "tenant", "attempts", "reason"),
        (
            (one.id, one.created_at.isoformat(timespec="seconds"), one.letter.kind,
             one.letter.tenant, one.letter.attempts, one.letter.reason)
            for one in stored
        ),
    )  # fmt: skip


def _as_json(stored: "StoredDeadLetter") -> dict[str, Any]:
    return {
        "id": stored.id,
        "kind": stored.letter.kind,
        "tenant": stored.letter.tenant,
        "request_id": stored.letter.request_id,
        "attempts": stored.letter.attempts,
        "reason": stored.letter.reason,
        "created_at": stored.created_at,
    }


@app.command(epilog="Example: willcall dead-letters show 01890a5d-ac96-774b-bcce-b302099a8057")
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An id from `dead-letters list`.")],
    as_json: JsonFlag = False,
) -> None:
    """Show a dead letter with its original message, and the stack trace if there is one."""
    from intake.cli.processes.servers import transaction
    from intake.requests.replay_letters import all_of
    from orders.recovery.dead_letters import find_dead_letters

    ids = _parse([id_])
    with transaction() as connection:
        stored = all_of(ids, find_dead_letters(connection, ids))[0]
    fields = _as_json(stored)
    fields["details"] = stored.letter.details
    fields["message"] = stored.letter.message.decode(errors="backslashreplace")
    if as_json:
        print_json(fields)
    else:
        # The stack trace has lines of our own; every other value is one line.
        print_facts((name.replace("_", " "), value) for name, value in fields.items() if name != "details")
        if fields["details"]:
            print_lines(fields["details"])


def _parse(texts: Sequence[str]) -> list[UUID]:
    from intake.cli.processes.servers import parse_id

    return list(dict.fromkeys(parse_id(text, "a dead letter") for text in texts))


@app.command(epilog="Example: willcall dead-letters replay 01890a5d-ac96-774b-bcce-b302099a8057")
def replay(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="Ids of dead letters; or use --all.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Replay all existing dead letters.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Send dead letters to the queue again, as fresh messages.

    Each is deleted once the broker has confirmed its message. Sending one twice is harmless: a request
    takes effect once.
    """
    from intake.cli.processes.servers import engine, servers
    from intake.requests.replay_letters import replay_dead_letters

    if bool(ids) == every:
        raise typer.BadParameter("name dead letters, or use --all")
    wanted = None if every else _parse(ids or [])
    with servers(broker=True) as settings, engine() as opened:
        replayed = replay_dead_letters(opened, wanted, settings)
    _say("replayed", replayed, as_json)


@app.command(epilog="Example: willcall dead-letters discard 01890a5d-ac96-774b-bcce-b302099a8057")
def discard(ids: Ids, as_json: JsonFlag = False) -> None:
    """Delete dead letters permanently."""
    from intake.cli.processes.servers import transaction
    from intake.requests.replay_letters import all_of
    from orders.recovery import dead_letters

    wanted = _parse(ids)
    with transaction() as connection:
        all_of(wanted, dead_letters.find_dead_letters(connection, wanted))
        dead_letters.discard(connection, wanted)
    _say("discarded", wanted, as_json)


def _say(done: str, ids: Sequence[UUID], as_json: bool) -> None:
    if as_json:
        print_json({done: ids})
    else:
        print_line(f"{done.capitalize()}: {counted(len(ids), 'dead letter')}.")
