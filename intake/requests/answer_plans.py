"""Plans of answers to calls, once their outcomes are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import Response

from orders.reading.outcomes import RequestRow
from orders.reading.snapshots import Needs, Snapshot, Wanted
from vendors.registry import CANONICAL

Make = Callable[[Snapshot, Sequence[RequestRow]], Response | None]
"""Makes the response for requests that all have an outcome, in their order; None: it cannot be made now.

It runs in the thread that answers all waiting callers, and reads nothing. It raises `Problem` for a
rejection, or `OrderNotShown`.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a response is made, and what has to be read for it."""

    make: Make
    needs: Needs = Needs.ORDER
    hold_id: UUID | None = None
    """A hold that is shown, whatever the outcome."""
    dialect: str = CANONICAL
    """The format in which orders are shown."""

    def wanted(self, outcomes: Sequence[RequestRow]) -> Wanted:
        """Return the orders and holds to read for an answer with these outcomes."""
        return Wanted(outcomes, self.needs, self.hold_id)


def plan_for_one(
    make: Callable[[Snapshot, RequestRow], Response | None],
    needs: Needs = Needs.ORDER,
    hold_id: UUID | None = None,
    dialect: str = CANONICAL,
) -> Plan:
    """Return the plan of an answer to a single request."""
    return Plan(lambda snapshot, outcomes: make(snapshot, outcomes[0]), needs, hold_id, dialect)


WITH_BACKGROUND: Final = Needs.ORDER | Needs.BACKGROUND
WITH_ORIGINAL: Final = WITH_BACKGROUND | Needs.ORIGINAL
