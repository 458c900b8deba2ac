"""Scheduled jobs by their ticks: the last run of each, its result, and when the job is due."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from db.bulk import array

_LATE_INTERVALS: Final = 5
_LATE_AT_LEAST: Final = timedelta(minutes=10)

_LAST = text("""
    SELECT job.task, newest.claimed_at AS began_at, newest.finished_at IS NULL AS is_running,
        finished.claimed_at, finished.finished_at, finished.count AS counted,
        finished.error
    FROM unnest(CAST(:tasks AS text[])) AS job (task)
    CROSS JOIN LATERAL (
        SELECT claimed_at, finished_at FROM ticks WHERE ticks.task = job.task
        ORDER BY claimed_at DESC, tick DESC LIMIT 1) newest
    LEFT JOIN LATERAL (
        SELECT * FROM ticks WHERE ticks.task = job.task AND ticks.finished_at IS NOT NULL
        ORDER BY claimed_at DESC, tick DESC LIMIT 1) finished ON TRUE
""")

_RUN = text("SELECT finished_at, error, count AS counted FROM ticks WHERE task = :task AND tick = :tick")


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the schedule, and its last runs."""

    name: str
    interval_seconds: float
    began_at: datetime | None
    """When its newest run began, finished or not; None: no run is known."""
    is_running: bool
    """Whether that run has not ended; its process may have."""
    ran_at: datetime | None
    """When the last run began that has ended; None: none has."""
    took_seconds: float | None
    count: int | None
    """What that run counted: requests, event messages, discrepancies."""
    error: str | None
    due_at: datetime
    is_late: bool

    @property
    def result(self) -> str | None:
        """Return `ok`, or the sentence of what went wrong in the last run that has ended."""
        return None if self.ran_at is None else self.error or "ok"


@dataclass(frozen=True, slots=True)
class JobRun:
    """A run that has begun: has it ended, and how?"""

    is_finished: bool
    count: int | None
    error: str | None


def late_after(interval_seconds: float) -> timedelta:
    """Return the time without a run after which a job is late."""
    return max(timedelta(seconds=_LATE_INTERVALS * interval_seconds), _LATE_AT_LEAST)


def late_before(interval_seconds: float, now: datetime) -> datetime:
    """Return the moment before which the newest run of a job that is not late cannot have begun."""
    return now - late_after(interval_seconds)


def read_jobs(connection: Connection, intervals: Mapping[str, float], now: datetime) -> list[Job]:
    """Return the jobs; `intervals` are their names with the seconds between two runs."""
    rows = {row.task: row for row in connection.execute(_LAST, {"tasks": array(intervals)})}
    jobs = []
    for name, seconds in intervals.items():
        row = rows.get(name)
        ran_at = None if row is None else row.claimed_at
        began_at = None if row is None else row.began_at
        jobs.append(
            Job(
                name=name,
                interval_seconds=seconds,
                began_at=began_at,
                is_running=row is not None and row.is_running,
                ran_at=ran_at,
                took_seconds=None if row is None or ran_at is None else _seconds(ran_at, row.finished_at),
                count=None if row is None else row.counted,
                error=None if row is None else row.error,
                due_at=_due_after(began_at or now, seconds),
                is_late=began_at is not None and began_at < late_before(seconds, now),
            )
        )
    return jobs


def find_run(connection: Connection, name: str, tick: int) -> JobRun | None:
    """Return the run of this tick, or None if it has not begun."""
    row = connection.execute(_RUN, {"task": name, "tick": tick}).first()
    return None if row is None else JobRun(row.finished_at is not None, row.counted, row.error)


def _seconds(since: datetime, until: datetime) -> float:
    return max((until - since).total_seconds(), 0.0)


def _due_after(moment: datetime, seconds: float) -> datetime:
    """Return the next multiple of the interval since 1970: all beats agree on those."""
    return datetime.fromtimestamp((math.floor(moment.timestamp() / seconds) + 1) * seconds, UTC)
