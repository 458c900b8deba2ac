"""`willcall submit`."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Final

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, counted, print_error, print_line

if TYPE_CHECKING:
    from intake.cli.submit_files import Sent

EXAMPLES: Final = (
    "Example: willcall submit orders.jsonl --tenant demo --wait\n\n"
    "Example: willcall submit updates.jsonl --kind orders.update --tenant demo"
)


def submit(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="JSON, a JSON array or JSON Lines; - is standard input."),
    ],
    tenant: Annotated[
        str | None,
        typer.Option(metavar="T", help="The tenant of all requests; by default each request names its own."),
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="Their kind: orders.create, orders.update, …")
    ] = "orders.create",
    dialect: Annotated[
        str, typer.Option(metavar="D", help="Their format: canonical, zoho_backstage, …")
    ] = "canonical",
    wait: Annotated[
        bool, typer.Option("--wait", help="Print the outcome of each; exit 1 if one was rejected or is dead.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0, metavar="S", help="With --wait: maximum seconds without a new outcome.")
    ] = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Send requests of one kind through the queue.

    The kinds: orders.create, orders.update, orders.cancel, payments.record,
    tickets.check_in, holds.take, holds.extend, holds.release.

    Requests that change an order name it by order_id, or by order_key: the
    idempotency key of the request that creates it, which may still be in the queue.

    All files are checked first: if one line is malformed, nothing is sent. Requests with an idempotency
    key can safely be sent again.
    """
    from intake.cli.processes.servers import engine, servers
    from intake.cli.request_files import open_requests
    from intake.cli.submit_files import Waiter, send
    from vendors.registry import CANONICAL, DIALECTS
    from willcall.kinds import KINDS

    if dialect not in (CANONICAL, *DIALECTS):
        names = ", ".join((CANONICAL, *DIALECTS))
        raise CommandFailed(f"unknown dialect {dialect}; requests can be in: {names}")
    if kind not in KINDS:
        raise CommandFailed(f"{kind} is not a kind of request; the kinds are {', '.join(sorted(KINDS))}")
    with ExitStack() as stack:
        opened = [open_requests(name, tenant, stack, DIALECTS.get(dialect)) for name in files]
        stack.enter_context(servers(broker=True))
        waiter = Waiter(stack.enter_context(engine()), timeout, as_json) if wait else None
        sent = send(opened, kind, waiter, as_json, dialect=None if dialect == CANONICAL else dialect)
    _report(sent, as_json)


def _report(sent: "Sent", as_json: bool) -> None:
    if sent.outcomes:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(sent.outcomes.items()))
        print_error(f"{counted(sent.count, 'request')}: {counts}.")
    elif not as_json:
        what = f"request {sent.last_id}" if sent.count == 1 else f"{sent.count} requests"
        print_line(f"Sent {what}; confirmed by the broker.")
    if set(sent.outcomes) - {"processed"}:
        raise typer.Exit(1)
