"""Sales and purchases of classes that two offices own."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from orders.reading.order_reading import get_order
from orders.upkeep.reconciliation import reconcile
from schemas.orders import Order
from schemas.outcomes import Outcome
from tests.factories import NOW, load, make_event, make_request, make_seated_class, make_ticket_class


@pytest.fixture
def engine(engine: Engine) -> Engine:
    """An engine of a database with classes of two offices, and one that nobody owns."""
    classes = [
        make_ticket_class("ours", office="us", price="50.00"),
        make_ticket_class("theirs", office="them", price="50.00", cost="40.00", capacity=4),
        make_seated_class("their-stalls", office="them", cost="70.00"),
        make_ticket_class("anybody's"),
    ]
    load(engine, make_event(ticket_classes=classes))
    return engine


def make_sale(ticket_class: str = "theirs", quantity: int = 2, **changes: Any) -> Any:
    return make_request(
        ticket_class=ticket_class, quantity=quantity, seller_id="us", client_id="ada", **changes
    )


def read_order(engine: Engine, order_id: Any) -> dict[str, Any]:
    with engine.connect() as connection:
        order = get_order(connection, UUID(str(order_id)))
    assert order is not None
    Order.model_validate(order, strict=False)
    return order


def read_pair(engine: Engine, outcome: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sale and its purchase order."""
    sale = read_order(engine, outcome.order_id)
    return sale, read_order(engine, sale["trade"]["counterpart_id"])


def is_reconciled(engine: Engine) -> bool:
    with engine.begin() as connection:
        return reconcile(connection, now=NOW) == []


def make_group(**changes: Any) -> dict[str, Any]:
    group = {"event_id": "concert", "id": "new", "section": "A", "row": "7", "price": "90.00"} | changes
    return {key: value for key, value in group.items() if value is not None}


def make_purchase(quantity: int = 3, **group: Any) -> Any:
    line = {"quantity": quantity, "unit_price": "60.00", "ticket_group": make_group(**group)}
    return make_request(is_purchase=True, seller_id="them", buyer_id="us", line_items=[line])
