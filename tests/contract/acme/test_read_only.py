"""Only `id` and `itemId` are read only: what a PUT says of another field is taken, or refused by its name.

The document's Order Object marks these two and no other.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.acme.client import STALLS, Acme, item, read, sample, simple
from tests.intakes import Intake

_DOCUMENTED = (Path(__file__).parents[2] / "messages/acme/documented_fields.txt").read_text().split()

_NOT_OURS_TO_SET = {"id", "orderItems[x].itemId", "orderItems", "orderItems[x].ticketVos"}

_OTHER: dict[str, Any] = {
    "email": "other@example.com",
    "saleChannel": "reseller",
    "checkInStatus": "CheckedIn",
    "createdOn": "2020-01-01T00:00:00Z",
    "updatedOn": "2020-01-01T00:00:00Z",
    "paymentDueDate": "2027-05-05T00:00:00Z",
    "ticketDelivery": "print",
    "ticketExpireDays": 7,
    "hideEventDate": False,
    "legacy": False,
    "ccLastFourDigits": "9999",
    "comboTemplateType": "discountCode",
    "eventStartTime": "2020-01-01T00:00:00Z",
    "ticketingTypeId": STALLS,
    "itemType": "event",
    "checkInDate": "2027-04-11T19:00:00Z",
    "ticketStatus": "Void",
    "printed": False,
    "quantity": 1,
    "uuid": "0b6a1d9e-6f0e-4b51-9d55-0d7a3ff2f1ab",
    "id": "0b6a1d9e-6f0e-4b51-9d55-0d7a3ff2f1ab",
}
"""Another value than the sample has, where it is not just any text or number."""


_CODES = {
    "eventId": "unknown_ticket_class",
    "totalAmount": "price_mismatch",
    "discountedTotalAmount": "price_mismatch",
}
"""What the worker finds: only there the order is priced."""


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def _place(order: dict[str, Any], path: str) -> tuple[dict[str, Any], str, str]:
    """Return where a documented field stands in an order, its name, and its path as errors have it."""
    *parts, name = path.split(".")
    part = order
    for one in parts:
        part = part[one.partition("[")[0]][0]
    return part, name, ".".join([*(one.partition("[")[0] + ".0" for one in parts), name])


def _changed(name: str, value: Any) -> Any:
    if name in _OTHER:
        return _OTHER[name]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value + 1
    return "other"


@pytest.mark.parametrize("path", [path for path in _DOCUMENTED if path not in _NOT_OURS_TO_SET])
def test_a_changed_field_is_taken_or_refused_by_its_name(acme: Acme, worker: object, path: str) -> None:
    id_ = acme.create(sample())
    order = acme.get(id_)
    part, name, field = _place(order, path)
    part[name] = value = _changed(name, part[name])

    answer = acme.call("PUT", f"/{id_}", order)

    if answer.status_code == 200:
        found, _, _ = _place(read(answer), path)
        if name == "ticketingTypeId":  # the item of the other type is a new one
            found = read(answer)["orderItems"][2]
        assert found[name] == value
    elif name == "tenantId" and "." not in path:
        assert answer.status_code == 404  # another tenant's order
    else:
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["field"] == field
        assert error["code"] == _CODES.get(name, "invalid")
        assert error["message"]
        assert acme.canonical(id_)["version"] == 1


@pytest.mark.parametrize("path", _DOCUMENTED)
def test_a_field_that_is_null_or_as_it_was_read_changes_nothing_by_itself(
    acme: Acme, worker: object, path: str
) -> None:
    id_ = acme.create(sample())
    order = acme.get(id_)
    part, name, _ = _place(order, path)
    text = str(part[name]) if isinstance(part[name], int | Decimal) and "Amount" in name else part[name]
    part[name] = text

    after = acme.put(id_, order)

    assert {**after, "updatedOn": None} == {**acme.get(id_), "updatedOn": None}
    part[name] = None
    answer = acme.call("PUT", f"/{id_}", order)
    # What an order cannot be without is missed by its name.
    assert answer.status_code == 200 or name in answer.text, answer.text


def test_what_follows_may_be_sent_as_it_will_be(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[{"ticketingTypeId": "10", "quantity": 2}]))
    order = acme.get(id_)
    one = order["orderItems"][0]
    one |= {"quantity": 3, "basicQuantity": 3, "amount": 30, "discountedAmount": "30.00"}
    order |= {"totalAmount": 30, "discountedTotalAmount": Decimal("30.00"), "balanceAmount": "30"}

    after = acme.put(id_, order)

    assert (after["totalAmount"], after["orderItems"][0]["quantity"]) == (30, 3)


@pytest.mark.parametrize("name", ["totalAmount", "discountedTotalAmount", "balanceAmount"])
def test_a_total_that_the_items_do_not_make_is_refused(acme: Acme, worker: object, name: str) -> None:
    id_ = acme.create(simple(orderItems=[{"ticketingTypeId": "10", "quantity": 2}]))
    order = acme.get(id_)
    order["orderItems"][0]["quantity"] = 3

    answer = acme.call("PUT", f"/{id_}", {**order, name: 29})

    assert [one["field"] for one in answer.json()["errors"]] == [name]
    assert acme.get(id_)["totalAmount"] == 20


def test_an_order_that_others_have_changed_since_is_no_more_as_it_was_read(
    acme: Acme, worker: object
) -> None:
    id_ = acme.create(simple(orderItems=[{"ticketingTypeId": "10", "quantity": 2}]))
    order = acme.get(id_)
    acme.canonical_call(f"/{id_}/payments", {"type": "cash", "amount": "5.00"})

    answer = acme.call("PUT", f"/{id_}", order)

    fields = {one["field"] for one in answer.json()["errors"]}
    assert fields == {"paidAmount", "balanceAmount", "orderItems.0.balanceAmount"}
    assert acme.put(id_, {**acme.get(id_), "email": "new@example.com"})["email"] == "new@example.com"


def test_moments_may_be_written_in_any_zone_and_to_the_millisecond(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    order = acme.get(id_)
    order["createdOn"] = order["createdOn"][:23].rstrip("Z").ljust(23, "0") + "+00:00"
    order["orderItems"][0]["eventStartTime"] = "2027-04-11T17:00:00Z"

    assert acme.put(id_, order)["createdOn"].startswith(order["createdOn"][:22])


def test_totals_with_tax_may_be_sent_as_they_will_be(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=1)], paidAmount=10))
    order = acme.get(id_)
    order["orderItems"][0]["quantity"] = 2
    order |= {"totalAmount": "108.29", "discountedTotalAmount": "108.29", "balanceAmount": "98.29"}

    assert acme.put(id_, order)["totalAmount"] == Decimal("108.29")  # 2 × 45.50 and 19 % VAT


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("checkInStatus", {"checkInStatus": "CheckedIn"}),
        ("refundAmount", {"refundAmount": 5}),
        ("orderItems.0.checkedInQuantity", {"orderItems": [item(checkedInQuantity=2)]}),
        ("orderItems.0.checkInDate", {"orderItems": [item(checkInDate="2027-04-11T19:00:00Z")]}),
        (
            "orderItems.0.ticketVos.0.checkInDate",
            {"orderItems": [item(ticketVos=[{"checkInDate": "2027-04-11T19:00:00Z"}])]},
        ),
        ("orderItems.0.amount", {"orderItems": [item(unitPrice="45.50", amount=90)]}),
        (
            "orderItems.0.discountedAmount",
            {"orderItems": [item(unitPrice="45.50", discountedUnitPrice=40, discountedAmount=70)]},
        ),
    ],
)
def test_a_new_order_cannot_be_what_an_order_only_becomes(
    acme: Acme, worker: object, field: str, words: dict[str, Any]
) -> None:
    answer = acme.call("POST", "", simple(**words))

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("name", ["eventName", "eventStartTime", "ticketingTypeName"])
def test_an_item_of_another_type_has_the_names_of_either_and_no_other(
    acme: Acme, worker: object, name: str
) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=1)]))
    stalls = acme.get(acme.create(simple(orderItems=[item(ticketingTypeId=STALLS, quantity=1)])))[
        "orderItems"
    ][0]
    for place in (0, 1):  # the item that is there, and a new one
        order = acme.get(id_)
        order["orderItems"].append({"quantity": 1})
        changed = order["orderItems"][place]
        changed |= {"ticketingTypeId": STALLS, "unitPrice": 80, "discountedUnitPrice": None, "amount": None}
        del order["orderItems"][1 - place :: 2]

        answer = acme.call("PUT", f"/{id_}", {**order, "orderItems": [{**changed, name: "another"}]})
        assert [one["field"] for one in answer.json()["errors"]] == [f"orderItems.0.{name}"]

    new = {"ticketingTypeId": STALLS, "quantity": 1, name: stalls[name]}
    assert acme.put(id_, {**acme.get(id_), "orderItems": [item(itemId="1", quantity=1), new]})


def test_a_put_that_comes_again_is_about_the_order_that_it_was_about(
    acme: Acme, intake: Intake, worker: object
) -> None:
    id_ = acme.create(simple(orderItems=[{"ticketingTypeId": "10", "quantity": 3}]))
    order = acme.get(id_)
    order["orderItems"][0]["unitPrice"] = 12
    order["orderItems"][0]["ticketVos"][0]["ticketStatus"] = "Void"

    answers = [acme.call("PUT", f"/{id_}", order, idempotency_key=f"put-{id_}") for _ in range(3)]
    other = acme.call("PUT", f"/{id_}", {**order, "email": "x@example.com"}, idempotency_key=f"put-{id_}")

    assert [answer.status_code for answer in answers] == [200] * 3, [one.text for one in answers]
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]
    assert answers[0].json() == answers[2].json()
    assert read(answers[0])["orderItems"][0]["quantity"] == 2
    assert other.status_code == 409


def test_a_wrong_shape_is_refused_before_it_is_compared(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())

    for words in ({"orderItems": 5}, {"orderItems": [5]}, {"orderItems": [item(ticketVos=[7])]}, {}):
        answer = acme.call("PUT", f"/{id_}", {"email": "sam@example.com", "paidAmount": 5, **words})
        assert answer.status_code == 422, words
        assert answer.json()["errors"][0]["field"].startswith("orderItems")
