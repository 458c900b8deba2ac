"""The third step: lock the rows in one order, read them once, and build orders early where possible.

All batches lock in one order: idempotency keys (by the claim), orders, holds, ticket classes, promo codes,
each by id. From the lock of the ticket classes to the commit, other buyers wait, so orders are priced and
ticket codes signed before it. A batch that neither buys nor takes a hold only reads the stock here, and locks
it late: see `late_locks`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from db.bulk import array
from db.ids import is_dated
from orders.addresses import compared_address
from orders.batch_requests import CancelOrder, CreateOrder, Opened, TakeHold, UpdateOrder
from orders.catalogue.load_prices import load_events, load_offers
from orders.creating.fraud import fraud_keys
from orders.inventory.lock import LockedHold, lock_holds, lock_late_holds, lock_stock, read_stock
from orders.read_rows import lock_orders, read_payments, read_some_tickets, read_whole
from orders.rows import ChangeRow
from orders.state import OrderState
from orders.steps.locks_needed import lines_of, needs_of, order_id_of
from orders.steps.look_up import Named
from orders.steps.make_ahead import make_ahead
from orders.world import World

# The changes after a late update; if the update's id has no time (NULL), the last change before it.
_PLACED_CHANGES: Final = text("""
    SELECT c.order_id::text, c.change_number, c.request_id::text, c.kind, c.changed_by, c.changed_at, c.patch,
        c.fields, c.place::text
    FROM unnest(CAST(:order_ids AS uuid[]), CAST(:ids AS uuid[])) AS this (order_id, id)
    CROSS JOIN LATERAL (
        (SELECT * FROM order_changes x WHERE x.order_id = this.order_id AND x.place > this.id)
        UNION ALL
        (SELECT * FROM order_changes x
            WHERE this.id IS NULL AND x.order_id = this.order_id AND x.place IS NOT NULL
            ORDER BY x.place DESC LIMIT 1)
    ) AS c
""")

_DECIDED: Final = text("SELECT id::text FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))")

_NUMBERS: Final = text("SELECT nextval('order_numbers') FROM generate_series(1, :count)")

# Without orders of this batch, which are counted when they are created.
_CHECKED_BEFORE: Final = text("""
    SELECT wanted.tenant_id::text, wanted.email, wanted.ip_address,
        (SELECT count(*) FROM fraud_checks c
            WHERE c.tenant_id = wanted.tenant_id AND c.email = wanted.email AND c.checked_at > wanted.since
            AND wanted.email <> '') AS by_email,
        (SELECT count(*) FROM fraud_checks c
            WHERE c.tenant_id = wanted.tenant_id AND c.ip_address = wanted.ip_address
            AND c.checked_at > wanted.since) AS by_ip
    FROM unnest(
        CAST(:tenant_ids AS uuid[]), CAST(:emails AS text[]), CAST(:ips AS text[]),
        CAST(:since AS timestamptz[])) AS wanted (tenant_id, email, ip_address, since)
