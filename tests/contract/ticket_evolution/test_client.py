"""A client of Ticket Evolution, pointed at Willcall: what it sends comes back."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from tests.contract.messages import recorded
from tests.contract.ticket_evolution.client import Broker, sale
from vendors.ticket_evolution.response_models import Order, OrderPage, Orders
from vendors.values import number

pytestmark = pytest.mark.usefixtures("worker")


def test_every_field_of_a_call_comes_back(broker: Broker) -> None:
    call = recorded("ticket_evolution/create_orders.json")
    answer = broker.post(_plain(call))
    assert answer.status_code == 201, answer.text
    Orders.model_validate_json(answer.content, strict=False)
    (order,) = answer.json()["orders"]
    (asked,) = call["orders"]

    amounts = ("shipping", "service_fee", "additional_expense", "tax", "discount")
    assert {name: Decimal(order[name]) for name in amounts} == {
        name: Decimal(asked[name]) for name in amounts
    }
    assert Decimal(order["total"]) == 2 * Decimal("80.1") + Decimal("45.5") + Decimal("5") + Decimal(
        "2.5"
    ) + Decimal("1.25") + Decimal("7.28") - Decimal("3.1")
    same = ["seller_id", "client_id", "created_by_ip_address", "consignment", "promo_code", "instructions"]
    same += ["seller_reference_number", "reference", "internal_notes", "is_purchase"]
    assert {name: order[name] for name in same} == {name: asked[name] for name in same}
    assert order["external_notes"] == ["aisle, please"]
    assert (order["check_fraud"], order["fraud_check_status"]) == (True, "approved")
    assert order["state"] == "accepted"
    _check_shipments(order, asked)
    _check_payments(order, asked)


def _check_shipments(order: dict[str, Any], asked: dict[str, Any]) -> None:
    first, second = order["items"]
    assert (first["price"], first["quantity"], first["requested_id"]) == ("80.10", 2, 26117)
    assert (first["low_seat"], first["seat_order"]) == ("41", "odd_even")
    assert first["ticket_group"]["seats"] == ["41", "43"]
    assert first["ticket_group"]["event"]["occurs_at"] == "2027-09-16T13:00:00-04:00"
    assert (second["ticket_group_id"], second["price"]) == (16637811, "45.50")
    for shipment, said, item in zip(order["shipments"], asked["shipped_items"], order["items"], strict=True):
        assert [one["id"] for one in shipment["items"]] == [item["id"]]
        assert {name: shipment[name] for name in said if name != "items"} == {
            name: value for name, value in said.items() if name != "items"
        }
    assert order["client"]["name"] == "Jacqueline Du Pre"
    assert order["client"]["email_addresses"] == [{"address": "jackie@example.com"}]
    assert order["client"]["phone_numbers"] == [{"number": "+1 555 0100"}]


def _check_payments(order: dict[str, Any], asked: dict[str, Any]) -> None:
    check, cash = order["payments"]
    assert Decimal(check["amount"]) == Decimal("100.25")
    assert Decimal(cash["amount"]) == Decimal(order["total"]) - Decimal("100.25")
    said = asked["payments"][0]
    told = {"amount", "is_completed"}
    assert {name: check[name] for name in said if name not in told} == {
        name: value for name, value in said.items() if name not in told
    }
    assert order["billing_address"] == said["address_attributes"]
    # Pending until it is completed: only the check counts.
    assert (check["state"], cash["state"]) == ("completed", "pending")
    assert (order["balance"], order["collected"]) == (cash["amount"], "100.25")
    assert order["pending_balance"] == "0.00"


def _plain(words: Any) -> str:
    return orjson.dumps(words, default=number).decode()


@pytest.mark.parametrize(
    "said",
    [
        {"session_id": "1f0c", "user_agent": "Mozilla/5.0 " + "x" * 500, "billing_address_id": 231231},
        {"session_id": "session_1761", "tax_signature": "6b2d--"},
        {"session_id": 17, "billing_address_id": None, "user_agent": None},
    ],
)
def test_what_shops_in_public_send_beside_the_document_is_kept(broker: Broker, said: dict[str, Any]) -> None:
    (made,) = broker.made(sale(**said))
    for order in (made, broker.get(f"/v9/orders/{made['id']}").json()):
        assert {name: order[name] for name in said} == said | {
            name: str(value) for name, value in said.items() if name == "session_id"
        }


def test_an_order_is_shown_by_its_number_and_by_its_id(broker: Broker) -> None:
    (made,) = broker.made(sale())
    id_ = broker.canonical(made["id"])["id"]
    for name in (made["id"], id_):
        shown = broker.get(f"/v9/orders/{name}")
        assert shown.status_code == 200
        assert shown.json() == made
        Order.model_validate_json(shown.content, strict=False)
    assert broker.get("/v9/orders/1099511627775").status_code == 404


def test_a_buy_sell_order_makes_the_purchase_from_the_owner(broker: Broker) -> None:
    (sold,) = broker.made(sale({"ticket_group_id": 16637813, "price": "90", "quantity": 2}))
    (child,) = sold["child_orders"]
    bought = broker.get(f"/v9/orders/{child}").json()
    assert (bought["type"], bought["seller_id"], bought["buyer_id"]) == ("PurchaseOrder", 777, 101)
    # As of every order there: the event's tax rule adds nothing that no call names.
    assert (bought["parent_order_id"], bought["tax"], bought["total"]) == (sold["id"], "0.00", "140.00")
    assert (sold["type"], sold["state"], sold["client"]["id"]) == ("Order", "accepted", 17)


def test_a_sell_order_of_ones_own_makes_no_purchase(broker: Broker) -> None:
    (sold,) = broker.made(sale())
    assert (sold["child_orders"], sold["parent_order_id"]) == ([], None)
    assert sold["total"] == "45.50"  # without `tax` there is none: the vendor's formula


def test_a_buy_order_buys_at_cost(broker: Broker) -> None:
    order = sale({"ticket_group_id": 16637813, "price": 70, "quantity": 1}, is_purchase=True)
    (bought,) = broker.made(order | {"seller_id": 777, "buyer_id": "102", "client_id": None})
    assert (bought["type"], bought["total"]) == ("PurchaseOrder", "70.00")
    assert (bought["buyer"]["type"], bought["buyer"]["id"], bought["client"]) == ("Office", 102, None)


def test_a_buy_order_makes_the_ticket_group_that_it_brings(broker: Broker) -> None:
    group = {
        "event_id": 9876543, "section": "C", "row": 7, "low_seat": 1, "seat_order": "consecutive",
        "retail_price": 90.5, "in_hand": True, "view_type": "Full", "external_notes": "aisle",
    }  # fmt: skip
    order = sale({"ticket_group": group, "price": 60, "quantity": 4}, is_purchase=True)
    (bought,) = broker.made(order | {"seller_id": 777, "buyer_id": 101, "client_id": None})
    (item,) = bought["items"]
    assert (item["ticket_group"]["section"], item["ticket_group"]["retail_price"]) == ("C", "90.50")
    assert item["requested_ticket_group"]["view_type"] == "Full"
    (sold,) = broker.made(sale({"ticket_group_id": item["ticket_group_id"], "price": 90.5, "quantity": 2}))
    assert sold["items"][0]["ticket_group"]["seats"] == ["1", "2"]


def test_an_unknown_order_cannot_be_replaced(broker: Broker) -> None:
    answer = broker.post({"orders": [sale(substitute_order_link_id=1_000_000_000)]})
    assert answer.status_code == 422
    errors = {"substitute_order_link_id": ["there is no order 1000000000"]}
    assert answer.json() == {"orders": [{"state": "rejected", "errors": errors}]}


@pytest.mark.parametrize("quantity", [1, 2, 3])
def test_odd_even_without_a_low_seat_gives_odd_or_even_seats(broker: Broker, quantity: int) -> None:
    # Items Parameters: seat_order is "consecutive" or "odd_even", and optional as low_seat is.
    item = {"ticket_group_id": 16637812, "price": 80, "quantity": quantity, "seat_order": "odd_even"}
    (order,) = broker.made(sale(item, item))
    for one in order["items"]:
        seats = [int(seat) for seat in one["ticket_group"]["seats"]]
        assert [seat - seats[0] for seat in seats] == [2 * step for step in range(quantity)]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"ticket_group_id": 16637811, "price": 45.5, "quantity": 2}, "seat_order"),  # it has no seats
        ({"ticket_group_id": 16637812, "price": 80, "quantity": 300}, "seat_order"),  # of 200 odd, 200 even
        (
            {
                "ticket_group": {"event_id": 9876543, "section": 1, "row": 1, "seat_order": "odd_even"},
                "price": 45.5,
                "quantity": 2,
            },
            "ticket_group.seat_order",
        ),
    ],
)
def test_odd_even_is_refused_where_there_are_no_such_seats(
    broker: Broker, item: dict[str, Any], field: str
) -> None:
    parties: dict[str, Any] = {"seller_id": 777, "buyer_id": 101} if "ticket_group" in item else {}
    order = sale({"seat_order": "odd_even"} | item) | parties
    if parties:
        del order["client_id"]
    answer = broker.post({"orders": [order]})
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["orders"][0]["errors"]) == [f"shipped_items.0.items.0.{field}"]


def test_a_signature_of_a_ticket_group_guards_the_order(broker: Broker) -> None:
    classes = broker.call("GET", "/v1/events/9876543/ticket-classes").json()["items"]
    signed = next(one["signature"] for one in classes if one["id"] == "16637811")
    item = {"ticket_group_id": 16637811, "price": 45.5, "quantity": 1}
    (order,) = broker.made(sale(item | {"ticket_group_signature": signed}))
    assert order["items"][0]["ticket_group_signature"] == signed
    # "If the quantity is no longer valid or if the cost has increased": one that others bought in between is
    # as good as before.
    for quantity in (1, 3):
        broker.made(sale(item | {"ticket_group_signature": signed, "quantity": quantity}))
    refused = broker.post({"orders": [sale(item | {"ticket_group_signature": "1_2_x"})]})
    assert refused.status_code == 422
    assert list(refused.json()["orders"][0]["errors"]) == ["shipped_items.0.items.0.ticket_group_signature"]


def test_orders_come_in_pages_of_at_most_100(broker: Broker) -> None:
    numbers = [one["id"] for one in broker.made(*(sale() for _ in range(5)))][::-1]
    first = broker.get("/v9/orders", per_page=2)
    OrderPage.model_validate_json(first.content, strict=False)
    second = broker.get("/v9/orders", per_page=2, page=2).json()
    assert [one["id"] for one in first.json()["orders"] + second["orders"]] == numbers[:4]
    assert (second["per_page"], second["current_page"]) == (2, 2)
    most = broker.get("/v9/orders", per_page=1000).json()
    assert most["per_page"] == 100
    assert len(most["orders"]) == min(100, most["total_entries"])
    assert broker.get("/v9/orders", page=10_000).json()["orders"] == []


def test_orders_are_sought(broker: Broker) -> None:
    sold, other = broker.made(
        sale({"ticket_group_id": 16637813, "price": 90, "quantity": 1}, reference="PO 7/ä"),
        sale(client_id=99),
    )

    def found(**query: Any) -> list[int]:
        answer = broker.get("/v9/orders", **query)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["orders"]]

    assert found(id=sold["id"]) == found(order_id=sold["id"]) == [sold["id"]]
    assert found(reference="PO 7/ä")[0] == sold["id"]
    assert sold["child_orders"][0] in found(type="PurchaseOrder")
    assert sold["id"] in found(type="Order", state="accepted", seller_id=101, direct_buyer_type="Client")
    assert other["id"] in found(buyer_id=99)
    assert found(state="pending") == []
    assert other["id"] not in found(state="canceled")
    assert found(order_group_id=other["id"]) == [other["id"]]
    assert other["id"] in found(
        **{"updated_at.gte": other["updated_at"], "created_at.lte": "2100-01-01T00:00:00Z"}
    )
    assert found(**{"updated_at.gt": "2100-01-01T00:00:00+02:00"}) == []


def test_a_parameter_that_nobody_knows_is_refused_by_its_name(broker: Broker) -> None:
    answer = broker.get("/v9/orders", colour="red", page="0", state="happy")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["colour"]


def test_each_parameter_that_is_wrong_is_named(broker: Broker) -> None:
    answer = broker.get("/v9/orders", page="0", state="happy")
    assert answer.status_code == 422
    assert sorted(answer.json()["errors"]) == ["page", "state"]


def test_text_of_a_whole_number_is_whole(broker: Broker) -> None:
    item = {"ticket_group_id": 16637811, "price": "45.5", "quantity": "2.0"}
    (order,) = broker.made(sale(item))
    assert order["items"][0]["quantity"] == 2
    page = broker.get("/v9/orders", page="1.0", per_page="1.00").json()
    assert (page["current_page"], page["per_page"], len(page["orders"])) == (1, 1, 1)
