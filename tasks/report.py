"""The result of a batch, for logs, metrics and Flower."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from orders.laps import Laps
from schemas.outcomes import Outcome


@dataclass(slots=True)
class Report:
    """The result of a batch: the outcomes of its requests, and the counts of those put aside."""

    outcomes: list[Outcome] = field(default_factory=list)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """The count of requests by kind, status, and the first code of a rejection, else an empty text."""
    calls: dict[UUID, str] = field(default_factory=dict)
    """The ids of the HTTP calls that sent the requests, by request id."""
    laps: Laps = field(default_factory=Laps)
    """The seconds of each step, from the report's making on."""
    delayed: int = 0
    dead: int = 0

    @property
    def count(self) -> int:
        """Return the count of requests with an outcome."""
        return len(self.outcomes)

    @property
    def summary(self) -> str:
        """Return the counts, for logs and for Flower."""
        processed = sum(outcome.status == "processed" for outcome in self.outcomes)
        rejected = sum(outcome.status == "rejected" for outcome in self.outcomes)
        return f"processed={processed} rejected={rejected} delayed={self.delayed} dead={self.dead}"
