"""Answers say what happened: seats, ids, parties and groups, whatever the call said of them."""

from typing import Any
from uuid import UUID

import pytest

from tests.contract.ticket_evolution.client import Broker, sale

pytestmark = pytest.mark.usefixtures("worker")

_CLUB = {"ticket_group_id": 16637815, "price": 120, "quantity": 2}  # of the office 777, with seats


def _shown(broker: Broker, number: int) -> dict[str, Any]:
    answer = broker.get(f"/v9/orders/{number}")
    assert answer.status_code == 200, answer.text
    words: dict[str, Any] = answer.json()
    return words


def _seats(order: dict[str, Any]) -> list[str]:
    (item,) = order["items"]
    seats: list[str] = item["ticket_group"]["seats"]
    return seats


def _purchase(*items: Any, **changes: Any) -> dict[str, Any]:
    return {"seller_id": 777, "buyer_id": 101, "shipped_items": sale(*items)["shipped_items"]} | changes


@pytest.mark.parametrize("as_integer", [False, True])
def test_a_hold_gives_class_quantity_and_seats(broker: Broker, as_integer: bool) -> None:
    wish = {"ticket_class_id": "16637812", "quantity": 2, "unit_price": "75.00"}
    hold = broker.call("POST", "/v1/holds", **wish).json()
    name = UUID(hold["id"]).int if as_integer else hold["id"]
    # "If supplied, quantity, price and low_seat from the Hold/Take will be used."
    item = {"ticket_hold_id": name, "quantity": 9, "low_seat": 399, "seat_order": "odd_even"}
    (order,) = broker.made(sale(item))
    (item,) = order["items"]
    assert (item["quantity"], item["price"], item["ticket_hold_id"]) == (2, "75.00", hold["id"])
    assert item["ticket_group"]["seats"] == hold["seats"]
    assert (item["low_seat"], item["seat_order"]) == (hold["seats"][0], None)


@pytest.mark.parametrize("said", [{}, {"seat_order": "consecutive"}, {"seat_order": "odd_even"}])
def test_the_lowest_seat_is_that_of_the_seats_that_were_given(broker: Broker, said: dict[str, Any]) -> None:
    (order,) = broker.made(sale({"ticket_group_id": 16637812, "price": 80, "quantity": 3} | said))
    seats = _seats(order)
    assert len(seats) == 3
    assert order["items"][0]["low_seat"] == min(seats, key=int)


def test_what_has_no_seats_has_no_lowest_one(broker: Broker) -> None:
    (order,) = broker.made(sale())
    assert (order["items"][0]["low_seat"], _seats(order)) == (None, [])


def test_a_purchase_order_has_the_seats_of_its_sale(broker: Broker) -> None:
    (sold,) = broker.made(sale(_CLUB))
    bought = _shown(broker, sold["child_orders"][0])
    assert _seats(bought) == _seats(sold) != []
    assert bought["items"][0]["low_seat"] == sold["items"][0]["low_seat"]
    assert bought["items"][0]["tickets"] == []
    (listed,) = broker.get("/v9/orders", id=bought["id"]).json()["orders"]
    assert listed == bought


def test_a_purchase_of_what_is_there_has_the_seats_that_it_takes(broker: Broker) -> None:
    (bought,) = broker.made(_purchase(_CLUB))
    seats = _seats(bought)
    assert bought["items"][0]["low_seat"] == min(seats, key=int)
    assert [ticket["seat"] for ticket in bought["items"][0]["tickets"]] == seats


@pytest.mark.parametrize(
    ("group", "seats"),
    [
        ({"low_seat": 11}, ["11", "12", "13"]),
        ({"low_seat": "4", "seat_order": "odd_even"}, ["4", "6", "8"]),
        ({}, []),
    ],
)
def test_a_purchase_that_makes_a_ticket_group_tells_its_id_and_its_seats(
    broker: Broker, group: dict[str, Any], seats: list[str]
) -> None:
    brought = {"event_id": 9876543, "section": "E", "row": 3} | group
    (bought,) = broker.made(_purchase({"ticket_group": brought, "price": 60, "quantity": 3}))
    (item,) = bought["items"]
    assert type(item["ticket_group_id"]) is int  # as all ids of ticket groups there
    assert item["ticket_group_id"] < 2**53  # which JavaScript keeps
    assert item["ticket_group"]["id"] == item["ticket_group_id"]
    assert (_seats(bought), item["low_seat"]) == (seats, seats[0] if seats else None)
    (sold,) = broker.made(
        sale({"ticket_group_id": item["ticket_group_id"], "price": 90, "quantity": 2}, client_id=18)
    )
    assert _seats(sold) == seats[:2]
    assert _seats(_shown(broker, bought["id"])) == seats


def test_a_substitute_shares_the_group_of_what_it_replaces(broker: Broker) -> None:
    (sold,) = broker.made(sale({"ticket_group_id": 16637813, "price": 90, "quantity": 2}))
    (purchase,) = sold["child_orders"]
    broker.call("POST", f"/v1/orders/{broker.canonical(purchase)['id']}/cancel")
    assert broker.get(f"/v9/orders/{sold['id']}").json()["state"] == "pending_substitution"

    item = {"price": 70.0, "quantity": 2, "ticket_group_id": 16637813}
    (new,) = broker.made({"shipped_items": [{"items": [item]}], "substitute_order_link_id": purchase})
    assert (new["type"], new["substitute_order_link_id"]) == ("PurchaseOrder", purchase)
    # "The two order links, original and new, will share an order group id": and so does the sale.
    group = sold["order_group_id"]
    assert (group, sold["oid"]) == (sold["id"], f"{sold['id']}-{sold['id']}")
    assert (new["order_group_id"], new["oid"]) == (group, f"{group}-{new['id']}")
    replaced = broker.get(f"/v9/orders/{purchase}").json()
    assert (replaced["order_group_id"], replaced["oid"]) == (group, f"{group}-{purchase}")
    assert replaced["substitutions"] == [new["id"]]
    assert broker.get(f"/v9/orders/{sold['id']}").json()["state"] == "accepted"
    of_group = broker.get("/v9/orders", order_group_id=group).json()["orders"]
    assert [one["id"] for one in of_group] == [new["id"], purchase, sold["id"]]
    # The call names no parties: the buyer is the office whose order it replaces, the seller owns the tickets.
    assert (new["seller"]["id"], new["buyer"]["type"], new["buyer"]["id"]) == (777, "Office", 101)
    assert new["client"] is None
