"""The inventory that a batch holds the locks of: what is free, and what the batch takes and gives back.

Pure: decisions are made in memory, under the locks, and written once. Everything is undone with the journal.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from orders.catalogue.prices import PromoCodeOffer, TicketClassOffer
from orders.errors import SeatUnavailable, SoldOut, UnknownPromoCode
from orders.inventory.seating import Seat, SeatMap
from orders.journal import Journal, Table
from orders.rows import SeatRow


@dataclass(slots=True)
class Needs:
    """What a batch may take or give back; to be locked, and for seated classes, to be read."""

    ticket_classes: set[str] = field(default_factory=set)
    promo_codes: set[str] = field(default_factory=set)
    seats: Counter[str] = field(default_factory=Counter)
    """How many seats of each seated class may be taken."""
    labels: set[tuple[str, str]] = field(default_factory=set)
    """Seats that are wished for: class and label."""
    offered: dict[str, bool] = field(default_factory=dict)
    """Whether each class that may be bought had seats when it was offered."""

    def add(self, class_id: str, *, has_seats: bool, seats: int = 0, labels: Iterable[str] = ()) -> None:
        """Add a ticket class, so many of its seats, and seats by name."""
        self.ticket_classes.add(class_id)
        if has_seats:
            self.seats[class_id] += seats
            self.labels.update((class_id, label) for label in labels)

    def add_offer(self, offer: TicketClassOffer, *, seats: int, labels: Iterable[str]) -> None:
        """Add a ticket class of which so many may be bought, and seats by name."""
        self.offered[offer.id] = offer.has_seats
        self.add(offer.id, has_seats=offer.has_seats, seats=seats, labels=labels)


class Level(NamedTuple):
    """What is free of a ticket class, and by how much the batch has changed its counters."""

    free: int
    least: int
    """The least that was free at any time of the batch."""
    sold: int = 0
    held: int = 0
    withdrawn: int = 0
    """What is no longer there: its purchase was cancelled."""

    @property
    def is_changed(self) -> bool:
        """Say whether there is something to write."""
        return bool(self.sold or self.held or self.withdrawn)

    def less(self, taken: int, *, sold: int = 0, held: int = 0, withdrawn: int = 0) -> "Level":
        """Return the level with so many fewer free (more, if negative), and other counters."""
        free = self.free - taken
        return Level(
            free,
            min(free, self.least),
            self.sold + sold,
            self.held + held,
            self.withdrawn + withdrawn,
        )


class Uses(NamedTuple):
    """How often a promo code can still be used (None: without end), and how often the batch has used it."""

    left: int | None
    used: int = 0


class Stock:
    """Ticket classes, seats and promo codes, as they are after what the batch has done so far."""

    def __init__(self, journal: Journal) -> None:
        self.levels: Table[str, Level] = Table("ticket_classes", journal)
        self.uses: Table[str, Uses] = Table("promo_codes", journal)
        self._seats: Table[str, SeatRow] = Table("seats", journal)
        self._seat_maps: Table[str, SeatMap] = Table("seat maps", journal)
        self.read_only: Needs | None = None
        """What was read without its locks: see `orders.steps.late_locks`."""
        self.seen: dict[str, int] = {}
        """What was free of each class when it was read."""
        self.chosen_seats: set[str] = set()
        """The ids of all seats that were taken at any time, also of what was undone."""
        self.was_short = False
        """Whether something was refused for want of inventory, by what was read."""

    def add_loaded(
        self, free: dict[str, int], uses: dict[str, int | None], seats: dict[str, list[Seat]]
    ) -> None:
        """Take in what was read under the locks."""
        self.seen = free
        for class_id, count in free.items():
            self.levels.add_loaded(class_id, Level(count, count))
        for promo_code_id, left in uses.items():
            self.uses.add_loaded(promo_code_id, Uses(left))
        for class_id, found in seats.items():
            self._seat_maps.add_loaded(class_id, SeatMap(found))

    def free(self, class_id: str) -> int:
        """Return how many are neither sold nor held."""
        return self.levels[class_id].free

    def has(self, class_id: str, quantity: int) -> bool:
        """Say whether so many are left."""
        is_enough = quantity <= self.levels[class_id].free
        self.was_short = self.was_short or not is_enough
        return is_enough

    def check(self, offer: TicketClassOffer, quantity: int, field: str) -> None:
        """Raise `SoldOut` if fewer are left."""
        if not self.has(offer.id, quantity):
            raise SoldOut(f"{self.free(offer.id)} left of ticket class {offer.external_id}", field)

    def sell(self, class_id: str, quantity: int) -> None:
        """Count so many as sold; a negative number gives them back."""
        self.levels.put(class_id, self.levels[class_id].less(quantity, sold=quantity))

    def hold(self, class_id: str, quantity: int) -> None:
        """Count so many as held; a negative number gives them back."""
        self.levels.put(class_id, self.levels[class_id].less(quantity, held=quantity))

    def sell_held(self, class_id: str, quantity: int) -> None:
        """Count what was held as sold."""
        self.levels.put(class_id, self.levels[class_id].less(0, sold=quantity, held=-quantity))

    def withdraw(self, class_id: str, quantity: int) -> None:
        """Take free inventory out for good."""
        self.levels.put(class_id, self.levels[class_id].less(quantity, withdrawn=quantity))

    def open(self, class_id: str, quantity: int, seats: Sequence[Seat]) -> None:
        """Add a ticket class that the batch makes."""
        self.levels.put(class_id, Level(quantity, quantity))
        self._seat_maps.put(class_id, SeatMap(seats))

    def choose_seats(
        self,
        class_id: str,
        count: int,
        *,
        labels: Sequence[str] = (),
        is_alike: bool = False,
        field: str | None = None,
        hold_id: str | None = None,
    ) -> list[Seat]:
        """Take the seats that are wished for, or else so many neighbours; return them.

        `is_alike` wants all of them to be odd, or all even. Raises `SeatUnavailable`.
        """
        seat_map = self._seat_maps[class_id]
        try:
            if labels:
                seats = seat_map.named(labels, field)
            else:
                seats = seat_map.choose_alike(count, field) if is_alike else seat_map.choose(count)
            if len(seats) < count:  # read without a lock: the seats later than the counter
                raise SeatUnavailable(f"{len(seats)} seats are free", field)
        except SeatUnavailable:
            self.was_short = True
            raise
        self._seat_maps.put(class_id, seat_map.without(seats))
        self.chosen_seats.update(seat.id for seat in seats)
        self.mark_seats(seats, hold_id)
        return seats

    def mark_seats(self, seats: Iterable[Seat], hold_id: str | None = None) -> None:
        """Say that seats are taken, and by which hold."""
        for seat in seats:
            self._seats.put(seat.id, SeatRow(seat.id, is_taken=True, hold_id=hold_id))

    def free_seats(self, class_id: str, seats: Sequence[Seat]) -> None:
        """Give seats back."""
        self._seat_maps.put(class_id, self._seat_maps[class_id].with_free(seats))
        for seat in seats:
            self._seats.put(seat.id, SeatRow(seat.id, is_taken=False, hold_id=None))

    def check_uses(self, promo_codes: Iterable[PromoCodeOffer]) -> None:
        """Raise `UnknownPromoCode` if one of them is used up."""
        for promo_code in promo_codes:
            left, used = self.uses[promo_code.id]
            if left is not None and used >= left:
                raise UnknownPromoCode(f"promo code {promo_code.code} has been used up", "promo_code")

    def use(self, promo_code_id: str, count: int = 1) -> None:
        """Count a use of a promo code; a negative number gives it back."""
        left, used = self.uses.get(promo_code_id) or Uses(None)
        self.uses.put(promo_code_id, Uses(left, used + count))
