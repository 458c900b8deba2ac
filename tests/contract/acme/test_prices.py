"""The prices of items: which field says one, what a change changes, and who may sell below the catalogue."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.contract.acme.client import STALLS, Acme, item, simple
from tests.intakes import Intake

GUEST = "10"
"""A ticket class for 10.00, without tax."""


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


@pytest.fixture
def held(acme: Acme, intake: Intake) -> Acme:
    """Return a client with a key that may not set prices."""
    scopes = ("orders.create", "orders.read", "orders.update")
    return Acme(acme.http, intake.new_key(*scopes, tenant="box-office"))


def guests(quantity: int = 2, **changes: Any) -> dict[str, Any]:
    return {"ticketingTypeId": GUEST, "quantity": quantity, **changes}


def prices(order: dict[str, Any], place: int = 0) -> tuple[int | Decimal, ...]:
    names = ("unitPrice", "discountedUnitPrice", "amount", "discountedAmount")
    return tuple(order["orderItems"][place][name] for name in names)


_WAYS: list[tuple[dict[str, Any], str, tuple[int, int]]] = [
    ({"unitPrice": 8}, "unitPrice", (8, 8)),
    ({"amount": 16}, "amount", (8, 8)),
    ({"unitPrice": 8, "amount": "16.00"}, "unitPrice", (8, 8)),
    ({"discountedUnitPrice": 8}, "discountedUnitPrice", (8, 8)),
    ({"discountedAmount": 16}, "discountedAmount", (8, 8)),
    ({"unitPrice": 10, "discountedUnitPrice": 8}, "discountedUnitPrice", (10, 8)),
    ({"unitPrice": 10, "discountedAmount": 16}, "discountedAmount", (10, 8)),
    ({"amount": 20, "discountedAmount": 16}, "discountedAmount", (10, 8)),
    ({"amount": 20, "discountedUnitPrice": "8.00"}, "discountedUnitPrice", (10, 8)),
]
"""How an item may say that it costs less than the catalogue has it, and which field is to blame."""


@pytest.mark.parametrize(("words", "field", "expected"), _WAYS)
def test_a_price_below_the_catalogue_needs_leave_in_whatever_field_it_comes(
    acme: Acme, held: Acme, worker: object, words: dict[str, Any], field: str, expected: tuple[int, int]
) -> None:
    body = simple(orderItems=[guests(0), guests(**words)])

    answer = held.call("POST", "", body)
    order = acme.get(acme.create(body))

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["code"], error["field"]) == ("price_mismatch", f"orderItems.1.{field}")
    unit, discounted = expected
    assert prices(order) == (unit, discounted, 2 * unit, 2 * discounted)


@pytest.mark.parametrize("words", [{"unitPrice": 10}, {"amount": 20}, {"discountedUnitPrice": "10.00"}, {}])
def test_the_catalogues_own_price_needs_none(held: Acme, worker: object, words: dict[str, Any]) -> None:
    assert prices(held.get(held.create(simple(orderItems=[guests(**words)])))) == (10, 10, 20, 20)


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("unitPrice", 8, "unitPrice"),
        ("amount", 16, "amount"),
        ("discountedUnitPrice", 8, "discountedUnitPrice"),
        ("discountedAmount", 16, "discountedAmount"),
    ],
)
def test_an_update_below_the_catalogue_needs_leave_too(
    acme: Acme, held: Acme, worker: object, name: str, value: int, field: str
) -> None:
    id_ = held.create(simple(orderItems=[guests()]))
    order = held.get(id_)
    order["orderItems"][0][name] = value

    answer = held.call("PUT", f"/{id_}", order)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "price_mismatch")
    assert [one["field"] for one in answer.json()["errors"]] == [f"orderItems.0.{field}"]
    assert acme.put(id_, order)["discountedTotalAmount"] == 16


def test_what_was_sold_below_the_catalogue_may_be_sent_back(acme: Acme, held: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[guests(unitPrice=9, discountedUnitPrice=8)]))
    order = held.get(id_)

    assert prices(held.put(id_, {**order, "email": "new@example.com"})) == (9, 8, 18, 16)
    order = held.get(id_)
    order["orderItems"][0]["quantity"] = 3
    answer = held.call("PUT", f"/{id_}", order)
    assert [one["field"] for one in answer.json()["errors"]] == ["orderItems.0.quantity"]


_TOTALS: list[tuple[dict[str, Any], str | None]] = [
    ({"totalAmount": 20}, None),
    ({"totalAmount": "20.00", "discountedTotalAmount": 20.0, "balanceAmount": 20}, None),
    ({"balanceAmount": 15, "paidAmount": 5}, None),
    ({"totalAmount": 16}, "totalAmount"),
    ({"discountedTotalAmount": 16}, "discountedTotalAmount"),
    ({"totalAmount": 20, "discountedTotalAmount": 16}, "totalAmount"),
    ({"balanceAmount": 16}, "balanceAmount"),
    ({"balanceAmount": 20, "paidAmount": 5}, "balanceAmount"),
    ({"discountedTotalAmount": -1}, "discountedTotalAmount"),
]
"""What an order of 20.00 may say of itself as a whole, and the field by which it is refused."""


@pytest.mark.parametrize(("words", "field"), _TOTALS)
def test_an_order_costs_what_it_says_of_itself_or_is_refused(
    acme: Acme, held: Acme, worker: object, words: dict[str, Any], field: str | None
) -> None:
    for client in (acme, held):
        answer = client.call("POST", "", simple(orderItems=[guests()], **words))

        assert answer.status_code == (201 if field is None else 422), answer.text
        if field is not None:
            assert [one["field"] for one in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("total", ["91", "108.29"])
def test_totals_are_said_with_tax_or_without(held: Acme, worker: object, total: str) -> None:
    # ACME has no word for tax: its clients add up what their items cost.
    assert held.create(simple(orderItems=[item()], totalAmount=total))


def _without(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


@pytest.mark.parametrize("price", [12, 9, "0.50", 10.5])
def test_a_changed_price_changes_that_and_nothing_else(acme: Acme, worker: object, price: Any) -> None:
    other = {"ticketingTypeId": "0", "quantity": 1, "ticketVos": [{"firstName": "Grace"}]}
    names = [{"firstName": "Ada", "notes": "front"}, {"firstName": "Alan"}]
    id_ = acme.create(simple(orderItems=[guests(ticketVos=names, discountId="d-1"), other]))
    before = acme.get(id_)
    order = acme.get(id_)
    order["orderItems"][0]["unitPrice"] = price

    after = acme.put(id_, order)

    exact = Decimal(str(price))
    assert prices(after) == (exact, exact, 2 * exact, 2 * exact)
    assert after["totalAmount"] == after["discountedTotalAmount"] == 2 * exact
    follows = (
        "unitPrice", "discountedUnitPrice", "amount", "discountedAmount", "balanceAmount",
    )  # fmt: skip
    assert [_without(one, *follows) for one in after["orderItems"]] == [
        _without(one, *follows) for one in before["orderItems"]
    ]


def test_an_amount_alone_is_a_price_too(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[guests()]))
    order = acme.get(id_)
    order["orderItems"][0] |= {"unitPrice": None, "discountedUnitPrice": None, "amount": 24}

    assert prices(acme.put(id_, order)) == (12, 12, 24, 24)


def test_a_discounted_price_stays_where_the_price_is_changed(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[guests(unitPrice=10, discountedUnitPrice=8)]))
    order = acme.get(id_)
    order["orderItems"][0]["unitPrice"] = 12

    assert prices(acme.put(id_, order)) == (12, 8, 24, 16)
    order = acme.get(id_)
    order["orderItems"][0]["unitPrice"] = 7
    answer = acme.call("PUT", f"/{id_}", order)
    assert [one["field"] for one in answer.json()["errors"]] == ["orderItems.0.unitPrice"]
    order["orderItems"][0]["discountedUnitPrice"] = 6
    assert prices(acme.put(id_, order)) == (7, 6, 14, 12)


def test_a_discounted_price_above_the_price_names_the_field_that_was_sent(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[guests()]))
    for name, value in (("discountedUnitPrice", 11), ("discountedAmount", 22)):
        order = acme.get(id_)
        order["orderItems"][0][name] = value
        answer = acme.call("PUT", f"/{id_}", order)
        assert [one["field"] for one in answer.json()["errors"]] == [f"orderItems.0.{name}"]


def test_an_amount_that_no_price_makes_is_refused_by_its_name(acme: Acme, worker: object) -> None:
    answer = acme.call("POST", "", simple(orderItems=[guests(3, amount=10)]))

    assert answer.json()["errors"][0]["code"] == "too_many_decimals"
    assert [one["field"] for one in answer.json()["errors"]] == ["orderItems.0.amount"]
    order = acme.get(acme.create(simple(orderItems=[guests(3, unitPrice=10, discountedAmount=29)])))
    assert (order["discountedTotalAmount"], order["orderItems"][0]["discountedAmount"]) == (29, 29)


def test_a_changed_ticket_type_changes_that_and_nothing_else(acme: Acme, worker: object) -> None:
    names = [{"firstName": "Ada", "notes": "front", "printed": True}, {"firstName": "Alan"}]
    first = guests(ticketVos=names, discountId="d-1", unitPrice=9, accountCategoryId=4)
    id_ = acme.create(simple(orderItems=[first, guests(1)], paidAmount=28))
    before = acme.get(id_)
    order = acme.get(id_)
    order["orderItems"][0]["ticketingTypeId"] = "0"

    after = acme.put(id_, order)

    old, other, new = after["orderItems"]
    assert (new["ticketingTypeId"], new["quantity"], new["unitPrice"]) == ("0", 2, 9)
    assert (new["discountId"], new["accountCategoryId"], new["amount"]) == ("d-1", 4, 18)
    assert _without(other, "balanceAmount") == _without(before["orderItems"][1], "balanceAmount")
    assert other["balanceAmount"] == 0
    made_anew = ("id", "uuid", "ticketStatus")
    assert [_without(ticket, *made_anew) for ticket in new["ticketVos"]] == [
        _without(ticket, *made_anew) for ticket in before["orderItems"][0]["ticketVos"]
    ]
    assert (old["quantity"], [one["ticketStatus"] for one in old["ticketVos"]]) == (0, ["Rebook"] * 2)
    assert _without(after, "orderItems", "updatedOn") == _without(before, "orderItems", "updatedOn")


def test_a_ticket_type_may_go_and_come_again(acme: Acme, worker: object) -> None:
    names = [{"firstName": "Ada", "notes": "front"}, {"firstName": "Alan", "notes": "back"}]
    id_ = acme.create(simple(orderItems=[guests(ticketVos=names)]))
    for type_, place, count in (("0", 1, 2), (GUEST, 0, 2), ("0", 1, 2)):
        order = acme.get(id_)
        live = next(one for one in order["orderItems"] if one["quantity"])
        live["ticketingTypeId"] = type_

        order = acme.put(id_, order)

        assert len(order["orderItems"]) == 2
        shown = order["orderItems"][place]
        valid = [one for one in shown["ticketVos"] if one["ticketStatus"] == "Normal"]
        assert (shown["ticketingTypeId"], shown["quantity"]) == (type_, count)
        assert [(one["firstName"], one["notes"]) for one in valid] == [("Ada", "front"), ("Alan", "back")]


def test_another_type_of_a_used_ticket_is_refused_by_its_name(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[guests()]))
    acme.check_in(acme.get(id_)["orderItems"][0]["ticketVos"][0]["id"])
    order = acme.get(id_)
    order["orderItems"][0]["ticketingTypeId"] = "0"

    answer = acme.call("PUT", f"/{id_}", order)

    assert [one["field"] for one in answer.json()["errors"]] == ["orderItems.0.ticketingTypeId"]


@pytest.mark.parametrize("type_", ["event", "inventory", "comboEvent", "comboInventory"])
@pytest.mark.parametrize("name", ["ticketingTypeId", "inventoryId"])
def test_a_changed_item_type_changes_that_and_nothing_else(
    acme: Acme, worker: object, name: str, type_: str
) -> None:
    id_ = acme.create(
        simple(orderItems=[{name: "audio-guide" if name == "inventoryId" else GUEST, "quantity": 1}])
    )
    before = acme.get(id_)
    order = acme.get(id_)
    order["orderItems"][0]["itemType"] = type_

    after = acme.put(id_, order)

    assert after["orderItems"][0] == {**before["orderItems"][0], "itemType": type_}
    assert acme.put(id_, after)["orderItems"] == after["orderItems"]


def test_errors_of_a_class_name_the_field_by_which_it_was_sent(acme: Acme, worker: object) -> None:
    for name in ("ticketingTypeId", "inventoryId"):
        answer = acme.call("POST", "", simple(orderItems=[item(), {name: "nothing", "quantity": 1}]))
        assert [one["field"] for one in answer.json()["errors"]] == [f"orderItems.1.{name}"]
    id_ = acme.create(simple(orderItems=[item(ticketingTypeId=STALLS, quantity=1)]))
    order = acme.get(id_)
    order["orderItems"][0]["ticketingTypeId"] = "nothing"
    answer = acme.call("PUT", f"/{id_}", order)
    assert [one["field"] for one in answer.json()["errors"]] == ["orderItems.0.ticketingTypeId"]
