"""The second step: look up the ids of what the requests name, without locks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, text

from db.bulk import array
from orders.batch_requests import (
    CancelOrder,
    ChangeOrder,
    CheckIn,
    CreateOrder,
    ExpireOrder,
    ExtendHold,
    Opened,
    RecordPayment,
    ReleaseHold,
    TakeHold,
)
from orders.catalogue.load_prices import Name, Names
from orders.catalogue.load_tenants import public_keys
from orders.creating.ticket_groups import made_name
from orders.errors import ForgedTicket
from schemas.catalogue import promo_code_key
from willcall.kinds import CREATE
from willcall.ticket_codes import ForgedCode, UnknownKey, key_id_of, verify_ticket

_BY_KEY: Final = text("""
    SELECT tenant_id::text, idempotency_key, order_id::text
    FROM requests
    WHERE (tenant_id, idempotency_key) IN (
        SELECT * FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[])))
    AND kind = :create
""")

_BY_TICKET: Final = text("""
    SELECT id::text, order_id::text FROM tickets WHERE id = ANY(CAST(:ids AS uuid[]))
""")

_BY_NUMBER: Final = text("""
    SELECT tenant_id::text, number, id::text FROM orders
    WHERE (tenant_id, number) IN (
        SELECT * FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:numbers AS bigint[])))
""")

# The relation of a sale and its purchase order never changes: it may be read before they are locked.
# IS NOT DISTINCT FROM for the reason given in `orders/read_rows.py`.
_PURCHASES_OF: Final = text("""
    SELECT t.counterpart_id::text, o.tenant_id::text
    FROM unnest(CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[])) AS named (id, tenant_id)
    JOIN orders o ON o.id = named.id AND o.tenant_id IS NOT DISTINCT FROM named.tenant_id
    JOIN order_trades t ON t.order_id = o.id
    WHERE t.counterpart_id IS NOT NULL AND NOT t.is_purchase
