"""What became of a batch, for logs, metrics and Flower."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from schemas.outcomes import Outcome


@dataclass(slots=True)
class Report:
    """What became of a batch: the outcomes of its requests, and how many were put aside."""

    outcomes: list[Outcome] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many requests of each kind ended how."""
    calls: dict[UUID, str] = field(default_factory=dict)
    """The calls of the intake that requests came by."""
    delayed: int = 0
    dead: int = 0

    @property
    def count(self) -> int:
        """Return how many requests have an outcome."""
        return len(self.outcomes)

    @property
    def summary(self) -> str:
        """Return the counts, for logs and for Flower."""
        processed = sum(outcome.status == "processed" for outcome in self.outcomes)
        rejected = sum(outcome.status == "rejected" for outcome in self.outcomes)
        return f"processed={processed} rejected={rejected} delayed={self.delayed} dead={self.dead}"
