"""Sending one request from the command line, and waiting for its outcome."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import print_json, print_line
from schemas.json import JsonObject

if TYPE_CHECKING:
    from sqlalchemy import Engine


SENDER: Final = "command line"
"""The author, in an order's history, of changes made by a command."""

WaitFlag = Annotated[
    bool, typer.Option("--wait", help="Wait for the outcome; exit 1 if the request was rejected or is dead.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", min=0, metavar="S", help="Maximum number of seconds to wait.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="Your name for the request; sent again, it is the same request.",
    ),
]


def send_one(kind: str, fields: Mapping[str, Any], *, tenant: str) -> UUID:
    """Send one request without fields that are None. Return its id once the broker has confirmed it."""
    from intake.cli.processes.servers import servers
    from willcall.producer import Producer

    body = {name: value for name, value in fields.items() if value is not None}
    with servers(broker=True) as settings, Producer(settings.broker(), settings) as producer:
        return producer.send([body], tenant=tenant, kind=kind, by=SENDER)[0]


def send_and_tell(
    kind: str,
    fields: Mapping[str, Any],
    *,
    tenant: str,
    timeout: float | None,
    as_json: bool,
    show: Callable[["Engine", "JsonObject"], None],
    enrich: Callable[["Engine", "JsonObject"], "JsonObject"] | None = None,
) -> None:
    """Send one request and print its status; with a timeout, wait for its outcome.

    `show` prints a processed request for people, `enrich` adds to its JSON. Exit code 1 if it was rejected,
    is dead, or has no outcome in time.
    """
    from intake.cli.processes.servers import engine, servers

    with ExitStack() as stack:
        stack.enter_context(servers(broker=True))
        opened = None if timeout is None else stack.enter_context(engine())
        id_ = send_one(kind, fields, tenant=tenant)
        if opened is None or timeout is None:
            _tell_sent(id_, as_json)
            return
        outcome = _await(opened, id_, timeout)
        is_done = outcome["status"] == "processed"
        if as_json:
            print_json(enrich(opened, outcome) if enrich is not None and is_done else outcome)
        elif is_done:
            show(opened, outcome)
        else:
            _tell_refused(outcome)
    if not is_done:
        raise typer.Exit(1)


def _tell_sent(id_: UUID, as_json: bool) -> None:
    if as_json:
        print_json({"request_id": id_, "status": "pending"})
    else:
        print_line(
            f"Sent request {id_}; confirmed by the broker. For its outcome, run: willcall requests show {id_}"
        )


def _tell_refused(outcome: "JsonObject") -> None:
    from intake.cli.outcomes import reasons

    print_line(f"{outcome['status']}: {reasons(outcome)}")


def _await(engine: "Engine", id_: UUID, timeout: float) -> "JsonObject":
    from intake.cli.outcomes import find_outcomes

    deadline, pause = time.monotonic() + timeout, 0.02
    while True:
        with engine.connect() as connection:
            found = find_outcomes(connection, [id_])
        if id_ in found:
            return found[id_]
        if time.monotonic() >= deadline:
            raise CommandFailed(
                f"no outcome within {timeout:g} s; request {id_} is in the queue until a worker runs "
                "(`willcall up`), or waits for its order"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
