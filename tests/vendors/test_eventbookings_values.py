"""Amounts, moments and lines in EventBookings' words, made of orders that no catalogue has."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.background import Background, EventFacts, TicketClassFacts
from schemas.orders import Order
from schemas.presentation import EventDetails, Organisation, TicketClassDetails
from tests.growth import growth
from vendors.eventbookings import answer_without_links
from vendors.eventbookings.response_models import OrderAnswer
from vendors.eventbookings.values import amount, in_both_zones, is_occurrence

NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
EVENT = EventFacts(
    UUID(int=1), "e", "Event", NOW, NOW, "Asia/Tokyo", "JPY", None, None, False, EventDetails()
)
CLASS = TicketClassFacts(UUID(int=2), "c", "e", "Class", None, None, Decimal(1), None, TicketClassDetails())
BACKGROUND = Background(
    UUID(int=3), "demo", Organisation(), {}, events={"e": EVENT}, ticket_classes={"c": CLASS}
)

AMOUNTS = ("shipping", "service_fee", "additional_expense", "tax", "included_tax", "discount")


def make_order(quantity: int, *, currency: str = "JPY", voided: int = 0, **totals: Decimal) -> Order:
    line: dict[str, Any] = {
        "line_number": 1, "ticket_class_id": "c", "event_id": "e", "quantity": quantity, "unit_price": "7",
        "amount": str(7 * quantity), "tax": str(totals.get("tax", 0)), "rounding": "0", "attendees": [],
    }  # fmt: skip
    ticket: dict[str, Any] = {
        "line_number": 1, "ticket_class_id": "c", "seat": None, "attendee": None, "status": "valid",
        "code": "x", "created_at": NOW, "checked_in_at": None,
    }  # fmt: skip
    added = {
        "subtotal": Decimal(7 * quantity),
        **{
            name: totals.get(name, Decimal(0))
            for name in ("shipping", "service_fee", "additional_expense", "tax")
        },
    }
    beside = {name: totals.get(name, Decimal(0)) for name in ("included_tax", "discount")}
    nothing = dict.fromkeys(("paid", "balance", "refunded"), Decimal(0))
    sums = {**added, **beside, **nothing, "total": sum(added.values()) - beside["discount"]}
    tickets = [{**ticket, "id": uuid4()} for _ in range(quantity)]
    return Order.model_validate(
        {
            "id": uuid4(), "number": 1, "code": "C", "tenant": "demo", "status": "placed",
            "payment_status": "unpaid", "version": 1, "idempotency_key": "k", "event_id": None,
            "currency": currency, "billing_address": None, "line_items": [line],
            "buyer": {"first_name": "A", "last_name": "B", "email": "a@example.com"},
            "totals": {name: str(value) for name, value in sums.items()},
            "tickets": tickets + [{**ticket, "id": uuid4(), "status": "voided"} for _ in range(voided)],
            "payments": [], "notes": [], "payment_due_at": None, "cancellation": None, "fraud_check": None,
            "check_in": {"status": "not_checked_in", "checked_in": 0, "tickets": quantity}, "trade": None,
            "promo_code": None, "reference": None, "extras": None, "created_at": NOW, "updated_at": NOW,
        },
        strict=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "currency", "written", "text"),
    [
        ("45.5", "USD", "45.50", "$45.50"),
        ("1234567.89", "EUR", "1234567.89", "€1,234,567.89"),
        ("4550", "JPY", "4550", "¥4,550"),
        ("1.25", "KWD", "1.250", "KWD1.250"),
        ("10", "AUD", "10.00", "A$10.00"),
        ("0", "GBP", "0.00", "£0.00"),
    ],
)
def test_amounts_are_written_in_their_currency(value: str, currency: str, written: str, text: str) -> None:
    assert amount(Decimal(value), currency) == {"amount": written, "display_text": text}


def test_moments_are_told_in_both_zones() -> None:
    assert in_both_zones(NOW, "America/New_York") == {
        "utc": "2026-05-04T12:00:30Z",
        "local": "2026-05-04 08:00",
    }
    assert in_both_zones(None, "UTC") == {"utc": "", "local": ""}
    assert is_occurrence(NOW, "Asia/Tokyo", "2026-05-04 21:00")
    assert not is_occurrence(NOW, "Asia/Tokyo", "2026-05-04 12:00")


def test_nothing_known_gives_empty_values_of_the_documented_types() -> None:
    OrderAnswer.model_validate(answer_without_links(make_order(1), BACKGROUND))


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 7),
    st.integers(0, 3),
    *(st.integers(0, 10_000) for _ in range(4)),
)
def test_shares_of_the_lines_add_up(
    quantity: int, voided: int, tax: int, discount: int, fee: int, shipping: int
) -> None:
    order = make_order(
        quantity,
        voided=voided,
        tax=Decimal(tax),
        discount=Decimal(discount),
        service_fee=Decimal(fee),
        shipping=Decimal(shipping),
    )
    items = answer_without_links(order, BACKGROUND)["result"]["orders"]["line_items"]

    sums = {
        name: sum(int(item[name]["amount"]) for item in items)
        for name in ("subtotal", "tax", "discount", "service_fee", "processing_fee")
    }
    assert list(sums.values()) == [7 * quantity - discount, tax, discount, fee, shipping]
    assert [item["quantity"] for item in items].count(0) == voided


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 7),
    st.fixed_dictionaries({name: st.just(Decimal(0)) | st.integers(0, 99).map(Decimal) for name in AMOUNTS}),
    st.booleans(),
)
def test_the_parts_of_a_summary_make_its_total(
    quantity: int, amounts: dict[str, Any], is_included: bool
) -> None:
    """The document's summary has five amounts, of which `total` is the whole, and no discount among them."""
    background = replace(BACKGROUND, events={"e": replace(EVENT, tax_is_included=is_included)})
    words = answer_without_links(make_order(quantity, **amounts), background)["result"]["orders"]

    def parts(of: dict[str, Any]) -> int:
        names = ["subtotal", "service_fee", "processing_fee"]
        names += [] if words["price_is_tax_inclusive"] == "1" else ["tax"]
        return sum(int(of[name]["amount"]) for name in names)

    assert parts(words["summary"]) == int(words["summary"]["total"]["amount"])
    assert sum(map(parts, words["line_items"])) == int(words["summary"]["total"]["amount"])
    if is_included and amounts["included_tax"]:
        assert words["price_is_tax_inclusive"] == "1"


