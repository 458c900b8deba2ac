"""What producers asked for and were told: kept apart from the system, and compared with it in the end."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.buying.poisons import Poison
from tests.faults.checking.model import Expected

Effect = Callable[[Expected | None], Expected]


@dataclass(frozen=True)
class Told:
    """One answer, or what came instead of one."""

    at: float
    status: int | str
    """Of HTTP; the name of an error; or "confirmed" for a message that the broker has taken."""
    words: Any = None


@dataclass
class Ask:
    """One request, under one idempotency key, however often it was sent."""

    key: str
    kind: str
    producer: str
    life: str
    """The key of the request that makes the order (or takes the hold) that it is about."""
    place: int
    """Its place in the life of that order, from 0."""
    body: Any
    may_end_as: frozenset[str]
    """"processed", or the code of a rejection."""
    effect: Effect | None = None
    """What it makes of the order where it is processed."""
    asked_at: float = field(default_factory=time.monotonic)
    sendings: int = 0
    told: list[Told] = field(default_factory=list)
    request_ids: set[str] = field(default_factory=set)
    outcome: str | None = None
    """How the producer was told that it has ended: as in `may_end_as`."""
    order_id: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Say whether the system has taken responsibility for it."""
        return (
            any(one.status in (200, 201, 202, "confirmed") for one in self.told) or self.outcome is not None
        )

    def note(self, status: int | str, words: Any = None) -> None:
        self.told.append(Told(time.monotonic(), status, words))


@dataclass
class PriceChange:
    """A price of a ticket class that was loaded; times are those of `time.monotonic`."""

    ticket_class: str
    price: str
    began: float
    ended: float = math.inf
    """When it was certainly the price; never, where nobody knows whether it was loaded."""


class Ledger:
    """All that was asked; many threads write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asks: dict[str, Ask] = {}
        self.poisons: list[Poison] = []
        """Messages that are no requests."""

    def add(self, ask: Ask) -> Ask:
        with self._lock:
            assert ask.key not in self._asks
            self._asks[ask.key] = ask
        return ask

    def __iter__(self) -> Iterator[Ask]:
        with self._lock:
            return iter(list(self._asks.values()))

    def __len__(self) -> int:
        return len(self._asks)