""")


@dataclass(slots=True)
class Named:
    """The orders, tickets, holds and events that the requests of a batch name."""

    requests: Sequence[Opened]
    orders: set[tuple[str, str]] = field(default_factory=set)
    """Orders, with the tenants that should own them."""
    whole_orders: set[str] = field(default_factory=set)
    """Orders to read whole: an update, a cancellation or a replacement publishes the whole order."""
    paid_orders: set[str] = field(default_factory=set)
    """Orders of which only the payments are read, and the tickets that wait for payment."""
    tickets: dict[str, str] = field(default_factory=dict)
    """Scanned tickets, by their ids, with their orders."""
    created_by: dict[Name, str | None] = field(default_factory=dict)
    """The order that a request with a key created, by tenant and key; None if it was rejected."""
    holds: set[tuple[str, str]] = field(default_factory=set)
    """Holds, with the tenants that should own them."""
    catalogue: Names = field(default_factory=Names)
    events: set[Name] = field(default_factory=set)
    """Events for which ticket groups will be created."""

    def add_whole(self, order_id: str, tenant_id: str) -> None:
        """Add an order to read whole."""
        self.orders.add((order_id, tenant_id))
        self.whole_orders.add(order_id)


def look_up(connection: Connection, requests: Sequence[Opened]) -> Named:
    """Return what the requests name, in a constant number of statements; none for absent kinds."""
    named = Named(requests)
    _look_at_creations(connection, named, [one for one in requests if isinstance(one, CreateOrder)])
    _look_at_changes(connection, named, [one for one in requests if isinstance(one, ChangeOrder)])
    _look_at_scans(connection, named, [one for one in requests if isinstance(one, CheckIn)])
    for request in requests:
        if isinstance(request, TakeHold):
            named.catalogue.ticket_classes.add((request.tenant.id, request.body.ticket_class_id))
        elif isinstance(request, ExtendHold | ReleaseHold):
            named.holds.add((str(request.body.hold_id), request.tenant.id))
    return named


def _look_at_creations(connection: Connection, named: Named, requests: Sequence[CreateOrder]) -> None:
    names = named.catalogue
    numbered = []
    for request in requests:
        tenant_id, order = request.tenant.id, request.body
        for index, item in enumerate(order.line_items):
            if item.hold_id is not None:
                named.holds.add((str(item.hold_id), tenant_id))
            if item.ticket_group is not None:
                named.events.add((tenant_id, item.ticket_group.event_id))
                # A ticket class with that id may already exist.
                name = item.ticket_group.id or made_name(request.number, index)
                names.ticket_classes.add((tenant_id, name))
            names.ticket_classes.add((tenant_id, item.ticket_class_id))
        if order.promo_code:
            names.promo_codes.add((tenant_id, promo_code_key(order.promo_code)))
        if order.event_id:
            names.events.add((tenant_id, order.event_id))
        if isinstance(order.substitutes, int):
            numbered.append((request, order.substitutes))
        elif order.substitutes is not None:
            request.substitutes = str(order.substitutes)
            named.add_whole(request.substitutes, tenant_id)
    if numbered:
        names_ = {
            "tenant_ids": array(request.tenant.id for request, _ in numbered),
            "numbers": array(number for _, number in numbered),
        }
        ids = {(row.tenant_id, row.number): row.id for row in connection.execute(_BY_NUMBER, names_)}
        for request, number in numbered:
            request.substitutes = ids.get((request.tenant.id, number))
            if request.substitutes is not None:
                named.add_whole(request.substitutes, request.tenant.id)


def _look_at_changes(connection: Connection, named: Named, requests: Sequence[ChangeOrder]) -> None:
    if not requests:
        return
    by_key = [request for request in requests if request.body.order_key is not None]
    if by_key:
        parameters = {
            "create": CREATE,
            "tenant_ids": array(request.tenant.id for request in by_key),
            "keys": array(request.body.order_key for request in by_key),
        }
        for row in connection.execute(_BY_KEY, parameters):
            named.created_by[row.tenant_id, row.idempotency_key] = row.order_id
    cancelled: set[tuple[str, str]] = set()
    for request in requests:
        order_id = request.order_id or named.created_by.get((request.tenant.id, request.body.order_key or ""))
        if order_id is None:
            continue
        if isinstance(request, RecordPayment):
            named.orders.add((order_id, request.tenant.id))
            named.paid_orders.add(order_id)
        else:
            named.add_whole(order_id, request.tenant.id)
        if isinstance(request, CancelOrder | ExpireOrder):
            cancelled.add((order_id, request.tenant.id))
    if cancelled:
        pairs = sorted(cancelled)
        parameters = {
            "ids": array(id_ for id_, _ in pairs),
            "tenant_ids": array(tenant for _, tenant in pairs),
        }
        for row in connection.execute(_PURCHASES_OF, parameters):
            named.add_whole(row.counterpart_id, row.tenant_id)


def _look_at_scans(connection: Connection, named: Named, requests: Sequence[CheckIn]) -> None:
    """Look up the scanned tickets; codes are verified here, before any lock."""
    if not requests:
        return
    key_ids = {key_id for request in requests if (key_id := key_id_of(request.body.code or "")) is not None}
    keys = public_keys(connection, key_ids) if key_ids else {}
    for request in requests:
        body = request.body
        if body.ticket_id is not None:
            request.ticket_id = str(body.ticket_id)
            continue
        try:
            request.ticket_id = str(verify_ticket(body.code or "", keys).ticket_id)
        except (ForgedCode, UnknownKey) as error:
            request.forgery = ForgedTicket(str(error), "code")
    ids = {request.ticket_id for request in requests if request.ticket_id is not None}
    rows = connection.execute(_BY_TICKET, {"ids": array(ids)}).all()
    named.tickets = {row.id: row.order_id for row in rows}
    for request in requests:
        order_id = named.tickets.get(request.ticket_id or "")
        if order_id is not None:
            named.orders.add((order_id, request.tenant.id))
            if request.body.undo:  # its event message has the whole order
                named.whole_orders.add(order_id)
