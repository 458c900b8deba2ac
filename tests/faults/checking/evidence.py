"""What is known of a run in the end, and the checks that ask it for what should not be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.faults.buying.poisons import Poison
from tests.faults.checking.ledger import Ask, PriceChange
from tests.faults.checking.snapshot import Row, Snapshot
from tests.faults.checking.tape import Heard


@dataclass(frozen=True)
class Evidence:
    """All that is known in the end."""

    asks: Sequence[Ask]
    heard: Sequence[Heard]
    snapshot: Snapshot
    ticket_of: Callable[[str], str | None]
    """Returns the id of the ticket that a code is for; None where the tenant's keys did not sign it."""
    discrepancies: Sequence[str] = ()
    """What the program's own reconciliation finds."""
    prices: Sequence[PriceChange] = ()
    """Those that were loaded after the first ones, in their order."""
    poisons: Sequence[Poison] = ()
    """Messages that are to be dead letters."""


@dataclass(frozen=True)
class Finding:
    """Something that should not be: under which check, and what."""

    check: str
    what: str


Check = Callable[[Evidence], Iterator[str]]
CHECKS: Final[list[Check]] = []


def check(function: Check) -> Check:
    """Have the oracle ask this as well; the name of the function is the name of the check."""
    CHECKS.append(function)
    return function


def status_of(row: Row) -> str:
    """Return how a request has ended: "processed", or the code of its rejection."""
    return row["errors"][0]["code"] if row["status"] == "rejected" else str(row["status"])
