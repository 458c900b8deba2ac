"""The answers of EventBookings' two calls: the samples' fields, all of them, from orders of any dialect."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.contract.eventbookings.client import Client, attribute, connect, statuses, tickets, total
from tests.contract.messages import recorded
from tests.intakes import Intake
from tests.makers import patient_get
from vendors.eventbookings.response_models import OrderAnswer, OrderListAnswer

EVENT = "2000000116588"
ADDRESS = {
    "line_1": "1 Main St",
    "line_2": "Flat 2",
    "city": "Paris",
    "state": "IDF",
    "country": "France",
    "postal_code": "75001",
}


@pytest.fixture
def client(caller: httpx.Client, intake: Intake, key: str, worker: object) -> Client:
    return connect(caller, intake, key)


def full(client: Client) -> dict[str, Any]:
    """Place an order with all that an order can have here."""
    return client.place(
        ("3000000012233", 1),
        ("3000000012232", 2),
        billing_address=ADDRESS,
        shipping="5.00",
        service_fee="2.50",
        additional_expense="1.00",
        promo_code="SPRING",
        payments=[{"type": "cash", "amount": "50.00"}],
        reference="PO-1",
        external_notes="Seat us together",
    )


def shape(words: Any) -> Any:
    """Return the keys recursively: of a list those of its first item, of a product's attributes of each.

    What other lists of names and values hold, the document leaves open: its samples have them empty.
    """
    if isinstance(words, dict):
        return {name: shape(value) for name, value in words.items()}
    if not isinstance(words, list) or not words or isinstance(words[0], str):
        return None
    if words[0].get("name") == "PRODUCT_NAME":
        return {one["name"]: shape(one["value"]) for one in words}
    return None if set(words[0]) == {"name", "value"} else [shape(words[0])]


def test_an_order_has_the_fields_of_the_sample(client: Client) -> None:
    answer = client.get(f"/orders/{full(client)['id']}")

    sample = recorded("eventbookings/order.json")
    assert shape(answer.json()) == shape(sample)
    OrderAnswer.model_validate_json(answer.content, strict=False)


def test_a_list_has_the_fields_of_the_sample(client: Client) -> None:
    full(client)
    answer = client.get(f"/events/{EVENT}/orders")

    sample = recorded("eventbookings/order_list.json")
    assert shape(answer.json()) == shape(sample)
    OrderListAnswer.model_validate_json(answer.content, strict=False)


def test_the_list_has_lists_where_the_order_alone_has_texts(client: Client) -> None:
    placed = full(client)
    listed = client.list(EVENT)["orders"][0]
    alone = client.order(placed["id"])

    assert listed["uuid"] == alone["uuid"] == placed["id"]
    assert (listed["summary"]["coupons"], alone["summary"]["coupons"]) == (["SPRING"], "SPRING")
    assert (listed["price_is_tax_inclusive"], alone["price_is_tax_inclusive"]) == (0, "0")
    assert listed["payments"]["attributes"] == [{"name": "cash", "value": "50.00"}]
    assert alone["payments"]["attributes"] == "cash: 50.00"
    assert {"name": "REFERENCE", "value": "PO-1"} in listed["additional_details"]
    assert alone["additional_details"] == "REFERENCE: PO-1\nNOTES: Seat us together"
    assert listed["tax"] == [{"name": "CODE", "value": "VAT"}, {"name": "RATE", "value": "19"}]
    assert [one["name"] for one in alone["tax"]] == ["TAX_CODE", "TAX_RATE"]
    assert all(alone[name] == "" and listed[name] == [] for name in ("invitations", "notifications"))


def test_the_answer_says_who_where_and_when(client: Client) -> None:
    order = client.order(full(client)["id"])

    assert order["customer"]["billing_address"] == {
        "address_line1": "1 Main St",
        "address_line2": "Flat 2",
        "country": "France",
        "state": "IDF",
        "city": "Paris",
        "post_code": "75001",
    }
    assert order["organisation"]["uuid"] == order["event"]["organisation_uuid"] == "org-1"
    assert order["organisation"]["addresses"]["timezone"] == "Europe/Paris"
    event = order["event"]
    assert event["event_start_on"] == {"utc": "2027-04-11T17:00:00Z", "local": "2027-04-11 19:00"}
    assert event["event_end_on"] == {"utc": "2027-04-11T21:00:00Z", "local": "2027-04-11 23:00"}
    assert event["banner"] == [{"name": "main", "image": "https://example.com/banner.png", "primary": True}]
    policy = {"enabled": True, "type": "before_event", "duration": 1440, "refund_amount_percent": 80}
    assert event["settings"]["order_cancel"] == policy
    assert order["timezone"] == "Europe/Paris"
    assert order["instruction"] == {"title": "Doors", "description": "Doors open at six."}
    assert order["created_on"].endswith("Z")


def test_line_items_add_up_to_the_summary(client: Client) -> None:
    order = client.order(full(client)["id"])

    parts = ("subtotal", "service_fee", "processing_fee", "tax")
    for name in parts:
        assert total(order, name) == Decimal(order["summary"][name]["amount"])
    # The summary has no discount: its subtotal is what is left after it.
    assert sum(total(order, name) for name in parts) == Decimal(order["summary"]["total"]["amount"])
    assert total(order, "discount") == Decimal("17.10")
    assert [item["serial"] for item in order["line_items"]] == [1, 2, 3]
    assert {item["quantity"] for item in order["line_items"]} == {1}
    assert order["summary"]["total_tickets"] == {"amount": "3", "display_text": "3"}
    assert order["summary"]["subtotal"] == {"amount": "153.90", "display_text": "$153.90"}


def test_each_ticket_has_a_code_a_seat_and_an_attendee(client: Client) -> None:
    placed = client.place(("3000000012233", 1), ("3000000012232", 1))
    order = client.order(placed["id"])

    assert [one["uuid"] for one in tickets(order)] == [one["id"] for one in placed["tickets"]]
    assert [one["seat"] for one in tickets(order)] == [placed["tickets"][0]["seat"], ""]
    assert [one["code"][0]["value"] for one in tickets(order)] == [one["code"] for one in placed["tickets"]]
    assert all(one["is_enable_qr_code"] for one in tickets(order))
    assert len({one["ticket_reference_code"] for one in tickets(order)}) == 2
    assert attribute(order["line_items"][0], "PRODUCT_VARIATION") == "A 3"
    assert attribute(order["line_items"][0], "EVENT_ADDRESS")["latitude"] == "48.8698"


def test_the_links_lead_to_documents(client: Client, maker: object) -> None:
    order = client.order(client.place(("3000000012232", 1))["id"])
    (ticket,) = tickets(order)
    png, svg = (code["image"] for code in ticket["code"])

    found = {
        url: patient_get(client.http, url)
        for url in (order["order_pdf_link"], png, svg, ticket["digital_pass_url"])
    }

    assert {answer.status_code for answer in found.values()} == {200}
    assert [answer.headers["content-type"].partition(";")[0] for answer in found.values()] == [
        "application/pdf",
        "image/png",
        "image/svg+xml",
        "text/html",
    ]


def test_a_partly_paid_order_says_so(client: Client) -> None:
    order = client.order(full(client)["id"])

    assert order["payments"]["payment_amount"] == "50.00"
    assert order["payments"]["method"] == "cash"
    assert order["payments"]["date"]["utc"] > "2026"
    assert statuses(order) == {"payment": "partially_paid", "fulfilment": "fulfilled", "refund": "none"}


def test_an_unpaid_order_has_no_payment(client: Client) -> None:
    order = client.order(client.place(("3000000012232", 1))["id"])

    assert order["payments"] == {
        "payment_amount": "0.00",
        "method": "",
        "status": "unpaid",
        "date": {"utc": "", "local": ""},
        "attributes": "",
    }
    assert order["is_dirty"] is False


def test_a_voided_ticket_stays_without_code_or_price(client: Client) -> None:
    placed = client.place(("3000000012232", 2), service_fee="2.50")
    gone = placed["tickets"][0]["id"]
    client.send("POST", f"/v1/orders/{placed['id']}/cancel", {"ticket_ids": [gone]})
    order = client.order(placed["id"])

    item = next(one for one in order["line_items"] if attribute(one, "TICKET")["uuid"] == gone)
    assert (item["quantity"], item["quantity_included"]) == (0, 0)
    assert item["subtotal"]["amount"] == "0.00"
    ticket = attribute(item, "TICKET")
    assert (ticket["code"], ticket["is_enable_qr_code"]) == ([], False)
    assert {"name": "STATUS", "value": "voided"} in ticket["attendee"]["additional_details"]["attributes"]
    assert total(order, "service_fee") == Decimal("2.50")
    assert order["status"] == "placed"
    assert order["is_dirty"] is True


def test_a_cancelled_and_refunded_order_is_readable(client: Client) -> None:
    placed = client.place(("3000000012232", 1), payments=[{"type": "cash"}])
    client.send("POST", f"/v1/orders/{placed['id']}/cancel", {"reason": "rain"})
    assert client.order(placed["id"])["status"] == "cancelled"
    paid = placed["totals"]["paid"]
    body = {"type": "cash", "amount": paid, "is_refund": True}
    client.send("POST", f"/v1/orders/{placed['id']}/payments", body, 201)

    order = client.order(placed["id"])

    assert order["status"] == "refunded"
    assert statuses(order) == {"payment": "refunded", "fulfilment": "cancelled", "refund": "refunded"}
    assert order["payments"]["attributes"] == f"cash: {paid}\nrefund: {paid}"
    assert "CANCEL_REASON: rain" in order["additional_details"]


def test_an_order_of_another_dialect_is_read_here(client: Client) -> None:
    path = f"/backstage/v3/portals/19593237/events/{EVENT}/orders"
    headers = {"authorization": f"Zoho-oauthtoken {client.key}"}
    client.http.post(
        path, json=recorded("zoho_backstage/create_order.json"), headers=headers
    ).raise_for_status()

    order = client.list(EVENT)["orders"][0]

    assert order["customer"]["email"] == "sam@zoho.com"
    attendee = tickets(order)[1]["attendee"]
    assert {"name": "FIRST_NAME", "value": "peter"} in attendee["attributes"]


def test_an_order_is_found_by_its_number_too(client: Client) -> None:
    placed = client.place(("3000000012232", 1))

    assert client.order(str(placed["number"]))["uuid"] == placed["id"]


def test_another_tenants_order_and_event_are_not_there(
    client: Client, caller: httpx.Client, intake: Intake
) -> None:
    placed = client.place(("3000000012232", 1))
    stranger = connect(caller, intake, intake.new_key("orders.read", tenant="other"))

    for path in (
        f"/orders/{placed['id']}",
        f"/events/{EVENT}/orders",
        "/orders/nonsense",
        "/events/%00/orders",
    ):
        answer = stranger.get(path)
        assert answer.status_code == 404
        assert answer.json()["statusCode"] == 404
        assert answer.json()["result"]["message"]
