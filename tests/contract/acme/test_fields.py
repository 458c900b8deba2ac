"""Every documented field of ACME's order object: answered, and kept as it was said."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.acme.client import EVENT, STALLS, STANDING, Acme, item, sample, simple
from tests.intakes import Intake
from vendors.acme import values

_DOCUMENTED = Path(__file__).parents[2] / "messages/acme/documented_fields.txt"


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def names(order: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in order.items():
        yield prefix + name
        if name in ("orderItems", "ticketVos"):
            marker = "[x]." if name == "orderItems" else "[y]."
            for one in value:
                yield from names(one, prefix + name + marker)


def test_an_answer_has_exactly_the_documented_fields(acme: Acme, worker: object) -> None:
    for call in (sample(), simple()):
        order = acme.get(acme.create(call))

        assert set(names(order)) == set(_DOCUMENTED.read_text().split())


def test_what_was_said_is_seen_again(acme: Acme, worker: object) -> None:
    said = sample()
    order = acme.get(acme.create(said))

    computed = {"paidAmount"}
    assert {name: order[name] for name in said if name not in {*computed, "orderItems"}} == {
        name: value for name, value in said.items() if name not in {*computed, "orderItems"}
    }
    first, second = said["orderItems"]
    shown, also = order["orderItems"]
    first |= {"itemId": "1", "discountedUnitPrice": Decimal("40.5")}
    second |= {"parentItemId": "1"}
    for sent, answered in ((first, shown), (second, also)):
        assert {name: answered[name] for name in sent if name != "ticketVos"} == {
            name: value for name, value in sent.items() if name != "ticketVos"
        }
    for sent, answered in zip(first["ticketVos"], shown["ticketVos"], strict=True):
        assert {name: answered[name] for name in sent} == sent


def test_what_the_catalogue_knows_is_shown(acme: Acme, worker: object) -> None:
    order = acme.get(acme.create(simple()))
    (shown,) = order["orderItems"]

    assert order["tenantId"] == "t-1"
    assert shown["eventName"] == "Sample Event"
    assert shown["eventStartTime"] == "2027-04-11T19:00:00+02:00"
    assert (shown["eventId"], shown["ticketingTypeId"]) == (EVENT, STANDING)
    assert shown["ticketingTypeName"] == "Sample Ticket"
    assert (shown["inventoryId"], shown["inventoryName"]) == (None, None)
    assert shown["unitPrice"] == Decimal("45.5")
    assert {ticket["tenantId"] for ticket in shown["ticketVos"]} == {"t-1"}
    assert all(ticket["id"] == ticket["uuid"] for ticket in shown["ticketVos"])


def test_defaults_are_those_of_an_online_order(acme: Acme, worker: object) -> None:
    canonical_id = acme.create(simple())
    order, ours = acme.get(canonical_id), acme.canonical(canonical_id)

    assert order["saleChannel"] == "online"
    assert order["ticketDelivery"] == "print"
    assert (order["hideEventDate"], order["legacy"]) == (False, False)
    assert order["orderNumber"] == str(ours["number"])
    assert order["createdBy"] == order["updatedBy"] is not None
    assert order["createdOn"] == order["updatedOn"]
    assert ours["extras"] is None


@pytest.mark.parametrize("channel", get_args(values.SaleChannel))
def test_every_sale_channel_is_kept(acme: Acme, worker: object, channel: str) -> None:
    assert acme.get(acme.create(simple(saleChannel=channel)))["saleChannel"] == channel


@pytest.mark.parametrize("delivery", get_args(values.TicketDelivery))
def test_both_ways_of_delivery_are_kept(acme: Acme, worker: object, delivery: str) -> None:
    assert acme.get(acme.create(simple(ticketDelivery=delivery)))["ticketDelivery"] == delivery


@pytest.mark.parametrize("type_", get_args(values.ComboTemplateType))
def test_both_types_of_combos_are_kept(acme: Acme, worker: object, type_: str) -> None:
    order = acme.get(acme.create(simple(orderItems=[item(comboTemplateType=type_)])))

    assert order["orderItems"][0]["comboTemplateType"] == type_


def test_the_type_of_an_item_follows_from_the_catalogue_and_its_combo(acme: Acme, worker: object) -> None:
    guide = {"ticketingTypeId": "audio-guide", "quantity": 1}
    by_inventory = {"inventoryId": "audio-guide", "quantity": 1}
    items = [item(), item(comboTemplateId=7), guide, {**by_inventory, "comboTemplateId": 7}, by_inventory]

    shown = acme.get(acme.create(simple(orderItems=items)))["orderItems"]

    assert [one["itemType"] for one in shown] == [
        "event",
        "comboEvent",
        "inventory",
        "comboInventory",
        "inventory",
    ]
    assert {one["inventoryId"] for one in shown[2:]} == {"audio-guide"}
    assert {one["inventoryName"] for one in shown[2:]} == {"Audio Guide"}
    assert {one["ticketingTypeId"] for one in shown[2:]} == {None}


@pytest.mark.parametrize("type_", get_args(values.ItemType))
def test_the_type_that_was_said_is_kept(acme: Acme, worker: object, type_: str) -> None:
    name = "inventoryId" if "nventory" in type_ else "ticketingTypeId"
    order = acme.get(acme.create(simple(orderItems=[{name: STANDING, "quantity": 1, "itemType": type_}])))

    assert (order["orderItems"][0]["itemType"], order["orderItems"][0][name]) == (type_, STANDING)


def test_an_order_is_checked_in_by_and_by(acme: Acme, intake: Intake, worker: object) -> None:
    id_ = acme.create(simple())
    shown = [acme.get(id_)]
    for ticket in acme.canonical(id_)["tickets"]:
        headers = {"authorization": f"Bearer {intake.new_key('admin', tenant='box-office')}"}
        answer = acme.http.post("/v1/check-ins", json={"ticket_id": ticket["id"]}, headers=headers)
        assert answer.status_code == 200, answer.text
        shown.append(acme.get(id_))

    assert [order["checkInStatus"] for order in shown] == ["NotCheckedIn", "PartiallyCheckedIn", "CheckedIn"]
    assert [order["orderItems"][0]["checkedInQuantity"] for order in shown] == [0, 1, 2]
    tickets = shown[-1]["orderItems"][0]["ticketVos"]
    assert shown[0]["orderItems"][0]["checkInDate"] is None
    assert shown[-1]["orderItems"][0]["checkInDate"] == max(ticket["checkInDate"] for ticket in tickets)
    assert {ticket["ticketStatus"] for ticket in tickets} == {"Normal"}
    assert datetime.fromisoformat(tickets[0]["checkInDate"]) > datetime.now(UTC) - timedelta(minutes=5)


def test_what_became_of_tickets_is_told(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=3)], paidAmount="200"))

    def statuses() -> list[str]:
        return [one["ticketStatus"] for one in acme.get(id_)["orderItems"][0]["ticketVos"]]

    assert statuses() == ["Normal"] * 3
    acme.canonical_call(f"/{id_}/cancel", {"lines": [{"line_number": 1, "quantity": 1}]})
    assert statuses() == ["Normal", "Normal", "Void"]
    acme.canonical_call(f"/{id_}/payments", {"type": "cash", "is_refund": True})
    assert statuses() == ["Normal", "Normal", "Refund"]

    seats = simple(orderItems=[item(ticketingTypeId=STALLS, quantity=1)])
    id_ = acme.create(seats)
    acme.put(id_, seats | {"orderItems": [item(ticketingTypeId=STANDING, quantity=1)]})
    items = acme.get(id_)["orderItems"]
    assert [one["ticketVos"][0]["ticketStatus"] for one in items] == ["Rebook", "Normal"]


def test_an_order_of_our_own_words_is_shown(acme: Acme, worker: object) -> None:
    body = {
        "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "line_items": [
            {"ticket_class_id": STANDING, "quantity": 2},
            {"ticket_class_id": "10", "quantity": 1},
        ],
        "shipping": "5.00",
        "promo_code": "SPRING",
        "external_notes": ["one", "two"],
        "internal_notes": ["ours"],
        "seller_id": None,
    }
    made = acme.canonical_call("", {name: value for name, value in body.items() if value})
    acme.canonical_call(f"/{made['id']}/cancel", {"lines": [{"line_number": 1, "quantity": 1}]})

    order = acme.get(made["id"])

    assert order["couponId"] == "SPRING"
    assert order["notes"] == "one\n---\ntwo"
    assert {one["eventId"] for one in order["orderItems"]} == {EVENT, "free-event"}
    assert order["visitorId"] is None


def test_extras_that_others_spoiled_do_not_spoil_the_answer(acme: Acme, worker: object) -> None:
    id_ = acme.create(sample())
    patch = {"extras": {"acme": {"saleChannel": 5, "items": "none", "visitorId": ["x"]}}}

    acme.canonical_call(f"/{id_}", patch, "PATCH")

    order = acme.get(id_)
    assert (order["saleChannel"], order["visitorId"]) == ("online", None)
    assert order["membershipId"] == "member-5"


def test_what_is_sent_back_unchanged_changes_nothing(acme: Acme, worker: object) -> None:
    id_ = acme.create(sample())
    before, ours = acme.get(id_), acme.canonical(id_)

    after = acme.put(id_, before)

    assert {**after, "updatedOn": None} == {**before, "updatedOn": None}
    changed = {"version", "updated_at", "extras"}
    assert {name: value for name, value in acme.canonical(id_).items() if name not in changed} == {
        name: value for name, value in ours.items() if name not in changed
    }


def test_each_tenant_is_answered_from_its_own_catalogue(
    intake: Intake, caller: httpx.Client, worker: object
) -> None:
    tenant = f"tenant-{uuid4()}"
    event = {
        "id": EVENT,
        "name": "Another",
        "starts_at": "2027-01-01T00:00:00Z",
        "ends_at": "2027-01-02T00:00:00Z",
        "on_sale_until": "2099-12-31T00:00:00+00:00",
        "timezone": "Asia/Tokyo",
        "currency": "JPY",
        "ticket_classes": [{"id": STANDING, "name": "One", "price": "1000", "capacity": 9}],
    }
    catalogue = {"tenant": tenant, "aliases": {"acme": [tenant]}, "events": [event]}
    load_catalogue(intake.engine, Catalogue.model_validate(catalogue), now=datetime.now(UTC))
    scopes = ("orders.create", "orders.read", "orders.update", "orders.set_price")
    other = Acme(caller, intake.new_key(*scopes, tenant=tenant), tenant)

    order = other.get(other.create(simple()))

    assert order["tenantId"] == tenant
    assert order["orderItems"][0]["eventName"] == "Another"
    assert order["totalAmount"] == 2000
    assert order["orderItems"][0]["eventStartTime"] == "2027-01-01T09:00:00+09:00"
