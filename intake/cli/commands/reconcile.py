"""`willcall reconcile`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from intake.cli.output import JsonFlag, counted, print_json, print_line, print_table, status

if TYPE_CHECKING:
    from orders.upkeep.reconciliation import Progress


def reconcile(as_json: JsonFlag = False) -> None:
    """Run the checks now and print the discrepancies; exit 1 if there are any. It repairs nothing.

    A new discrepancy is also published as an event message. The run reads page by page and pauses in
    between, so that sales go on.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from intake.cli.processes.servers import engine
    from orders.upkeep import reconciliation
    from tasks.jobs import intervals
    from worker.runtime.settings import get_settings

    with engine() as opened, _progress() as progress:
        found = reconciliation.reconcile_gently(
            opened, now=datetime.now(UTC), job_intervals=intervals(get_settings()), progress=progress
        )
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        print_table(("rule", "subject", "detail"), [(one.rule, one.subject, one.detail) for one in found])
    else:
        print_line(f"No discrepancies: all {len(reconciliation.RULES)} rules hold.")
    if found:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator["Progress"]:
    """Show the progress on standard error, if it is a terminal."""
    with status("reading") as shown:

        def show(name: str, pages: int) -> None:
            shown.update(f"reading {name}: {counted(pages, 'page')}")

        yield show
