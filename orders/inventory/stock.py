"""The inventory that a batch holds the locks of: what is free, and what the batch takes and gives back.

Locks are taken in id order, ticket classes before promo codes, once a batch: two batches for the same
classes must not deadlock. All decisions are made in memory, and written once; a check constraint makes
overselling impossible even for wrong code.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from db.bulk import array
from orders.catalogue.offers import PromoCodeOffer, TicketClassOffer
from orders.errors import SoldOut, UnknownPromoCode
from orders.inventory.seating import Runs, Seat, SeatMap

# NO KEY: a foreign key that points at the class must not wait for its buyers.
_LOCK_TICKET_CLASSES = text("""
    SELECT id::text, capacity - sold - held AS free, held, has_seats
    FROM ticket_classes WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY ticket_classes.id FOR NO KEY UPDATE
""")

_LOCK_PROMO_CODES = text("""
    SELECT id::text, max_uses - used AS free
    FROM promo_codes WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY promo_codes.id FOR NO KEY UPDATE
""")

# A hold that another transaction has locked is being used, extended or released there; whoever does that
# waits for our locks of its class, so it must not be waited for here.
_EXPIRE_HOLDS = text("""
    UPDATE holds SET status = 'expired', updated_at = :now
    FROM (
        SELECT id FROM holds
        WHERE ticket_class_id = ANY(CAST(:ids AS uuid[])) AND status = 'held' AND expires_at <= :now
        ORDER BY id FOR UPDATE SKIP LOCKED
    ) AS late
    WHERE holds.id = late.id
    RETURNING holds.id::text, ticket_class_id::text, quantity
""")

_FREE_SEATS_OF_HOLDS = text("""
    UPDATE seats SET is_taken = false, hold_id = NULL WHERE hold_id = ANY(CAST(:ids AS uuid[]))
""")

# Enough to choose neighbours from; a class may have a hundred thousand seats.
_FREE_SEATS = text("""
    SELECT wanted.ticket_class_id::text, seat.id::text, seat.label, seat.position
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS wanted (ticket_class_id, count)
    CROSS JOIN LATERAL (
        SELECT id, label, position FROM seats
        WHERE seats.ticket_class_id = wanted.ticket_class_id AND NOT is_taken
        ORDER BY position LIMIT wanted.count * 4 + 100
    ) AS seat
    UNION
    SELECT seats.ticket_class_id::text, id::text, label, position
    FROM unnest(CAST(:named_ids AS uuid[]), CAST(:labels AS text[])) AS named (ticket_class_id, label)
    JOIN seats USING (ticket_class_id, label)
    WHERE NOT is_taken
""")

_WRITE_TICKET_CLASSES = text("""
    UPDATE ticket_classes SET sold = ticket_classes.sold + change.sold,
        held = ticket_classes.held + change.held
    FROM unnest(CAST(:ids AS uuid[]), CAST(:sold AS int[]), CAST(:held AS int[])) AS change (id, sold, held)
    WHERE ticket_classes.id = change.id
""")

_WITHDRAW = text("""
    UPDATE ticket_classes SET capacity = capacity - gone.count
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS gone (id, count)
    WHERE ticket_classes.id = gone.id
""")

_USE = text("""
    UPDATE promo_codes SET used = used + taken.count
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS taken (id, count)
    WHERE promo_codes.id = taken.id
""")

_WRITE_SEATS = text("""
    UPDATE seats SET is_taken = change.is_taken, hold_id = change.hold_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS bool[]), CAST(:hold_ids AS uuid[]))
        AS change (id, is_taken, hold_id)
    WHERE seats.id = change.id
