"""Reading what is known around orders: the tenants, and the events and ticket classes of their lines."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from orders.reading.catalogue_facts import ClassRow, TenantRow, read_classes, read_tenants
from orders.reading.history import read_authors
from orders.reading.order_reading import get_order
from orders.reading.originals import read_originals
from orders.reading.purchase_seats import SeatsOfLines, read_purchase_seats
from orders.reading.recorded_changes import read_changes
from orders.reading.relations import read_related
from orders.render import to_json
from schemas.background import Authors, Background, RelatedOrder
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.originals import Original, PastChange


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was read around some orders, of whichever tenants; no statement makes a `Background` of it."""

    tenants: Mapping[UUID, TenantRow]
    classes: Mapping[tuple[UUID, str], ClassRow]
    """By the tenant and the catalogue's id."""
    authors: Mapping[UUID, Authors]
    related: Mapping[UUID, RelatedOrder]
    purchase_seats: Mapping[UUID, SeatsOfLines]
    originals: Mapping[UUID, Original]
    changes: Mapping[UUID, Sequence[PastChange]]

    def of(self, tenant_id: UUID, orders: Iterable[Order]) -> Background:
        """Return what is known around these orders of one tenant; of others it may say something, too.

        What is stored of a class or a tenant may be such that this fails, for the orders that it is around.
        """
        tenant = self.tenants[tenant_id]
        names = {line.ticket_class_id for order in orders for line in order.line_items}
        found = [self.classes[tenant_id, name] for name in sorted(names) if (tenant_id, name) in self.classes]
        return Background(
            tenant_id,
            tenant.name,
            tenant.organisation(),
            tenant.aliases(),
            {row.event_external_id: row.event() for row in found},
            {row.external_id: row.ticket_class() for row in found},
            self.authors,
            self.related,
            self.purchase_seats,
            self.originals,
            self.changes,
        )


NOTHING: Final = Surroundings({}, {}, {}, {}, {}, {}, {})
"""Nothing was read."""


def get_with_background(
    connection: Connection, order_id: UUID, tenant_id: UUID
) -> tuple[Order, Background] | None:
    """Return the tenant's order and what is known around it, or None."""
    words = get_order(connection, order_id, tenant_id)
    if words is None:
        return None
    (order,), background = with_background(connection, tenant_id, [words])
    return order, background


def with_background(
    connection: Connection, tenant_id: UUID, found: Iterable[JsonObject], *, with_originals: bool = False
) -> tuple[list[Order], Background]:
    """Return orders that were read, as their model, and what is known around them."""
    orders = [Order.model_validate_json(to_json(words)) for words in found]
    originals = {order.id for order in orders} if with_originals else set()
    around = read_surroundings(connection, {tenant_id: orders}, originals)
    return orders, around.of(tenant_id, orders)


def read_surroundings(
    connection: Connection, orders: Mapping[UUID, Sequence[Order]], originals: Collection[UUID] = ()
) -> Surroundings:
    """Return what is known around orders, by their tenants: a few statements, however many they are.

    `originals` are the ids of those that are wanted as they were confirmed, too, with what was done since.
    """
    names: defaultdict[UUID, set[str]] = defaultdict(set)
    for tenant_id, some in orders.items():
        names[tenant_id].update(line.ticket_class_id for order in some for line in order.line_items)
    every = [order for some in orders.values() for order in some]
    return Surroundings(
        read_tenants(connection, names),
        read_classes(connection, names),
        read_authors(connection, [order.id for order in every]),
        read_related(connection, every),
        read_purchase_seats(connection, every),
        read_originals(connection, list(originals)),
        read_changes(
            connection, [order.id for order in every if order.id in originals and order.version > 1]
        ),
    )
