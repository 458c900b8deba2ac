"""The parts of a summary make its total, and those of the line items too, whatever was sold and taken off.

The document's summary has `service_fee`, `processing_fee`, `tax`, `subtotal` and `total`, and no discount;
`price_is_tax_inclusive` says whether the prices, and so the subtotal, include the tax.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.eventbookings.client import Client, connect, statuses
from tests.factories import make_event, make_ticket_class
from tests.intakes import Intake

FEES = {"shipping": "5.00", "service_fee": "2.51", "additional_expense": "0.02"}
RATE = {"name": "GST", "rate": "0.10"}


def catalogue(tenant: str, *, is_included: bool) -> Catalogue:
    return Catalogue.model_validate(
        {
            "tenant": tenant,
            "events": [
                make_event(
                    "with",
                    tax=RATE | {"is_included": is_included},
                    ticket_classes=[make_ticket_class("seat", price="33.33")],
                    promo_codes=[{"code": "TENTH", "percent": "10"}],
                ),
                make_event(
                    "other",
                    tax=RATE | {"is_included": not is_included},
                    ticket_classes=[make_ticket_class("place", price="7.77")],
                ),
                make_event("plain", ticket_classes=[make_ticket_class("gift", price="0.00")]),
            ],
        }
    )


@pytest.fixture
def client(caller: httpx.Client, intake: Intake, worker: object) -> Client:
    tenant = f"tenant-{uuid4()}"
    load_catalogue(intake.engine, catalogue(tenant, is_included=True), now=datetime.now(UTC))
    key = intake.new_key("orders.create", "orders.update", "orders.read", "orders.set_price", tenant=tenant)
    return connect(caller, intake, key)


def check_sums(order: dict[str, Any]) -> None:
    def part(words: dict[str, Any], name: str) -> Decimal:
        return Decimal(words[name]["amount"])

    names = ["subtotal", "service_fee", "processing_fee"]
    names += [] if order["price_is_tax_inclusive"] in (1, "1") else ["tax"]
    whole = part(order["summary"], "total")
    assert sum(part(order["summary"], name) for name in names) == whole
    assert sum(part(item, name) for item in order["line_items"] for name in names) == whole


Place = Callable[[Client], dict[str, Any]]
ORDERS: dict[str, Place] = {
    "a promo code": lambda client: client.place(("seat", 3), promo_code="TENTH", **FEES),
    "a discount": lambda client: client.place(("seat", 3), discount="1.01", **FEES),
    "both": lambda client: client.place(("seat", 2), promo_code="TENTH", discount="0.01"),
    "all taken off": lambda client: client.place(("seat", 1), discount="33.33"),
    "more taken off than the tickets cost": lambda client: client.place(
        ("seat", 1), discount="38.00", **FEES
    ),
    "a tax that was given": lambda client: client.place(("seat", 3), tax="1.00", discount="2.00"),
    "taxes of both kinds": lambda client: client.place(("seat", 1), ("place", 2), discount="0.50", **FEES),
    "no tax at all": lambda client: client.place(("gift", 2), **FEES),
    "nothing": lambda client: client.place(("gift", 1)),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_the_parts_make_the_total_alone_and_in_the_list(client: Client, kind: str) -> None:
    order = client.order(ORDERS[kind](client)["id"])
    (listed,) = client.list(order["event"]["uuid"])["orders"]

    check_sums(order)
    check_sums(listed)


def test_they_do_after_tickets_left_and_after_the_events_tax_changed(client: Client, intake: Intake) -> None:
    placed = client.place(("seat", 3), discount="1.00", **FEES)
    cancelled = placed["tickets"][0]["id"]
    client.send("POST", f"/v1/orders/{placed['id']}/cancel", {"ticket_ids": [cancelled]})
    check_sums(client.order(placed["id"]))

    changed = catalogue(placed["tenant"], is_included=False)
    load_catalogue(intake.engine, changed, now=datetime.now(UTC))

    order = client.order(placed["id"])
    assert order["price_is_tax_inclusive"] == "1", "the order was sold with the tax included"
    check_sums(order)


def test_a_free_order_is_paid_and_stays_so(client: Client) -> None:
    placed = client.place(("gift", 2))

    def paid() -> tuple[str, str, str]:
        order = client.order(placed["id"])
        return order["payments"]["status"], statuses(order)["payment"], order["summary"]["total"]["amount"]

    assert paid() == ("paid", "paid", "0.00")
    client.send("PATCH", f"/v1/orders/{placed['id']}", {"buyer": {"first_name": "Eve"}})
    assert paid() == ("paid", "paid", "0.00")
    lines = [{"ticket_class_id": "gift", "quantity": 3}]
    client.send("PATCH", f"/v1/orders/{placed['id']}", {"line_items": lines})
    assert paid() == ("paid", "paid", "0.00")
    client.send("POST", f"/v1/orders/{placed['id']}/cancel", {"reason": "rain"})
    assert paid() == ("paid", "paid", "0.00")


def test_an_order_that_a_discount_made_free_is_paid(client: Client) -> None:
    order = client.order(client.place(("seat", 1), discount="33.33")["id"])

    assert (order["payments"]["status"], order["payments"]["method"]) == ("paid", "")
    assert statuses(order) == {"payment": "paid", "fulfilment": "fulfilled", "refund": "none"}