""")


@dataclass(slots=True)
class Needs:
    """What a batch may take or give back; to be locked, and for seated classes, to be read."""

    ticket_classes: set[str] = field(default_factory=set)
    promo_codes: set[str] = field(default_factory=set)
    seats: Counter[str] = field(default_factory=Counter)
    """How many seats of each seated class may be taken."""
    labels: set[tuple[str, str]] = field(default_factory=set)
    """Seats that are wished for: class and label."""


@dataclass(slots=True)
class Stock:
    """What is free of each ticket class and promo code (None: without end), and what was changed."""

    free: dict[str, int]
    uses: Mapping[str, int | None]
    seat_maps: dict[str, SeatMap]
    expired: frozenset[str] = frozenset()
    """Holds that turned out to be over when their classes were locked."""
    sold: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
    """What is no longer there: its purchase was cancelled."""
    _seats: dict[str, tuple[bool, str | None]] = field(default_factory=dict)

    def check(self, offer: TicketClassOffer, quantity: int, field: str) -> None:
        """Raise `SoldOut` if fewer are left."""
        if quantity > self.free[offer.id]:
            raise SoldOut(f"{self.free[offer.id]} left of ticket class {offer.external_id}", field)

    def sell(self, ticket_class_id: str, quantity: int) -> None:
        """Count so many as sold; a negative number gives them back."""
        self.free[ticket_class_id] -= quantity
        self.sold[ticket_class_id] += quantity

    def hold(self, ticket_class_id: str, quantity: int) -> None:
        """Count so many as held; a negative number gives them back."""
        self.free[ticket_class_id] -= quantity
        self.held[ticket_class_id] += quantity

    def sell_held(self, ticket_class_id: str, quantity: int) -> None:
        """Count what was held as sold."""
        self.held[ticket_class_id] -= quantity
        self.sold[ticket_class_id] += quantity

    def withdraw(self, ticket_class_id: str, quantity: int) -> None:
        """Take free inventory out for good."""
        self.free[ticket_class_id] -= quantity
        self.withdrawn[ticket_class_id] += quantity

    def choose_seats(
        self,
        ticket_class_id: str,
        count: int,
        *,
        labels: Sequence[str] = (),
        field: str | None = None,
        hold_id: str | None = None,
    ) -> list[Seat]:
        """Take the seats that are wished for, or else so many neighbours; return them.

        Raises `SeatUnavailable`.
        """
        seat_map = self.seat_maps[ticket_class_id]
        seats = seat_map.named(labels, field) if labels else seat_map.choose(count)
        self.take_seats(ticket_class_id, seats, hold_id)
        return seats

    def take_seats(self, ticket_class_id: str, seats: Iterable[Seat], hold_id: str | None = None) -> None:
        """Take free seats, for a ticket or for a hold."""
        seats = list(seats)
        self.seat_maps[ticket_class_id].take(seats)
        self.mark_seats((seat.id for seat in seats), hold_id)

    def mark_seats(self, seat_ids: Iterable[str], hold_id: str | None = None) -> None:
        """Say that seats are taken, and by which hold."""
        self._seats.update(dict.fromkeys(seat_ids, (True, hold_id)))

    def free_seats(self, ticket_class_id: str, seats: Iterable[Seat]) -> None:
        """Give seats back."""
        seats = list(seats)
        self.seat_maps[ticket_class_id].give_back(seats)
        self._seats.update({seat.id: (False, None) for seat in seats})

    def check_use(self, promo_code: PromoCodeOffer | None) -> None:
        """Raise `UnknownPromoCode` if the promo code is used up."""
        if promo_code is None:
            return
        limit = self.uses[promo_code.id]
        if limit is not None and self.used[promo_code.id] >= limit:
            raise UnknownPromoCode(f"promo code {promo_code.code} has been used up", "promo_code")

    def use(self, promo_code: PromoCodeOffer | None) -> None:
        """Count a use of a promo code."""
        if promo_code is not None:
            self.used[promo_code.id] += 1

    def mark(self) -> "Mark":
        """Return how everything is, to come back to."""
        runs = {id_: seat_map.mark() for id_, seat_map in self.seat_maps.items()}
        return Mark(
            dict(self.free),
            Counter(self.sold),
            Counter(self.held),
            Counter(self.used),
            Counter(self.withdrawn),
            runs,
            dict(self._seats),
        )

    def restore(self, mark: "Mark") -> None:
        """Undo what was done since."""
        self.free, self.sold, self.held = mark.free, mark.sold, mark.held
        self.used, self.withdrawn, self._seats = mark.used, mark.withdrawn, mark.seats
        for id_, runs in mark.runs.items():
            self.seat_maps[id_].restore(runs)

    def write(self, connection: Connection) -> None:
        """Write the counters and the seats."""
        changed = [id_ for id_ in {*self.sold, *self.held} if self.sold[id_] or self.held[id_]]
        if changed:
            connection.execute(
                _WRITE_TICKET_CLASSES,
                {
                    "ids": array(changed),
                    "sold": array(self.sold[id_] for id_ in changed),
                    "held": array(self.held[id_] for id_ in changed),
                },
            )
        if self.withdrawn:
            gone = {"ids": array(self.withdrawn.keys()), "counts": array(self.withdrawn.values())}
            connection.execute(_WITHDRAW, gone)
        if self.used:
            connection.execute(_USE, {"ids": array(self.used.keys()), "counts": array(self.used.values())})
        if self._seats:
            connection.execute(
                _WRITE_SEATS,
                {
                    "ids": array(self._seats.keys()),
                    "taken": array(str(taken).lower() for taken, _ in self._seats.values()),
                    "hold_ids": array(hold_id for _, hold_id in self._seats.values()),
                },
            )


class Mark(NamedTuple):
    """A stock as it was at a moment."""

    free: dict[str, int]
    sold: Counter[str]
    held: Counter[str]
    used: Counter[str]
    withdrawn: Counter[str]
    runs: dict[str, Runs]
    seats: dict[str, tuple[bool, str | None]]


def lock_stock(connection: Connection, needs: Needs, now: datetime) -> Stock:
    """Lock what the batch may change until its commit, and return what is free.

    Holds that expired by now are given back first, whether a sweep came by or not.
    """
    free, with_holds = _lock_ticket_classes(connection, needs.ticket_classes)
    expired = expire_holds(connection, with_holds, now) if with_holds else []
    for hold in expired:
        free[hold.ticket_class_id] += hold.quantity
    uses = {}
    if needs.promo_codes:
        rows = connection.execute(_LOCK_PROMO_CODES, {"ids": array(needs.promo_codes)})
        uses = {row.id: row.free for row in rows}
    seat_maps = _seat_maps(connection, needs)
    return Stock(free, uses, seat_maps, frozenset(hold.id for hold in expired))


def _lock_ticket_classes(connection: Connection, ids: set[str]) -> tuple[dict[str, int], list[str]]:
    if not ids:
        return {}, []
    rows = connection.execute(_LOCK_TICKET_CLASSES, {"ids": array(ids)}).all()
    return {row.id: row.free for row in rows}, [row.id for row in rows if row.held]


class Expired(NamedTuple):
    """A hold whose time was over, and what its class got back."""

    id: str
    ticket_class_id: str
    quantity: int


def expire_holds(connection: Connection, ticket_class_ids: Iterable[str], now: datetime) -> list[Expired]:
    """End the holds of these locked classes that are over, and give back what they held."""
    rows = connection.execute(_EXPIRE_HOLDS, {"ids": array(ticket_class_ids), "now": now}).all()
    if rows:
        back: Counter[str] = Counter()
        for row in rows:
            back[row.ticket_class_id] += row.quantity
        connection.execute(_FREE_SEATS_OF_HOLDS, {"ids": array(row.id for row in rows)})
        connection.execute(
            _WRITE_TICKET_CLASSES,
            {
                "ids": array(back),
                "sold": array(0 for _ in back),
                "held": array(-quantity for quantity in back.values()),
            },
        )
    return [Expired(*row) for row in rows]


def _seat_maps(connection: Connection, needs: Needs) -> dict[str, SeatMap]:
    if not needs.seats:
        return {}
    rows = connection.execute(
        _FREE_SEATS,
        {
            "ids": array(needs.seats.keys()),
            "counts": array(needs.seats.values()),
            "named_ids": array(id_ for id_, _ in needs.labels),
            "labels": array(label for _, label in needs.labels),
        },
    )
    free: defaultdict[str, list[Seat]] = defaultdict(list)
    for row in rows:
        free[row.ticket_class_id].append(Seat(row.id, row.label, row.position))
    return {id_: SeatMap(free[id_]) for id_ in needs.seats}
