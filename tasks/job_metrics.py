"""Metrics of the scheduled jobs: what became of their runs, and how long none came from a beat."""

import time
from collections.abc import Collection
from functools import partial
from typing import Final

from orders.upkeep.jobs import late_after
from tasks.jobs import intervals, queue_of
from worker.runtime.metrics import JOB_IDLE_SECONDS, JOB_LATE_AFTER_SECONDS, JOB_RUNS
from worker.runtime.settings import Settings

OK: Final = "ok"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"

_came_at: Final[dict[str, float]] = {}


def watch_jobs(settings: Settings, queues: Collection[str]) -> None:
    """Show the jobs that a worker of these queues runs, from its start on: a beat may never send one."""
    for job, seconds in intervals(settings).items():
        if queue_of(job) in queues:
            job_came(job)
            JOB_IDLE_SECONDS.labels(job).set_function(partial(_idle_seconds, job))
            JOB_LATE_AFTER_SECONDS.labels(job).set(late_after(seconds).total_seconds())
            for result in (OK, FAILED, SKIPPED):
                JOB_RUNS.labels(job, result)


def job_came(job: str) -> None:
    """Note that a beat has sent the job, whoever runs it."""
    _came_at[job] = time.monotonic()


def job_ended(job: str, result: str) -> None:
    """Count a run."""
    JOB_RUNS.labels(job, result).inc()


def _idle_seconds(job: str) -> float:
    return time.monotonic() - _came_at[job]
