"""Updates in ACME's words: what is there is replaced by what is said."""

from typing import Any

import httpx
import pytest

from tests.contract.acme.client import STALLS, STANDING, Acme, item, sample, simple
from tests.intakes import Intake, Worker


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def tickets(order: dict[str, Any], place: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = order["orderItems"][place]["ticketVos"]
    return found


def test_what_an_update_does_not_say_is_gone(acme: Acme, worker: object) -> None:
    id_ = acme.create(sample())

    order = acme.put(id_, simple(orderItems=[item(itemId="1")]))

    fields = ("visitorId", "zipCode", "phoneNumber", "notes", "paymentDueDate", "membershipId", "couponId")
    assert {order[name] for name in fields} == {None}
    assert (order["contactFirstName"], order["saleChannel"]) == ("", "online")
    assert [one["quantity"] for one in order["orderItems"]] == [2, 0]
    ours = acme.canonical(id_)
    assert ours["billing_address"] is None
    assert ours["totals"]["discount"] == "0.00"
    assert order["paidAmount"] == 100


def test_what_acme_has_no_words_for_stays(acme: Acme, worker: object) -> None:
    body = {
        "buyer": {"first_name": "A", "last_name": "B", "email": "ada@example.com", "company": "Example Ltd"},
        "billing_address": {"city": "Paris", "postal_code": "75002"},
        "line_items": [{"ticket_class_id": STANDING, "quantity": 1}],
        "shipping": "5.00",
        "internal_notes": ["ours"],
        "reference": "PO-1",
    }
    id_ = acme.canonical_call("", body)["id"]

    acme.put(id_, simple(orderItems=[item(itemId="1", quantity=1)], zipCode="75003"))

    ours = acme.canonical(id_)
    assert ours["buyer"]["company"] == "Example Ltd"
    assert (ours["billing_address"]["city"], ours["billing_address"]["postal_code"]) == ("Paris", "75003")
    assert (ours["totals"]["shipping"], ours["reference"]) == ("5.00", "PO-1")
    assert [note["text"] for note in ours["notes"]] == ["ours"]


def test_an_item_keeps_its_number_and_its_tickets(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=1), item(ticketingTypeId=STALLS, quantity=1)]))
    before = acme.get(id_)

    order = acme.put(id_, {**before, "orderItems": list(reversed(before["orderItems"]))})

    assert [one["itemId"] for one in order["orderItems"]] == ["1", "2"]
    assert [tickets(order, place) for place in (0, 1)] == [tickets(before, place) for place in (0, 1)]


def test_a_ticket_is_renamed_and_marked_by_its_id(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=3)]))
    order = acme.get(id_)
    changed = tickets(order)[1]
    changed |= {"firstName": "Grace", "email": "grace@example.com", "printed": True, "notes": "VIP"}
    tickets(order).reverse()

    after = tickets(acme.put(id_, order))

    assert after[1] == changed
    assert [ticket["printed"] for ticket in after] == [False, True, False]
    assert [ticket["firstName"] for ticket in after] == [None, "Grace", None]


def test_a_smaller_quantity_takes_the_last_tickets(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=3)]))
    order = acme.get(id_)
    order["orderItems"][0]["quantity"] = 2

    assert [ticket["ticketStatus"] for ticket in tickets(acme.put(id_, order))] == [
        "Normal",
        "Normal",
        "Void",
    ]


@pytest.mark.parametrize("status", ["Void", "Refund", "Rebook"])
def test_a_ticket_that_is_said_to_be_void_is_the_one_that_goes(
    acme: Acme, worker: object, status: str
) -> None:
    names = [{"firstName": name} for name in ("one", "two", "three")]
    id_ = acme.create(simple(orderItems=[item(quantity=3, ticketVos=names)]))
    order = acme.get(id_)
    order["orderItems"][0]["quantity"] = 2
    tickets(order)[1]["ticketStatus"] = status

    after = tickets(acme.put(id_, order))

    assert [ticket["ticketStatus"] for ticket in after] == ["Normal", status, "Normal"]
    assert [ticket["firstName"] for ticket in after if ticket["ticketStatus"] == "Normal"] == ["one", "three"]
    assert [one["status"] for one in acme.canonical(id_)["tickets"]] == ["valid", "voided", "valid"]


