"""`willcall reconcile`."""

import typer

from intake.commands.output import JsonFlag, print_json, print_line, print_table


def reconcile(as_json: JsonFlag = False) -> None:
    """Run the checks now and print the discrepancies; exit 1 if there are any. Nothing is repaired.

    A discrepancy that is new is also told to the world, as an event message.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from intake.commands.servers import transaction
    from orders.upkeep import reconciliation

    with transaction() as connection:
        found = reconciliation.reconcile(connection, now=datetime.now(UTC))
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        print_table(("rule", "subject", "detail"), [(one.rule, one.subject, one.detail) for one in found])
    else:
        print_line(f"No discrepancies: all {len(reconciliation.RULES)} rules hold.")
    if found:
        raise typer.Exit(1)
