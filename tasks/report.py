"""The result of a batch, for logs, metrics and Flower."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from orders.laps import Laps
from schemas.outcomes import Outcome
from schemas.requests import Request
from willcall.kinds import HOLDS
from willcall.traceparents import trace_id_of
from worker.runtime import tracing


@dataclass(slots=True)
class Report:
    """The result of a batch: the outcomes of its requests, and the counts of delayed and dead ones."""

    outcomes: list[Outcome] = field(default_factory=list)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """The count of requests by kind, status, and the first code of a rejection, else an empty text."""
    calls: dict[UUID, str] = field(default_factory=dict)
    """The ids of the HTTP calls that sent the requests, by request id."""
    traces: dict[UUID, str] = field(default_factory=dict)
    """The ids of the traces that the requests belong to, by request id; only if tracing is on."""
    laps: Laps = field(default_factory=Laps)
    """The seconds of each step, from the report's making on."""
    delayed: int = 0
    dead: int = 0

    @classmethod
    def of(cls, requests: Sequence[Request]) -> Self:
        """Return an empty report, with what the logs show of the requests."""
        report = cls(calls={one.request_id: one.call_id for one in requests if one.call_id is not None})
        if tracing.active():
            report.traces = {
                one.request_id: trace_id_of(one.traceparent) for one in requests if one.traceparent
            }
        return report

    @property
    def count(self) -> int:
        """Return the count of requests with an outcome."""
        return len(self.outcomes)

    @property
    def has_events(self) -> bool:
        """Tell whether event messages may have been written: holds have none, but rejections do."""
        return any(kind not in HOLDS or status == "rejected" for kind, status, _ in self.counts)

    @property
    def summary(self) -> str:
        """Return the counts, for logs and for Flower."""
        processed = sum(outcome.status == "processed" for outcome in self.outcomes)
        rejected = sum(outcome.status == "rejected" for outcome in self.outcomes)
        return f"processed={processed} rejected={rejected} delayed={self.delayed} dead={self.dead}"