def test_a_ticket_that_is_left_out_is_the_one_that_goes(acme: Acme, worker: object) -> None:
    names = [{"firstName": name} for name in ("one", "two", "three")]
    id_ = acme.create(simple(orderItems=[item(quantity=3, ticketVos=names)]))
    order = acme.get(id_)
    del tickets(order)[0], order["orderItems"][0]["quantity"]

    after = tickets(acme.put(id_, order))

    assert [ticket["ticketStatus"] for ticket in after] == ["Void", "Normal", "Normal"]
    assert [ticket["firstName"] for ticket in after[1:]] == ["two", "three"]


def test_a_used_ticket_stays_with_its_name_when_an_item_gets_fewer(acme: Acme, worker: object) -> None:
    names = [{"firstName": name} for name in ("one", "two", "three")]
    id_ = acme.create(simple(orderItems=[item(quantity=3, ticketVos=names)]))
    order = acme.get(id_)
    acme.check_in(tickets(order)[2]["id"])
    order = acme.get(id_)
    order["orderItems"][0]["quantity"] = 2

    after = tickets(acme.put(id_, order))

    assert [ticket["ticketStatus"] for ticket in after] == ["Normal", "Void", "Normal"]
    assert [ticket["firstName"] for ticket in after] == ["one", "two", "three"]


def test_a_used_ticket_that_is_left_out_takes_no_other_with_it(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=3)]))
    order = acme.get(id_)
    acme.check_in(tickets(order)[2]["id"])
    order = acme.get(id_)
    del tickets(order)[2], order["orderItems"][0]["quantity"]

    answer = acme.call("PUT", f"/{id_}", order)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_allowed_in_status"
    assert [ticket["ticketStatus"] for ticket in tickets(acme.get(id_))] == ["Normal"] * 3


def test_more_tickets_come_with_their_names(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=1, ticketVos=[{"firstName": "one"}])]))
    order = acme.get(id_)
    del order["orderItems"][0]["quantity"]
    tickets(order).append({"firstName": "two", "notes": "new"})

    after = tickets(acme.put(id_, order))

    assert [(one["firstName"], one["notes"]) for one in after] == [("one", None), ("two", "new")]


def test_a_new_item_keeps_what_was_said_of_it(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    order = acme.get(id_)
    order["orderItems"].append(
        {"ticketingTypeId": "10", "quantity": 1, "discountId": 5, "ticketVos": [{"phoneNumber": "123"}]}
    )

    after = acme.put(id_, order)["orderItems"][1]

    assert (after["itemId"], after["discountId"]) == ("2", 5)
    assert after["ticketVos"][0]["phoneNumber"] == "123"


def test_an_item_that_is_not_there_is_refused(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())

    for wrong in ("7", "family", "0"):
        answer = acme.call("PUT", f"/{id_}", simple(orderItems=[item(itemId=wrong)]))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "orderItems.0.itemId"


def test_an_item_is_of_the_event_that_it_names(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())

    answer = acme.call("PUT", f"/{id_}", simple(orderItems=[item(quantity=0), item(eventId="free-event")]))

    assert answer.json()["errors"][0]["field"] == "orderItems.1.eventId"


def test_a_mistake_is_told_of_the_item_that_has_it(acme: Acme, worker: object) -> None:
    none_left = [{"ticketStatus": "Void"}]
    items = [{"ticketingTypeId": STALLS, "ticketVos": none_left}, item(eventId="free-event")]

    answer = acme.call("POST", "", simple(orderItems=items))

    assert [error["field"] for error in answer.json()["errors"]] == ["orderItems.1.eventId"]


def test_an_order_of_a_used_ticket_is_not_deleted(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    acme.check_in(tickets(acme.get(id_))[0]["id"])

    answer = acme.call("DELETE", f"/{id_}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["orderItems"]


def test_an_order_is_updated_by_its_number(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    number = acme.canonical(id_)["number"]

    assert acme.put(str(number), simple(email="new@example.com"))["email"] == "new@example.com"


def test_a_deleted_order_is_not_updated(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    order = acme.delete(id_)

    answer = acme.call("PUT", f"/{id_}", order)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_allowed_in_status"


def test_an_update_says_which_version_came_before_it(acme: Acme, intake: Intake, worker: Worker) -> None:
    id_ = acme.create(simple(orderItems=[item()]))
    acme.put(id_, simple(orderItems=[item(itemId="1", quantity=1)]))
    worker.stop()

    by_number = acme.call("PUT", f"/{acme.canonical(id_)['number']}", simple(), prefer="wait=1")
    forged = acme.call("PUT", f"/{id_}", simple(seen_version=1))

    assert (by_number.status_code, forged.status_code) == (202, 400)
    (request,) = intake.take_requests()
    assert (request["dialect"], request["seen_version"]) == ("acme", 2)
