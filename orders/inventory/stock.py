"""The locked inventory of a batch: free tickets and seats, and what the batch takes and returns.

Pure: decisions are made in memory, under the locks, and written once. The journal can undo everything.
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
class StockNeeds:
    """The inventory that a batch may take or return: to lock, and for seated classes to read."""

    ticket_classes: set[str] = field(default_factory=set)
    promo_codes: set[str] = field(default_factory=set)
    seats: Counter[str] = field(default_factory=Counter)
    """The number of seats of each seated class that may be taken."""
    labels: set[tuple[str, str]] = field(default_factory=set)
    """Requested seats: class and label."""
    offered: dict[str, bool] = field(default_factory=dict)
    """Whether each class that may be bought had seats when its offer was read."""

    def add(self, class_id: str, *, has_seats: bool, seats: int = 0, labels: Iterable[str] = ()) -> None:
        """Add a ticket class, a number of its seats, and named seats."""
        self.ticket_classes.add(class_id)
        if has_seats:
            self.seats[class_id] += seats
            self.labels.update((class_id, label) for label in labels)

    def add_offer(self, offer: TicketClassOffer, *, seats: int, labels: Iterable[str]) -> None:
        """Add a ticket class with the number of tickets that may be bought, and named seats."""
        self.offered[offer.id] = offer.has_seats
        self.add(offer.id, has_seats=offer.has_seats, seats=seats, labels=labels)


class Level(NamedTuple):
    """The free inventory of a ticket class, and the batch's changes of its counters."""

    free: int
    least: int
    """The smallest free number at any time in the batch."""
    sold: int = 0
    held: int = 0
    withdrawn: int = 0
    """The inventory withdrawn because its purchase was cancelled."""

    @property
    def is_changed(self) -> bool:
        """Return whether there is something to write."""
        return bool(self.sold or self.held or self.withdrawn)

    def less(self, taken: int, *, sold: int = 0, held: int = 0, withdrawn: int = 0) -> "Level":
        """Return the level with `count` fewer free (more, if negative), and other counters."""
        free = self.free - taken
        return Level(
            free,
            min(free, self.least),
            self.sold + sold,
            self.held + held,
            self.withdrawn + withdrawn,
        )


class Uses(NamedTuple):
    """The remaining uses of a promo code (None: unlimited), and the uses of the batch."""

    left: int | None
    used: int = 0


class Stock:
    """Ticket classes, seats and promo codes after the batch's changes so far."""

    def __init__(self, journal: Journal) -> None:
        self.levels: Table[str, Level] = Table("ticket_classes", journal)
        self.uses: Table[str, Uses] = Table("promo_codes", journal)
        self._seats: Table[str, SeatRow] = Table("seats", journal)
        self._seat_maps: Table[str, SeatMap] = Table("seat maps", journal)
        self.read_only: StockNeeds | None = None
        """The inventory that was read without locks: see `orders.steps.late_locks`."""
        self.seen: dict[str, int] = {}
        """The free number of each class when it was read."""
        self.chosen_seats: set[str] = set()
        """The ids of all seats that were taken at any time, including undone requests."""
        self.was_short = False
        """Whether a request was refused because too little inventory was free."""

    def add_loaded(
        self, free: dict[str, int], uses: dict[str, int | None], seats: dict[str, list[Seat]]
    ) -> None:
        """Add the inventory that was read under the locks."""
        self.seen = free
        for class_id, count in free.items():
            self.levels.add_loaded(class_id, Level(count, count))
        for promo_code_id, left in uses.items():
            self.uses.add_loaded(promo_code_id, Uses(left))
        for class_id, found in seats.items():
            self._seat_maps.add_loaded(class_id, SeatMap(found))

    def free(self, class_id: str) -> int:
        """Return the number of tickets that are neither sold nor held."""
        return self.levels[class_id].free

    def has(self, class_id: str, quantity: int) -> bool:
        """Return whether `count` tickets are left."""
        is_enough = quantity <= self.levels[class_id].free
        self.was_short = self.was_short or not is_enough
        return is_enough

    def check(self, offer: TicketClassOffer, quantity: int, field: str) -> None:
        """Raise `SoldOut` if fewer are left."""
        if not self.has(offer.id, quantity):
            raise SoldOut(f"only {self.free(offer.id)} left of ticket class {offer.external_id}", field)

    def sell(self, class_id: str, quantity: int) -> None:
        """Count tickets as sold; a negative number returns them."""
        self.levels.put(class_id, self.levels[class_id].less(quantity, sold=quantity))

    def hold(self, class_id: str, quantity: int) -> None:
        """Count tickets as held; a negative number returns them."""
        self.levels.put(class_id, self.levels[class_id].less(quantity, held=quantity))

    def sell_held(self, class_id: str, quantity: int) -> None:
        """Count held tickets as sold."""
        self.levels.put(class_id, self.levels[class_id].less(0, sold=quantity, held=-quantity))

    def withdraw(self, class_id: str, quantity: int) -> None:
        """Withdraw free inventory permanently."""
        self.levels.put(class_id, self.levels[class_id].less(quantity, withdrawn=quantity))

    def open(self, class_id: str, quantity: int, seats: Sequence[Seat]) -> None:
        """Add a ticket class that the batch creates."""
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
        """Take the requested seats, or else `count` adjacent ones; return them.

        With `is_alike`, all of them are odd, or all even. Raises `SeatUnavailable`.
        """
        seat_map = self._seat_maps[class_id]
        try:
            if labels:
                seats = seat_map.named(labels, field)
            else:
                seats = seat_map.choose_alike(count, field) if is_alike else seat_map.choose(count)
            if len(seats) < count:  # read without a lock: the seats later than the counter
                raise SeatUnavailable(f"only {len(seats)} seats are free", field)
        except SeatUnavailable:
            self.was_short = True
            raise
        self._seat_maps.put(class_id, seat_map.without(seats))
        self.chosen_seats.update(seat.id for seat in seats)
        self.mark_seats(seats, hold_id)
        return seats

    def mark_seats(self, seats: Iterable[Seat], hold_id: str | None = None) -> None:
        """Mark seats as taken, with their hold if any."""
        for seat in seats:
            self._seats.put(seat.id, SeatRow(seat.id, is_taken=True, hold_id=hold_id))

    def free_seats(self, class_id: str, seats: Sequence[Seat]) -> None:
        """Free seats."""
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
        """Count a use of a promo code; a negative number returns it."""
        left, used = self.uses.get(promo_code_id) or Uses(None)
        self.uses.put(promo_code_id, Uses(left, used + count))
