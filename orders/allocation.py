"""Who gets the tickets: under a row lock of each ticket class, in the order of the requests.

A request is served whole or rejected; a check constraint makes overselling impossible even for wrong
code. Locks are taken in id order, ticket classes before promo codes, once a batch: two batches for the
same classes must not deadlock.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, text

from orders.draft import Draft, Seat
from orders.errors import SoldOut, UnknownPromoCode
from orders.pricing import PricedOrder

# NO KEY: a foreign key that points at the class must not wait for its buyers.
_LOCK_TICKET_CLASSES = text("""
    SELECT id::text, capacity - sold - held AS free
    FROM ticket_classes WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY ticket_classes.id FOR NO KEY UPDATE
""")

_LOCK_PROMO_CODES = text("""
    SELECT id::text, max_uses - used AS free
    FROM promo_codes WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY promo_codes.id FOR NO KEY UPDATE
""")

_FREE_SEATS = text("""
    SELECT seat.ticket_class_id::text, seat.id::text, seat.label
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS wanted (ticket_class_id, count)
    CROSS JOIN LATERAL (
        SELECT ticket_class_id, id, label, position FROM seats
        WHERE seats.ticket_class_id = wanted.ticket_class_id AND NOT is_taken
        ORDER BY position LIMIT wanted.count
    ) AS seat
    ORDER BY seat.ticket_class_id, seat.position
""")

_SELL = text("""
    UPDATE ticket_classes SET sold = sold + taken.count
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS taken (id, count)
    WHERE ticket_classes.id = taken.id
""")

_USE = text("""
    UPDATE promo_codes SET used = used + taken.count
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS taken (id, count)
    WHERE promo_codes.id = taken.id
""")

_TAKE_SEATS = text("UPDATE seats SET is_taken = true WHERE id = ANY(CAST(:ids AS uuid[]))")


@dataclass(slots=True)
class _Stock:
    """What is free of each ticket class and promo code (None: without end), and what was taken."""

    free: Mapping[str, int]
    uses: Mapping[str, int | None]
    sold: Counter[str]
    used: Counter[str]

    def take(self, order: PricedOrder) -> None:
        """Take all that the order needs, or nothing and raise."""
        wanted: Counter[str] = Counter()
        for index, line in enumerate(order.lines):
            id_ = line.offer.id
            wanted[id_] += line.quantity
            left = self.free[id_] - self.sold[id_]
            if wanted[id_] > left:
                raise SoldOut(
                    f"{left} left of ticket class {line.offer.external_id}",
                    f"line_items.{index}.quantity",
                )
        promo_code = order.promo_code
        if promo_code is not None:
            limit = self.uses[promo_code.id]
            if limit is not None and self.used[promo_code.id] >= limit:
                raise UnknownPromoCode(f"promo code {promo_code.code} has been used up", "promo_code")
            self.used[promo_code.id] += 1
        self.sold.update(wanted)


def allocate(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Take the inventory of each draft, or reject it with `sold_out`; write the counters."""
    if not drafts:
        return
    stock = _lock_stock(connection, drafts)
    for draft in drafts:
        try:
            stock.take(_priced(draft))
        except (SoldOut, UnknownPromoCode) as error:
            draft.reject(error)
    _write(connection, _SELL, stock.sold)
    _write(connection, _USE, stock.used)


def _lock_stock(connection: Connection, drafts: Sequence[Draft]) -> _Stock:
    classes = {line.offer.id for draft in drafts for line in _priced(draft).lines}
    promo_codes = {
        draft.priced.promo_code.id
        for draft in drafts
        if draft.priced is not None and draft.priced.promo_code is not None
    }
    return _Stock(
        free=_lock(connection, _LOCK_TICKET_CLASSES, classes),
        uses=_lock(connection, _LOCK_PROMO_CODES, promo_codes),
        sold=Counter(),
        used=Counter(),
    )


def _lock(connection: Connection, statement: TextClause, ids: Iterable[str]) -> dict[str, int]:
    ids = list(ids)
    if not ids:
        return {}
    rows = connection.execute(statement, {"ids": ids})
    return {row.id: row.free for row in rows}


def _write(connection: Connection, statement: TextClause, taken: Counter[str]) -> None:
    if taken:
        connection.execute(
            statement,
            {"ids": list(taken.keys()), "counts": list(taken.values())},
        )


def seat(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Give each ticket of a seated class the first free seat, in the order of the requests.

    The drafts are those that were served: the lock of their classes is held.
    """
    wanted: Counter[str] = Counter()
    for draft in drafts:
        for line in _priced(draft).lines:
            if line.offer.has_seats:
                wanted[line.offer.id] += line.quantity
    if not wanted:
        return
    rows = connection.execute(_FREE_SEATS, {"ids": list(wanted.keys()), "counts": list(wanted.values())})
    supply: defaultdict[str, deque[Seat]] = defaultdict(deque)
    for row in rows:
        supply[row.ticket_class_id].append(Seat(row.id, row.label))
    for draft in drafts:
        _give_seats(draft, supply)
    taken = [seat.id for draft in drafts for seat in draft.seats.values()]
    connection.execute(_TAKE_SEATS, {"ids": taken})


def _give_seats(draft: Draft, supply: Mapping[str, deque[Seat]]) -> None:
    assert draft.rows is not None  # noqa: S101 - whoever is served has rows
    seated = {line.offer.id for line in _priced(draft).lines if line.offer.has_seats}
    for ticket in draft.rows.tickets:
        if ticket["ticket_class_id"] in seated:
            seat = supply[ticket["ticket_class_id"]].popleft()
            ticket["seat_id"] = seat.id
            draft.seats[ticket["id"]] = seat


def looks_free(drafts: Sequence[Draft]) -> list[Draft]:
    """Return those drafts that would be served by what was free when the catalogue was read.

    A look without a lock, so that no rows are made and no codes signed for those who come too late.
    """
    taken: Counter[str] = Counter()
    likely = []
    for draft in drafts:
        wanted: Counter[str] = Counter()
        for line in _priced(draft).lines:
            wanted[line.offer.id] += line.quantity
        if all(
            taken[line.offer.id] + wanted[line.offer.id] <= line.offer.free for line in _priced(draft).lines
        ):
            taken.update(wanted)
            likely.append(draft)
    return likely


def _priced(draft: Draft) -> PricedOrder:
    assert draft.priced is not None  # noqa: S101 - the path prices before it allocates
    return draft.priced
