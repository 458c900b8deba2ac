"""The texts of documents: an order and its tickets for people, all of them cleaned."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any, Literal

TicketState = Literal["valid", "used", "voided"]
Labelled = tuple[str, str]
"""A label and its value."""


@dataclass(frozen=True, slots=True)
class EventText:
    """An event: its time, in its own time zone, and its place."""

    name: str
    day: str
    hours: str
    zone: str
    venue: str
    address: str


@dataclass(frozen=True, slots=True)
class TicketText:
    """A ticket; `place` is those of section, row and seat that it has."""

    id: str
    event: EventText
    ticket_class: str
    place: tuple[Labelled, ...]
    attendee: str
    state: TicketState
    remark: str
    """A remark about its state, such as when it was used."""
    code: str
    """The code that the gate scans; empty if it is not issued, or the ticket is void."""
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
    """An order: its charges, its total, and the payments."""

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
    """The number of void tickets, which are not in `tickets`."""

    def letters(self) -> frozenset[str]:
        """Return all characters of its documents."""
        return frozenset(letter for text in _texts(astuple(self)) for letter in text)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
