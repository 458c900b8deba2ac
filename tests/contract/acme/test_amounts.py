"""The amounts of ACME's order object: originals, discounts, payments, balances."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.acme.client import STALLS, Acme, item, simple

GUEST = {"ticketingTypeId": "10", "quantity": 1}
"""A ticket for 10.00, without tax."""


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def untaxed(*items: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return simple(orderItems=[{"ticketingTypeId": "10", **one} for one in items], **changes)


def totals(order: dict[str, Any]) -> tuple[int | Decimal, ...]:
    """Return the original total, the total, both less what is taken off, and paid, balance, refund."""
    return tuple(
        order[name]
        for name in (
            "originalTotalAmount",
            "totalAmount",
            "discountedOriginalTotalAmount",
            "discountedTotalAmount",
            "paidAmount",
            "balanceAmount",
            "refundAmount",
        )
    )


def column(order: dict[str, Any], name: str) -> list[Any]:
    return [one[name] for one in order["orderItems"]]


def test_a_new_order_is_as_it_was(acme: Acme, worker: object) -> None:
    order = acme.get(acme.create(untaxed({"quantity": 2, "unitPrice": "10", "discountedUnitPrice": 9.5})))

    assert totals(order) == (20, 20, 19, 19, 0, 19, 0)
    (shown,) = order["orderItems"]
    assert (shown["originalQuantity"], shown["quantity"]) == (2, 2)
    assert (shown["basicOriginalQuantity"], shown["basicQuantity"]) == (2, 2)
    assert (shown["unitPrice"], shown["discountedUnitPrice"]) == (10, Decimal("9.5"))
    assert (shown["originalAmount"], shown["discountedOriginalAmount"]) == (20, 19)
    assert (shown["amount"], shown["discountedAmount"], shown["balanceAmount"]) == (20, 19, 19)


def test_tax_and_fees_are_in_the_totals(acme: Acme, worker: object) -> None:
    order = acme.get(acme.create(simple()))

    assert order["totalAmount"] == Decimal("108.29")  # 2 × 45.50 and 19 % VAT
    assert column(order, "amount") == [91]
    assert column(order, "balanceAmount") == [order["balanceAmount"]]


def test_an_update_leaves_the_original(acme: Acme, worker: object) -> None:
    id_ = acme.create(untaxed({"quantity": 2}))

    order = acme.put(id_, untaxed({"itemId": "1", "quantity": 3}, {"ticketingTypeId": "0", "quantity": 1}))

    assert totals(order) == (20, 30, 20, 30, 0, 30, 0)
    assert column(order, "originalQuantity") == [2, 0]
    assert column(order, "quantity") == [3, 1]
    assert column(order, "originalAmount") == [20, 0]


def test_a_part_that_is_cancelled_leaves_the_original(acme: Acme, worker: object) -> None:
    id_ = acme.create(untaxed({"quantity": 3}, paidAmount=30))

    acme.canonical_call(f"/{id_}/cancel", {"lines": [{"line_number": 1, "quantity": 1}]})
    cancelled = acme.get(id_)
    acme.canonical_call(f"/{id_}/payments", {"type": "cash", "is_refund": True, "amount": "10.00"})

    assert totals(cancelled) == (30, 20, 30, 20, 30, -10, 0)
    assert column(cancelled, "balanceAmount") == [-10]
    assert totals(acme.get(id_)) == (30, 20, 30, 20, 30, 0, 10)


def test_payments_count(acme: Acme, worker: object) -> None:
    id_ = acme.create(untaxed({"quantity": 1}, {"ticketingTypeId": "10", "quantity": 2}, paidAmount="10.5"))

    order = acme.get(id_)
    acme.canonical_call(f"/{id_}/payments", {"type": "cash"})

    assert totals(order) == (30, 30, 30, 30, Decimal("10.5"), Decimal("19.5"), 0)
    assert column(order, "balanceAmount") == [Decimal("6.5"), 13]
    assert totals(acme.get(id_)) == (30, 30, 30, 30, 30, 0, 0)


def test_what_a_deleted_order_cost_is_still_seen(acme: Acme, worker: object) -> None:
    id_ = acme.create(untaxed({"quantity": 1}, {"quantity": 2}, paidAmount="30"))

    order = acme.delete(id_)

    assert totals(order) == (30, 30, 30, 30, 30, 0, 0)
    assert column(order, "balanceAmount") == [0, 0]
    assert column(order, "originalAmount") == [10, 20]
    assert column(order, "amount") == [10, 20]


def test_discounted_prices_stay_with_their_items(acme: Acme, worker: object) -> None:
    one = {"quantity": 2, "unitPrice": 10, "discountedUnitPrice": 8}
    other = {"quantity": 1, "unitPrice": 10}
    id_ = acme.create(untaxed(one, other))

    order = acme.get(id_)
    assert column(order, "discountedUnitPrice") == [8, 10]
    assert column(order, "discountedAmount") == [16, 10]
    acme.canonical_call(f"/{id_}", {"discount": "3.00"}, "PATCH")
    assert column(acme.get(id_), "discountedAmount") == [17, 10]
    assert column(acme.get(id_), "discountedOriginalAmount") == [16, 10]


def test_shares_of_a_discount_add_up_and_come_back_exactly(acme: Acme, worker: object) -> None:
    id_ = acme.create(untaxed({"quantity": 3}))
    acme.canonical_call(f"/{id_}", {"discount": "1.00"}, "PATCH")

    order = acme.get(id_)
    assert column(order, "discountedAmount") == [29]
    assert column(order, "discountedUnitPrice") == [Decimal("9.666666667")]
    assert acme.put(id_, order)["discountedTotalAmount"] == 29
    assert acme.canonical(id_)["totals"]["discount"] == "1.00"


def test_fewer_tickets_have_their_share_of_a_discount(acme: Acme, worker: object) -> None:
    id_ = acme.create(untaxed({"quantity": 3}))
    acme.canonical_call(f"/{id_}", {"discount": "1.00"}, "PATCH")
    order = acme.get(id_)
    order["orderItems"][0]["quantity"] = 2

    assert acme.put(id_, order)["discountedTotalAmount"] == Decimal("19.33")
    assert acme.canonical(id_)["totals"]["discount"] == "0.67"


def test_a_promo_code_counts_once_also_when_the_order_is_sent_back(acme: Acme, worker: object) -> None:
    body = {
        "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "line_items": [{"ticket_class_id": "3000000012232", "quantity": 2}],
        "promo_code": "SPRING",
        "discount": "1.00",
    }
    id_ = acme.canonical_call("", body)["id"]
    order = acme.get(id_)
    assert column(order, "discountedAmount") == [Decimal("80.9")]

    again = acme.put(id_, order)

    assert totals(again) == totals(order)
    ours = acme.canonical(id_)
    assert (ours["promo_code"], ours["totals"]["discount"]) == ("SPRING", "10.10")
    cheaper = acme.put(id_, order | {"orderItems": [{**order["orderItems"][0], "discountedUnitPrice": 44}]})
    assert column(cheaper, "discountedAmount") == [88]
    assert acme.canonical(id_)["promo_code"] is None


def test_a_discount_beyond_the_items_is_also_for_fees(acme: Acme, worker: object) -> None:
    body = {
        "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "line_items": [{"ticket_class_id": "10", "quantity": 1}],
        "shipping": "5.00",
        "discount": "12.00",
    }
    id_ = acme.canonical_call("", body)["id"]

    order = acme.get(id_)

    assert column(order, "discountedUnitPrice") == [-2]
    assert totals(order) == totals(acme.put(id_, order))


@pytest.mark.parametrize("price", ["9007199254740993", "0.1234567890123456789"])
def test_prices_that_no_double_can_hold_are_not_rounded(acme: Acme, worker: object, price: str) -> None:
    answer = acme.call("POST", "", untaxed({"quantity": 1, "unitPrice": Decimal(price)}))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "orderItems.0.unitPrice"


@pytest.mark.parametrize("wrong", [True, "ten", "-1", [], {}])
def test_what_is_no_price_is_refused(acme: Acme, worker: object, wrong: Any) -> None:
    answer = acme.call("POST", "", untaxed({"quantity": 1, "unitPrice": wrong}))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "orderItems.0.unitPrice"


def test_a_discounted_price_above_the_price_is_refused(acme: Acme, worker: object) -> None:
    answer = acme.call("POST", "", untaxed({"quantity": 1, "unitPrice": 10, "discountedUnitPrice": 11}))

    assert answer.json()["errors"][0]["field"] == "orderItems.0.discountedUnitPrice"


def test_a_discounted_price_alone_is_the_price(acme: Acme, worker: object) -> None:
    order = acme.get(acme.create(untaxed({"quantity": 1, "discountedUnitPrice": 8})))

    assert (column(order, "unitPrice"), totals(order)[:4]) == ([8], (8, 8, 8, 8))


def test_seats_cost_what_they_cost(acme: Acme, worker: object) -> None:
    order = acme.get(acme.create(simple(orderItems=[item(ticketingTypeId=STALLS)], visitorId=str(uuid4()))))

    assert column(order, "amount") == [160]
