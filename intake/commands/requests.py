"""`willcall requests`."""

from typing import Annotated

import typer

from intake.commands.output import JsonFlag, print_facts, print_json

app = typer.Typer(help="What became of requests.")


@app.callback()
def _group() -> None:
    """A group also while it has one command only."""


@app.command(epilog="Example: willcall requests show 01890a5d-ac96-774b-bcce-b302099a8057")
def show(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The id that the intake answered with.")],
    as_json: JsonFlag = False,
) -> None:
    """Show what became of a request: pending, processed, rejected or dead, and why.

    A request that nothing is known of is pending: it waits in the queue, or was never sent.
    """
    from intake.commands.outcomes import find_outcomes, pending, reasons
    from intake.commands.servers import parse_id, transaction

    id_ = parse_id(request_id, "a request")
    with transaction() as connection:
        outcome = find_outcomes(connection, [id_]).get(id_) or pending(id_)
    if as_json:
        print_json(outcome)
        return
    print_facts(
        (
            ("request", outcome["request_id"]),
            ("status", outcome["status"]),
            ("order", outcome["order_id"] or "none"),
            *([("hold", outcome["hold_id"])] if "hold_id" in outcome else []),
            ("reasons", reasons(outcome) or "none"),
        )
    )