def test_two_buyers_without_an_address_are_two_customers() -> None:
    def customer(email: str | None) -> dict[str, Any]:
        order = make_order(1)
        buyer = order.buyer.model_copy(update={"email": email})
        words = answer_without_links(order.model_copy(update={"buyer": buyer}), BACKGROUND)
        found: dict[str, Any] = words["result"]["orders"]["customer"]
        return found

    first, second = customer(None), customer(None)
    assert (first["email"], second["email"]) == ("", "")
    assert first["uuid"] != second["uuid"]
    assert customer("Ada@example.com")["uuid"] == customer("ada@example.com")["uuid"]


def test_a_purchase_without_tickets_has_its_line() -> None:
    order = make_order(3).model_copy(update={"tickets": ()})
    (item,) = answer_without_links(order, BACKGROUND)["result"]["orders"]["line_items"]

    assert (item["quantity"], item["subtotal"]["amount"]) == (3, "21")
    assert "TICKET" not in {one["name"] for one in item["product"]["attributes"]}


def test_a_ticket_that_is_not_issued_has_no_code() -> None:
    order = make_order(1)
    waiting = order.model_copy(update={"tickets": (order.tickets[0].model_copy(update={"code": None}),)})
    words = answer_without_links(waiting, BACKGROUND)["result"]["orders"]

    assert {"name": "fulfilment", "value": "unfulfilled"} in words["extended_status"]
    assert words["line_items"][0]["product"]["attributes"][-1]["value"]["code"] == []


def test_a_tax_that_the_price_includes_is_said_to_be_included() -> None:
    event = replace(EVENT, tax_name="GST", tax_rate=Decimal("0.1000"), tax_is_included=True)
    background = replace(BACKGROUND, events={"e": event})
    words = answer_without_links(make_order(2, included_tax=Decimal(2)), background)["result"]["orders"]

    assert words["price_is_tax_inclusive"] == "1"
    assert words["tax"] == [{"name": "TAX_CODE", "value": "GST"}, {"name": "TAX_RATE", "value": "10"}]
    assert words["summary"]["tax"]["amount"] == "2"


def test_an_order_of_many_tickets_is_worded_at_once() -> None:
    order = make_order(5_000)
    items = answer_without_links(order, BACKGROUND)["result"]["orders"]["line_items"]

    # Ten times as many take about ten times as long, and not a hundred times.
    assert (
        growth(lambda order: answer_without_links(order, BACKGROUND), make_order(200), make_order(2_000)) < 40
    )
    called = {item["product"]["attributes"][-1]["value"]["ticket_reference_code"] for item in items}
    assert called == {f"{order.code}-{place}" for place in range(1, 5_001)}
