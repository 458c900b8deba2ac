"""Choosing seats: requested ones, or adjacent ones, without leaving single seats where possible.

Seats with consecutive positions are adjacent. Pure: no database here.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from orders.catalogue.prices import TicketClassOffer
from orders.errors import Invalid, SeatUnavailable, TooManyTickets
from schemas.order_fields import SeatOrder


@dataclass(frozen=True, slots=True)
class Seat:
    """A numbered seat of a ticket class."""

    id: str
    label: str
    position: int


Runs = list[list[Seat]]


class SeatMap:
    """The free seats of one ticket class, as runs of adjacent seats in the order of their positions.

    It is immutable: taking seats returns another map.
    """

    __slots__ = ("_runs",)

    def __init__(self, free: Iterable[Seat]) -> None:
        self._runs = _runs(sorted(free, key=lambda seat: seat.position))

    @classmethod
    def _of(cls, runs: Runs) -> "SeatMap":
        made = cls(())
        made._runs = runs
        return made

    @property
    def free(self) -> list[Seat]:
        """Return the free seats, in the order of their positions."""
        return [seat for run in self._runs for seat in run]

    def choose(self, count: int) -> list[Seat]:
        """Return `count` free adjacent seats, or else seats from as few runs as possible."""
        return _choose(self._runs, count)

    def choose_alike(self, count: int, field: str | None) -> list[Seat]:
        """Return `count` free seats that are all odd or all even, such as 3, 5, 7 if possible.

        Raises `SeatUnavailable` if there are too few of both.
        """
        numbered = [seat for seat in self.free if is_number(seat.label)]
        by_parity = [[seat for seat in numbered if int(seat.label) % 2 == parity] for parity in (1, 0)]
        enough = [_next_but_one(seats) for seats in by_parity if len(seats) >= count]
        if not enough:
            raise SeatUnavailable(f"neither {count} odd nor {count} even seats are free", field)
        # The choice that is closer together; odd seats if both are equal.
        return min((_choose(runs, count) for runs in enough), key=_extent)

    def named(self, labels: Sequence[str], field: str | None) -> list[Seat]:
        """Return these seats. Raises `SeatUnavailable`, which names the seats that are not free."""
        free = {seat.label: seat for seat in self.free}
        missing = [label for label in labels if label not in free]
        if missing:
            raise SeatUnavailable("not free: seat " + ", ".join(missing), field)
        return [free[label] for label in labels]

    def without(self, seats: Sequence[Seat]) -> "SeatMap":
        """Return the map in which these seats are taken."""
        for index, run in enumerate(self._runs):
            if run[: len(seats)] == seats:  # as `choose` returns them
                rest = run[len(seats) :]
                return self._of([*self._runs[:index], *([rest] if rest else []), *self._runs[index + 1 :]])
        taken = {seat.id for seat in seats}
        return SeatMap(seat for seat in self.free if seat.id not in taken)

    def with_free(self, seats: Iterable[Seat]) -> "SeatMap":
        """Return the map in which these seats are free."""
        return SeatMap([*self.free, *seats])


def wished_labels(wish: Any, count: int) -> list[str]:
    """Return the labels that a line or a hold requests, if any: `seats`, or those from `low_seat` on."""
    if wish.seats:
        return list(wish.seats)
    if wish.low_seat is None:
        return []
    return labels_from(wish.low_seat, wish.seat_order, count)


def wants_alike(wish: Any) -> bool:
    """Return whether a line or a hold requests seats that are all odd or all even.

    Ticket Evolution's `seat_order` without a `low_seat` (Orders / Create, Items Parameters).
    """
    return wish.seat_order == "odd_even" and not wish.seats and wish.low_seat is None


def check_alike(wish: Any, offer: TicketClassOffer, field: str) -> None:
    """Raise `Invalid` for a request of odd or even seats in a class without seats."""
    if wants_alike(wish) and not offer.has_seats:
        raise Invalid(f"ticket class {offer.external_id} has no seats", field)


def check_ticket_count(quantities: Iterable[int], most: int) -> None:
    """Raise `TooManyTickets` if the lines exceed the maximum number of tickets of an order."""
    count = sum(quantities)
    if count > most:
        raise TooManyTickets(f"{count} tickets: an order may have at most {most}", "line_items")


def check_wish(labels: Sequence[str], offer: TicketClassOffer, quantity: int, field: str) -> None:
    """Raise `Invalid` for seats in a class without seats, or unless there is one seat for each ticket.

    Raises `SeatUnavailable` for a seat that is named twice.
    """
    if not offer.has_seats:
        raise Invalid(f"ticket class {offer.external_id} has no seats", field)
    if len(labels) != quantity:
        raise Invalid(f"{len(labels)} seats for {quantity} tickets", field)
    twice = sorted(label for label, count in Counter(labels).items() if count > 1)
    if twice:
        raise SeatUnavailable("named twice: seat " + ", ".join(twice), field)


def labels_from(low_seat: str, seat_order: SeatOrder, count: int) -> list[str]:
    """Return the labels from the lowest seat on: 4, 5, 6, or 4, 6, 8 with `odd_even`.

    The rule of Ticket Evolution's `low_seat` and `seat_order` (Orders / Create, Items Parameters).
    """
    step = 2 if seat_order == "odd_even" else 1
    if not is_number(low_seat):
        # The labels after a seat that is not a number are unknown: the answer names the label.
        return [low_seat, *(f"{low_seat}+{index}" for index in range(1, count))]
    return [str(int(low_seat) + step * index) for index in range(count)]


def is_number(label: str) -> bool:
    """Return whether a seat's label is a number, so that the following labels are known."""
    return label.isascii() and label.isdigit()


def _choose(runs: Runs, count: int) -> list[Seat]:
    for fits in (_exactly, _leaving_no_single, _at_all):
        for run in runs:
            if fits(len(run), count):
                return run[:count]
    scattered = [seat for run in sorted(runs, key=len, reverse=True) for seat in run]
    return sorted(scattered[:count], key=lambda seat: seat.position)


def _next_but_one(seats: Sequence[Seat]) -> Runs:
    """Return the runs of numbers with steps of two, in order."""
    in_order = enumerate(sorted(seats, key=lambda seat: int(seat.label)))
    groups = groupby(in_order, key=lambda pair: int(pair[1].label) - 2 * pair[0])
    return [[seat for _, seat in group] for _, group in groups]


def _extent(seats: Sequence[Seat]) -> int:
    numbers = [int(seat.label) for seat in seats]
    return max(numbers) - min(numbers)


def _runs(seats: Sequence[Seat]) -> list[list[Seat]]:
    numbered = enumerate(seats)
    groups = groupby(numbered, key=lambda pair: pair[1].position - pair[0])
    return [[seat for _, seat in group] for _, group in groups]


def _exactly(length: int, count: int) -> bool:
    return length == count


def _leaving_no_single(length: int, count: int) -> bool:
    return length >= count + 2


def _at_all(length: int, count: int) -> bool:
    return length >= count
