"""The checks of `willcall doctor` on failed work: dead letters, discrepancies and scheduled jobs."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from db.tables import dead_letters, discrepancies
from intake.cli.output import counted
from orders.recovery.event_letters import EVENT_MESSAGE
from orders.upkeep.jobs import read_jobs
from tasks.jobs import intervals
from worker.broker.safety import Finding
from worker.runtime.settings import Settings


def check_work(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Check for dead letters and discrepancies, and that the scheduled jobs run."""
    yield _dead_letters(connection)
    yield _discrepancies(connection)
    yield _schedule(connection, settings)


def _dead_letters(connection: Connection) -> Finding:
    # Event messages have a check of their own.
    query = select(func.count()).select_from(dead_letters).where(dead_letters.c.kind != EVENT_MESSAGE)
    count = connection.execute(query).scalar_one()
    if not count:
        return Finding("dead letters", True, "no request is a dead letter")
    advice = "`willcall dead-letters list` shows why; then `replay` or `discard` them"
    return Finding("dead letters", False, f"{counted(count, 'request')} could not be processed: {advice}")


def _discrepancies(connection: Connection) -> Finding:
    count = connection.execute(select(func.count()).select_from(discrepancies)).scalar_one()
    if not count:
        return Finding("discrepancies", True, "reconciliation has found none")
    found = "1 discrepancy" if count == 1 else f"{count} discrepancies"
    advice = "`willcall reconcile` lists them, and docs/reconciliation.md says what to do"
    return Finding("discrepancies", False, f"reconciliation has found {found}: {advice}")


def _schedule(connection: Connection, settings: Settings) -> Finding:
    jobs = read_jobs(connection, intervals(settings), datetime.now(UTC))
    never = [job.name for job in jobs if job.began_at is None]
    late = [job.name for job in jobs if job.is_late]
    failed = [f"{job.name}: {job.error}" for job in jobs if job.error]
    parts = []
    if never or late:
        which = [f"never ran: {', '.join(never)}"] if never else []
        which += [f"did not run for several intervals: {', '.join(late)}"] if late else []
        parts.append("; ".join(which) + ": run `willcall up`, or `willcall serve beat` next to the workers")
    if failed:
        parts.append(f"failed: {'; '.join(failed)}: see `willcall schedule list`")
    sentence = "; ".join(parts)
    return Finding("schedule", not sentence, sentence or f"all {len(jobs)} jobs run")
