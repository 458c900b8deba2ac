"""What a PUT says of tickets, and what ACME's calls tell of them afterwards."""

from typing import Any

import httpx
import pytest

from tests.contract.acme.client import Acme, item, simple

GUEST = "10"
"""A ticket class for 10.00, without tax."""


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def three(**changes: Any) -> dict[str, Any]:
    names = [{"firstName": name, "notes": name.upper()} for name in ("one", "two", "three")]
    return simple(orderItems=[{"ticketingTypeId": GUEST, "quantity": 3, "ticketVos": names, **changes}])


def tickets(order: dict[str, Any], place: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = order["orderItems"][place]["ticketVos"]
    return found


def statuses(order: dict[str, Any], place: int = 0) -> list[str]:
    return [ticket["ticketStatus"] for ticket in tickets(order, place)]


def refused(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("status", ["Void", "Refund", "Rebook"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_ticket_that_is_said_to_go_goes_with_the_quantity_that_was_read(
    acme: Acme, worker: object, status: str, place: int
) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    tickets(order)[place]["ticketStatus"] = status

    after = acme.put(id_, order)

    expected = ["Normal"] * 3
    expected[place] = status
    assert (statuses(after), after["orderItems"][0]["quantity"]) == (expected, 2)
    assert [one["firstName"] for one in tickets(after)] == ["one", "two", "three"]
    assert [one["notes"] for one in tickets(after)] == ["ONE", "TWO", "THREE"]
    again = acme.put(id_, after)
    assert (statuses(again), again["orderItems"][0]["quantity"]) == (expected, 2)


def test_a_list_of_the_one_ticket_that_goes_leaves_the_others(acme: Acme, worker: object) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    order["orderItems"][0]["ticketVos"] = [{"id": tickets(order)[0]["id"], "ticketStatus": "Void"}]

    after = acme.put(id_, order)

    assert statuses(after) == ["Void", "Normal", "Normal"]
    assert [one["firstName"] for one in tickets(after)] == ["one", "two", "three"]


def test_all_tickets_of_an_item_may_go_where_another_stays(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[*three()["orderItems"], item(quantity=1)]))
    order = acme.get(id_)
    for ticket in tickets(order):
        ticket["ticketStatus"] = "Void"

    after = acme.put(id_, order)

    assert (statuses(after), statuses(after, 1)) == (["Void"] * 3, ["Normal"])
    assert [one["quantity"] for one in after["orderItems"]] == [0, 1]


def test_a_ticket_that_is_void_does_not_come_back(acme: Acme, worker: object) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    tickets(order)[1]["ticketStatus"] = "Void"
    order = acme.put(id_, order)
    tickets(order)[1]["ticketStatus"] = "Normal"

    assert refused(acme.call("PUT", f"/{id_}", order)) == ["orderItems.0.ticketVos.1.ticketStatus"]


def test_why_a_ticket_is_void_may_be_said_later(acme: Acme, worker: object) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    tickets(order)[1]["ticketStatus"] = "Void"
    order = acme.put(id_, order)
    for status in ("Rebook", "Refund", "Void"):
        tickets(order)[1]["ticketStatus"] = status

        order = acme.put(id_, order)

        assert statuses(order) == ["Normal", status, "Normal"]


def test_a_used_ticket_does_not_go(acme: Acme, worker: object) -> None:
    id_ = acme.create(three())
    acme.check_in(tickets(acme.get(id_))[2]["id"])
    order = acme.get(id_)
    tickets(order)[2]["ticketStatus"] = "Void"

    assert refused(acme.call("PUT", f"/{id_}", order)) == ["orderItems.0.ticketVos.2.ticketStatus"]


@pytest.mark.parametrize("quantity", [4, 3.0, 5])
def test_more_tickets_and_fewer_are_two_updates(acme: Acme, worker: object, quantity: Any) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    tickets(order)[0]["ticketStatus"] = "Void"
    order["orderItems"][0]["quantity"] = quantity

    answer = acme.call("PUT", f"/{id_}", order)

    if quantity == 3:  # as it was read
        assert answer.status_code == 200
    else:
        assert refused(answer) == ["orderItems.0.quantity"]


def test_a_quantity_that_goes_further_down_takes_those_that_are_left_out(acme: Acme, worker: object) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    tickets(order)[0]["ticketStatus"] = "Void"
    order["orderItems"][0]["quantity"] = 1
    del tickets(order)[1]

    assert statuses(acme.put(id_, order)) == ["Void", "Void", "Normal"]


def test_a_ticket_that_is_left_out_of_a_list_keeps_its_name(acme: Acme, worker: object) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    del tickets(order)[1]

    after = acme.put(id_, order)

    assert [one["firstName"] for one in tickets(after)] == ["one", "two", "three"]
    assert [one["notes"] for one in tickets(after)] == ["ONE", "TWO", "THREE"]


def test_a_ticket_is_also_known_by_its_uuid(acme: Acme, worker: object) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    tickets(order)[1] |= {"id": None, "firstName": "other"}

    assert [one["firstName"] for one in tickets(acme.put(id_, order))] == ["one", "other", "three"]


@pytest.mark.parametrize("name", ["0b6a1d9e-6f0e-4b51-9d55-0d7a3ff2f1ab", "7", 7, "nothing"])
def test_a_ticket_that_the_item_does_not_have_is_refused(acme: Acme, worker: object, name: Any) -> None:
    id_ = acme.create(three())
    order = acme.get(id_)
    tickets(order)[1]["id"] = name

    assert "orderItems.0.ticketVos.1.id" in refused(acme.call("PUT", f"/{id_}", order))


def test_a_ticket_of_another_item_or_named_twice_is_refused(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[*three()["orderItems"], item(quantity=1)]))
    order = acme.get(id_)
    moved = tickets(order, 1)[0]
    tickets(order).append(moved)
    assert refused(acme.call("PUT", f"/{id_}", order)) == ["orderItems.0.ticketVos.3.id"]

    order = acme.get(id_)
    tickets(order).append(tickets(order)[0])
    assert refused(acme.call("PUT", f"/{id_}", order)) == ["orderItems.0.ticketVos.3.id"]


def test_an_order_of_a_thousand_tickets_is_changed_and_put_back(acme: Acme, worker: object) -> None:
    # An order keeps 64 KiB of what only ACME says: not a word of each ticket.
    id_ = acme.create(simple(orderItems=[{"ticketingTypeId": GUEST, "quantity": 1_000}]))
    order = acme.get(id_)
    for ticket in tickets(order)[:900]:
        ticket["ticketStatus"] = "Void"
    order = acme.put(id_, order)
    assert (statuses(order), order["orderItems"][0]["quantity"]) == (["Void"] * 900 + ["Normal"] * 100, 100)

    order["orderItems"][0]["quantity"] = 1_000
    order = acme.put(id_, order)
    assert statuses(order) == ["Void"] * 900 + ["Normal"] * 1_000

    order["orderItems"][0]["ticketingTypeId"] = "0"
    order = acme.put(id_, order)
    assert statuses(order) == ["Void"] * 900 + ["Rebook"] * 1_000
    assert statuses(order, 1) == ["Normal"] * 1_000
    assert acme.put(id_, order)["orderItems"] == order["orderItems"]


def test_void_and_rebook_follow_what_was_done_to_the_ticket(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(orderItems=[*three()["orderItems"], item(quantity=1)], paidAmount=200))
    acme.canonical_call(f"/{id_}/cancel", {"lines": [{"line_number": 1, "quantity": 1}]})
    order = acme.get(id_)
    order["orderItems"][1]["quantity"] = 2
    # The ticket that came later is of another item and another change: it stands in no place.
    after = acme.put(id_, order)
    assert (statuses(after), statuses(after, 1)) == (["Normal", "Normal", "Void"], ["Normal", "Normal"])

    # One item gives a ticket, and another takes one, by one change: that is a rebooking.
    after["orderItems"][0]["quantity"], after["orderItems"][1]["quantity"] = 1, 3
    after = acme.put(id_, after)
    assert statuses(after) == ["Normal", "Rebook", "Void"]

    # Money that goes back is for what was taken out and not for what was rebooked.
    balance = acme.canonical(id_)["totals"]["balance"]
    if balance.startswith("-"):
        acme.canonical_call(f"/{id_}/payments", {"type": "cash", "is_refund": True})
    assert statuses(acme.get(id_))[1] == "Rebook"


def test_a_refund_is_told_of_the_tickets_that_it_was_for(acme: Acme, worker: object) -> None:
    id_ = acme.create({**three(), "paidAmount": 30})
    one = {"lines": [{"line_number": 1, "quantity": 1}]}
    acme.canonical_call(f"/{id_}/cancel", one)
    acme.canonical_call(f"/{id_}/payments", {"type": "cash", "is_refund": True})
    assert statuses(acme.get(id_)) == ["Normal", "Normal", "Refund"]

    acme.canonical_call(f"/{id_}/cancel", one)

    assert statuses(acme.get(id_)) == ["Normal", "Void", "Refund"]
