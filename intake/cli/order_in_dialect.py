"""Orders in the formats of other systems, for `willcall orders show`."""

from sqlalchemy import Connection

from intake.cli.failures import CommandFailed
from orders.reading.background import with_background
from orders.reading.order_reading import find_tenant
from schemas.json import JsonObject
from vendors.dialect import Renderer
from vendors.registry import CANONICAL, RENDERERS


def renderer_of(dialect: str) -> Renderer | None:
    """Return the renderer of a dialect, or None for our own format. Raises `CommandFailed`."""
    if dialect == CANONICAL:
        return None
    found = {str(name): render for name, render in RENDERERS.items()}
    if dialect not in found:
        names = ", ".join((CANONICAL, *found))
        raise CommandFailed(f"unknown dialect {dialect}; orders can be shown in: {names}")
    return found[dialect]


def in_dialect(connection: Connection, order_body: JsonObject, render: Renderer) -> JsonObject:
    """Return our order in the format of a dialect."""
    tenant_id = find_tenant(connection, order_body["tenant"])
    assert tenant_id is not None  # noqa: S101 - a foreign key ensures it
    (order,), background = with_background(connection, tenant_id, [order_body], with_originals=True)
    return render(order, background)
