"""What documents say: an order and its tickets in the words of a person, all of them clean text."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any, Literal

TicketState = Literal["valid", "used", "voided"]
Labelled = tuple[str, str]
"""A label and what it labels."""


@dataclass(frozen=True, slots=True)
class EventText:
    """An event: when in its own time zone, and where."""

    name: str
    day: str
    hours: str
    zone: str
    venue: str
    address: str


@dataclass(frozen=True, slots=True)
class TicketText:
    """A ticket; `place` is its section, row and seat, as far as it has them."""

    id: str
    event: EventText
    ticket_class: str
    place: tuple[Labelled, ...]
    attendee: str
    state: TicketState
    remark: str
    """What there is to know of its state, such as when it was used."""
    code: str
    """What the gate scans; empty until it is issued, and of a voided ticket."""
    reference: str


@dataclass(frozen=True, slots=True)
class LineText:
    """A line of an order."""

    name: str
    detail: str
    quantity: str
    unit_price: str
    amount: str


@dataclass(frozen=True, slots=True)
class OrderText:
    """An order: what was charged, what it comes to, and what of that is settled."""

    code: str
    issuer: str
    issuer_lines: tuple[str, ...]
    status: str
    is_over: bool
    """Whether the order was cancelled or refunded."""
    remark: str
    buyer: tuple[str, ...]
    particulars: tuple[Labelled, ...]
    events: tuple[EventText, ...]
    lines: tuple[LineText, ...]
    charges: tuple[Labelled, ...]
    total: Labelled
    settlement: tuple[Labelled, ...]
    tickets: tuple[TicketText, ...]
    voided: int
    """How many more tickets there were that are void now."""

    def letters(self) -> frozenset[str]:
        """Return every character that its documents may draw."""
        return frozenset(letter for text in _texts(astuple(self)) for letter in text)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
