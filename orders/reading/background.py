"""Reading the background of orders: their tenants, and the events and ticket classes of their lines."""

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
from orders.reading.related_orders import read_related
from orders.render import to_json
from schemas.background import Authors, Background, RelatedOrder
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.originals import Original, PastChange


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The rows read for some orders of any tenants; `of` builds a `Background` without further statements."""

    tenants: Mapping[UUID, TenantRow]
    classes: Mapping[tuple[UUID, str], ClassRow]
    """By the tenant and the catalogue's id."""
    authors: Mapping[UUID, Authors]
    related: Mapping[UUID, RelatedOrder]
    purchase_seats: Mapping[UUID, SeatsOfLines]
    originals: Mapping[UUID, Original]
    changes: Mapping[UUID, Sequence[PastChange]]

    def of(self, tenant_id: UUID, orders: Iterable[Order]) -> Background:
        """Return the background of these orders of one tenant; it may include other orders'.

        It raises if the stored details of a class or of the tenant are invalid.
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
"""Without any rows."""


def get_with_background(
    connection: Connection, order_id: UUID, tenant_id: UUID
) -> tuple[Order, Background] | None:
    """Return the tenant's order and its background, or None."""
    body = get_order(connection, order_id, tenant_id)
    if body is None:
        return None
    (order,), background = with_background(connection, tenant_id, [body])
    return order, background


def with_background(
    connection: Connection, tenant_id: UUID, found: Iterable[JsonObject], *, with_originals: bool = False
) -> tuple[list[Order], Background]:
    """Return the models of rendered orders, and their background."""
    orders = [Order.model_validate_json(to_json(body)) for body in found]
    originals = {order.id for order in orders} if with_originals else set()
    around = read_surroundings(connection, {tenant_id: orders}, originals)
    return orders, around.of(tenant_id, orders)


def read_surroundings(
    connection: Connection, orders: Mapping[UUID, Sequence[Order]], originals: Collection[UUID] = ()
) -> Surroundings:
    """Return the rows around orders, by tenant, in a constant number of statements.

    `originals` are the ids of orders to read also as they were confirmed, with their changes since.
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
