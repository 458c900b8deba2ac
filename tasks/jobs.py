"""The jobs of the schedule: their names, the settings of their intervals, and their queues."""

from collections.abc import Mapping
from typing import Final

from willcall.queues import MAINTENANCE, OUTBOX
from worker.runtime.settings import Settings

_JOBS: Final[Mapping[str, tuple[str, str]]] = {
    "requests.retry": ("sweep_seconds", MAINTENANCE),
    "outbox.sweep": ("sweep_seconds", OUTBOX),
    "holds.sweep": ("sweep_seconds", MAINTENANCE),
    "orders.cancel_unpaid": ("sweep_seconds", MAINTENANCE),
    "documents.sweep": ("sweep_seconds", MAINTENANCE),
    "reconciliation.run": ("reconcile_seconds", MAINTENANCE),
}


def intervals(settings: Settings) -> dict[str, float]:
    """Return the jobs' names, each with the seconds between two runs."""
    return {name: float(getattr(settings, setting)) for name, (setting, _) in _JOBS.items()}


def queue_of(job: str) -> str:
    """Return the queue that the job is sent to."""
    return _JOBS[job][1]
