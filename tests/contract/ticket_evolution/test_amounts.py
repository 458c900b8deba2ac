"""Amounts have two decimals in every answer, whatever the currency has."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.ticket_evolution.client import Broker, sale

pytestmark = pytest.mark.usefixtures("worker")

_TOTALS = ("subtotal", "tax", "discount", "total", "balance", "pending_balance", "collected", "refunded")
_CHARGES = ("shipping", "service_fee", "additional_expense")
_AMOUNTS = (*_TOTALS, *_CHARGES, "price", "retail_price", "cost", "face_value", "amount")


def _amounts(words: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(words, list):
        for one in words:
            yield from _amounts(one)
    if isinstance(words, dict):
        for name, value in words.items():
            if name in _AMOUNTS and value is not None:
                yield name, value
            yield from _amounts(value)


@pytest.mark.parametrize(
    ("group", "price"),
    [(16637811, 45.5), (16637811, 45), (16637820, 4500), (16637830, "3.25"), (16637830, 3)],
)
def test_every_amount_has_two_decimals(broker: Broker, group: int, price: Any) -> None:
    # Decimals of at most 2 places, as the document says of every amount that is sent.
    charges = {"shipping": 5, "service_fee": "2", "additional_expense": 1, "tax": 3, "discount": 1}
    payments = [{"type": "cash", "amount": 9, "is_completed": True}, {"type": "check"}]
    (made,) = broker.made(
        sale({"ticket_group_id": group, "price": price, "quantity": 2}, payments=payments, **charges)
    )
    for words in (made, broker.get("/v9/orders", id=made["id"]).json()):
        found = list(_amounts(words))
        assert len({name for name, _ in found}) >= 14
        assert [one for one in found if not re.fullmatch(r"-?\d+\.\d\d", one[1])] == []


def test_a_ticket_group_that_was_brought_has_them_too(broker: Broker) -> None:
    group = {
        "event_id": 9876543,
        "section": "D",
        "row": 1,
        "retail_price": 90,
        "cost": 60,
        "face_value": "70",
    }
    order = sale({"ticket_group": group, "price": 60, "quantity": 2}, seller_id=777, buyer_id=101)
    (bought,) = broker.made({name: value for name, value in order.items() if name != "client_id"})
    requested = bought["items"][0]["requested_ticket_group"]
    assert [requested[name] for name in ("retail_price", "cost", "face_value")] == ["90.00", "60.00", "70.00"]


def test_what_two_decimals_cannot_say_is_said_whole(broker: Broker) -> None:
    lines = [
        {"ticket_class_id": "16637831", "quantity": 1}
    ]  # at 1.255 Kuwaiti dinars, sold in canonical words
    buyer = {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"}
    made = broker.call("POST", "/v1/orders", buyer=buyer, line_items=lines).json()
    assert broker.get(f"/v9/orders/{made['number']}").json()["total"] == "1.255"