""")


def load(connection: Connection, named: Named, now: datetime) -> World:
    """Return the world of the batch, locked until the transaction ends.

    Except its stock, if it only changes orders: that is read without a lock, see `late_locks`.
    """
    world = World()
    world.created_by = named.created_by
    world.ticket_orders = named.tickets
    creations = [request for request in named.requests if isinstance(request, CreateOrder)]
    _load_orders(connection, world, named)
    _load_holds(connection, world, named)
    _load_offers(connection, world, named)
    _load_fraud_counts(connection, world, creations, now)
    _number_purchases(connection, creations)
    make_ahead(world, creations, now)
    _lock_stock(connection, world, named, now)
    return world


def _load_orders(connection: Connection, world: World, named: Named) -> None:
    if not named.orders:
        return
    lock_orders(connection, world.orders, named.orders, named.whole_orders)
    existing = world.orders.states.keys()
    read_whole(connection, world.orders, sorted(named.whole_orders & existing))
    paid = (named.paid_orders & existing) - named.whole_orders
    read_payments(connection, world.orders, sorted(paid))
    some = {id_ for id_, order_id in named.tickets.items() if order_id not in named.whole_orders}
    if some or paid:
        read_some_tickets(connection, world.orders, some, paid)
    _load_placed_changes(connection, world, named)


def _load_placed_changes(connection: Connection, world: World, named: Named) -> None:
    changes = [
        request
        for request in named.requests
        if isinstance(request, UpdateOrder)
        or (isinstance(request, CancelOrder) and not request.body.is_whole)
    ]
    found = [(order_id, one) for one in changes if (order_id := order_id_of(world, one)) is not None]
    if not found:
        return
    parameters = {
        "order_ids": array(order_id for order_id, _ in found),
        "ids": array(request.id if is_dated(request.id) else None for _, request in found),
    }
    for row in connection.execute(_PLACED_CHANGES, parameters):
        change = ChangeRow._make(row)
        world.orders.states[change.order_id].changes.add_loaded(change.change_number, change)


def _load_holds(connection: Connection, world: World, named: Named) -> None:
    if not named.holds:
        return
    # Read before the holds: a hold that is taken in between is then found.
    ids = {id_ for id_, _ in named.holds}
    in_batch = {request.id for request in named.requests}
    world.decided_holds = set(connection.scalars(_DECIDED, {"ids": array(ids)})) - in_batch
    take_in(world, lock_holds(connection, named.holds))


def take_in(world: World, holds: Iterable[LockedHold]) -> None:
    """Add these holds to the world."""
    for row, external_id, seats in holds:
        if row.id not in world.holds:
            world.holds.add_loaded(row.id, row)
            world.hold_seats[row.id] = seats
            world.class_ids[row.ticket_class_id] = external_id


def _load_offers(connection: Connection, world: World, named: Named) -> None:
    names = named.catalogue
    for request in named.requests:
        if isinstance(request, UpdateOrder):
            classes = {line.ticket_class_id for line in lines_of(world, request)}
            if classes:
                order = world.orders.states.get(order_id_of(world, request) or "")
                classes |= set() if order is None else _open_classes(order)
            names.ticket_classes.update((request.tenant.id, name) for name in classes)
    for state in world.orders.states.values():
        # A payment, or an update that lowers the total, may issue them.
        names.ticket_classes.update(
            (state.row.tenant_id, state.external_id(ticket.ticket_class_id))
            for ticket in state.tickets.values()
            if ticket.code is None and ticket.status != "voided"
        )
    for hold in world.holds.values():
        names.ticket_classes.add((hold.tenant_id, world.class_ids[hold.ticket_class_id]))
    names.ticket_classes.difference_update({name for name in names.ticket_classes if not name[1]})
    world.offers = load_offers(connection, names, {request.tenant.id for request in named.requests})
    if named.events:
        world.events_by_name = load_events(connection, named.events)


def _open_classes(order: OrderState) -> set[str]:
    return {order.external_id(line.ticket_class_id) for line in order.open_lines()}


def _load_fraud_counts(
    connection: Connection, world: World, creations: Sequence[CreateOrder], now: datetime
) -> None:
    asking = [request for request in creations if request.body.check_fraud]
    if not asking:
        return
    rules = [request.tenant.fraud_rules for request in asking]
    since = [now - timedelta(hours=one.within_hours if one else 0) for one in rules]
    rows = connection.execute(
        _CHECKED_BEFORE,
        {
            "tenant_ids": array(request.tenant.id for request in asking),
            "emails": array(compared_address(request.body.buyer.email) for request in asking),
            "ips": array(request.body.created_by_ip_address for request in asking),
            "since": array(moment.isoformat() for moment in since),
        },
    )
    for row in rows:
        by_email, by_ip = fraud_keys(row.tenant_id, row.email, row.ip_address)
        world.fraud_counts.add_loaded(by_email, row.by_email)
        world.fraud_counts.add_loaded(by_ip, row.by_ip)


def _number_purchases(connection: Connection, creations: Sequence[CreateOrder]) -> None:
    """Assign a purchase order number to each sale whose seller may have to buy the tickets first."""
    sales = [one for one in creations if one.body.seller_id is not None and not one.body.is_purchase]
    if sales:
        numbers = connection.scalars(_NUMBERS, {"count": len(sales)})
        for sale, number in zip(sales, numbers, strict=True):
            sale.purchase_number = next(iter(sale.request.order_numbers[1:]), number)


def _lock_stock(connection: Connection, world: World, named: Named, now: datetime) -> None:
    needs = needs_of(world, named)
    if not _is_first_come(named.requests) and read_stock(connection, world.stock, needs, now):
        return
    held = lock_stock(connection, world.stock, needs)
    if held:
        take_in(world, lock_late_holds(connection, held, now))


def _is_first_come(requests: Sequence[Opened]) -> bool:
    """Return whether a request of the batch buys or takes a hold: these are decided under the locks."""
    return any(isinstance(request, CreateOrder | TakeHold) for request in requests)
