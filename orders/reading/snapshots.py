"""Snapshots of the data of many answers: the same few statements for one and for a hundred.

The worker has written a new order's event message, which contains the order in wire format: it needs neither
rows nor rendering. It is used while the order is unchanged, and only for the request that created it: an old
message may have the format of an earlier version.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Flag, auto
from typing import Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Connection, text

from db.bulk import array
from orders.event_data import is_shorter
from orders.read_rows import read_orders
from orders.reading.background import NOTHING, Surroundings, read_surroundings
from orders.reading.hold_reading import find_holds_of_requests, get_holds
from orders.reading.outcomes import RequestRow
from orders.render import to_json
from orders.state import OrderState
from schemas.background import Background
from schemas.orders import Order


class Needs(Flag):
    """The data of an answer besides the outcome."""

    NOTHING = 0
    ORDER = auto()
    BACKGROUND = auto()
    ORIGINAL = auto()
    """The order as it was confirmed; with its background."""
    HOLD = auto()
    """The hold that the request took."""
    OLD = auto()
    """The order may be an old one, whose first event message may have fewer fields than its rows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The data that one answer needs for these outcomes, and for a named hold."""

    outcomes: Sequence[RequestRow]
    needs: Needs
    hold_id: UUID | None = None

    @property
    def is_order_alone(self) -> bool:
        """Return whether only orders are needed, which may be new ones."""
        return self.needs in (Needs.NOTHING, Needs.ORDER) and self.hold_id is None


# Event messages have no internal notes, and a purchase may relate an order to others without changing it.
_ORDERS: Final = text("""
    SELECT o.id, o.tenant_id, o.version, CASE
        WHEN o.version = 1 AND o.id = ANY(CAST(:new AS uuid[]))
            AND NOT EXISTS (SELECT FROM notes n WHERE n.order_id = o.id AND n.kind = 'internal')
            AND NOT EXISTS (SELECT FROM order_trades t WHERE t.order_id = o.id)
        THEN (SELECT m.data::text FROM event_messages m WHERE m.subject = o.id AND m.sequence = 1)
        END AS published
    FROM unnest(CAST(:ids AS uuid[])) AS named (id) JOIN orders o USING (id)
""")


@dataclass(slots=True)
class StoredOrder:
    """An order read as JSON or as rows; the stored data may be invalid, and rendering may fail."""

    id: UUID
    tenant_id: UUID
    version: int
    published: str | None
    state: OrderState | None = None

    def json(self) -> bytes:
        """Return the JSON of the order in wire format."""
        if self.state is not None:
            return to_json(self.state.render())
        return (self.published or "").encode()

    def model(self) -> Order:
        """Return the order as its model."""
        return Order.model_validate_json(self.json())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The data read for a group of answers."""

    orders: dict[UUID, StoredOrder] = field(default_factory=dict)
    models: dict[UUID, Order] = field(default_factory=dict)
    """Models of the orders that are answered with their background, if they are valid."""
    around: Surroundings = NOTHING
    holds: dict[tuple[UUID, UUID], dict[str, object]] = field(default_factory=dict)
    holds_of_requests: dict[UUID, UUID] = field(default_factory=dict)

    def order(self, order_id: UUID | None, tenant_id: UUID) -> StoredOrder | None:
        """Return the tenant's order, or None."""
        found = self.orders.get(order_id) if order_id is not None else None
        return found if found is not None and found.tenant_id == tenant_id else None

    def with_background(self, order_id: UUID | None, tenant_id: UUID) -> tuple[Order, Background] | None:
        """Return the tenant's order and its background, or None."""
        stored = self.order(order_id, tenant_id)
        if stored is None:
            return None
        order = (
            self.models.get(stored.id) or stored.model()
        )  # which raises the reason if the order is invalid
        return order, self.around.of(tenant_id, [order])

    def hold(self, hold_id: UUID | None, tenant_id: UUID) -> dict[str, object] | None:
        """Return the tenant's hold, or None."""
        return None if hold_id is None else self.holds.get((tenant_id, hold_id))


def read_snapshot(connection: Connection, wanted: Sequence[Wanted], *, now: datetime) -> Snapshot:
    """Return the data that the answers need; the transaction must be REPEATABLE READ or stricter."""
    orders = _read_orders(connection, wanted)
    models = _models(orders, wanted)
    around = NOTHING
    if models:
        by_tenant: defaultdict[UUID, list[Order]] = defaultdict(list)
        for id_, order in models.items():
            by_tenant[orders[id_].tenant_id].append(order)
        originals = _order_ids(wanted, Needs.ORIGINAL) & models.keys()
        around = read_surroundings(connection, by_tenant, originals)
    took = [one.request_id for one in _outcomes(wanted, Needs.HOLD)]
    of_requests = find_holds_of_requests(connection, took) if took else {}
    named = {one.hold_id for one in wanted if one.hold_id is not None} | set(of_requests.values())
    held = get_holds(connection, named, now=now) if named else {}
    return Snapshot(orders, models, around, held, of_requests)


def read_published(connection: Connection, wanted: Sequence[Wanted]) -> Snapshot | None:
    """Return the orders if all of them can be read from event messages, in one statement; else None."""
    found = _find_orders(connection, wanted)
    return None if any(one.published is None for one in found.values()) else Snapshot(found)


def _outcomes(wanted: Iterable[Wanted], needs: Needs) -> list[RequestRow]:
    return [outcome for one in wanted if needs in one.needs for outcome in one.outcomes]


def _order_ids(wanted: Iterable[Wanted], needs: Needs) -> set[UUID]:
    return {one.order_id for one in _outcomes(wanted, needs) if one.order_id is not None}


def _find_orders(connection: Connection, wanted: Sequence[Wanted]) -> dict[UUID, StoredOrder]:
    outcomes = [one for one in _outcomes(wanted, Needs.ORDER) if one.order_id is not None]
    if not outcomes:
        return {}
    ids = {str(one.order_id) for one in outcomes}
    old = _order_ids(wanted, Needs.OLD)
    new = {str(one.order_id) for one in outcomes if not one.is_repeat and one.order_id not in old}
    rows = connection.execute(_ORDERS, {"ids": array(sorted(ids)), "new": array(sorted(new))})
    found = {row.id: StoredOrder(*row) for row in rows}
    for one in found.values():
        if one.published is not None and is_shorter(one.published):
            one.published = None
    return found


def _read_orders(connection: Connection, wanted: Sequence[Wanted]) -> dict[UUID, StoredOrder]:
    found = _find_orders(connection, wanted)
    others = [id_ for id_, one in found.items() if one.published is None]
    for state in read_orders(connection, others):
        found[UUID(state.id)].state = state
    return found


def _models(orders: dict[UUID, StoredOrder], wanted: Sequence[Wanted]) -> dict[UUID, Order]:
    found = {}
    for id_ in _order_ids(wanted, Needs.BACKGROUND) & orders.keys():
        try:
            found[id_] = orders[id_].model()
        except (ValidationError, ValueError, TypeError, KeyError):
            continue  # it fails again, and is reported, for the answer that needs it
    return found
