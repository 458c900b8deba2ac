"""The words of Ticket Evolution and ours: what both can say is not lost between them."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.order_requests import OrderRequest
from vendors.dialect import NotTranslatable
from vendors.registry import translate
from vendors.ticket_evolution import DIALECT
from vendors.ticket_evolution.errors import layout_of, with_vendor_fields

_letters = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
_text = st.text(_letters, min_size=1, max_size=20).filter(str.strip)  # blank text counts as omitted there
_word = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=10)
_cents = st.integers(0, 10**14 - 1).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
_id = st.integers(1, 10**12).map(str)
_notes = st.lists(_text, max_size=3).map(tuple)


@st.composite
def _lines(draw: st.DrawFn) -> dict[str, Any]:
    line: dict[str, Any] = {"unit_price": draw(_cents)}
    if draw(st.booleans()):
        return line | {"hold_id": str(draw(st.uuids()))}
    line |= {"ticket_class_id": draw(_id | _text), "quantity": draw(st.integers(1, 1000))}
    if draw(st.booleans()):
        line |= {"low_seat": draw(_text), "seat_order": draw(st.sampled_from(["consecutive", "odd_even"]))}
    if draw(st.booleans()):
        line["ticket_group_signature"] = draw(_text)
    return line


@st.composite
def _requests(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an order in canonical words, as far as Ticket Evolution has words for it."""
    amounts = ("shipping", "service_fee", "additional_expense", "tax", "discount")
    payments = st.fixed_dictionaries(
        {
            "type": st.sampled_from(["cash", "check", "evopay", "offline", "paypal"]),
            "status": st.sampled_from(["pending", "completed"]),
            "is_refund": st.booleans(),
        },
        optional={"amount": _cents},
    )
    optional = {
        "reference": _text,
        "created_by_ip_address": st.ip_addresses().map(str),
        "substitutes": st.integers(1, 2**40 - 1) | st.uuids().map(str),
    }
    return {
        "buyer": {"first_name": draw(_word), "last_name": draw(_word), "email": draw(_word) + "@example.com"},
        "line_items": draw(st.lists(_lines(), min_size=1, max_size=4)),
        **{name: draw(_cents) for name in amounts},
        "payments": draw(st.lists(payments, max_size=3)),
        "internal_notes": draw(_notes),
        "external_notes": draw(_notes),
        "instructions": draw(_text),
        "check_fraud": draw(st.booleans()),
        "consignment": draw(st.booleans()),
        "is_purchase": False,
        "seller_id": draw(_id),
        "client_id": draw(_id),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }


def _payload(words: dict[str, Any], as_number: bool) -> dict[str, Any]:
    """Return the call that says the same in Ticket Evolution's words."""

    def amount(text: str) -> Any:
        return Decimal(text) if as_number else text

    names = {"ticket_class_id": "ticket_group_id", "unit_price": "price", "hold_id": "ticket_hold_id"}
    items = [{names.get(name, name): value for name, value in line.items()} for line in words["line_items"]]
    for item in items:
        item["price"] = amount(item["price"])
        if as_number and "ticket_hold_id" in item:
            item["ticket_hold_id"] = UUID(item["ticket_hold_id"]).int
    buyer = words["buyer"]
    shipment = {
        "ship_to_name": f"{buyer['first_name']} {buyer['last_name']}",
        "email_address_attributes": {"address": buyer["email"]},
    }
    order = {
        name: value for name, value in words.items() if name not in ("buyer", "line_items", "check_fraud")
    }
    for name in ("shipping", "service_fee", "additional_expense", "tax", "discount"):
        order[name] = amount(order[name])
    order["payments"] = [
        {"type": one["type"], "is_completed": one["status"] == "completed", "is_refund": one["is_refund"]}
        | ({"amount": amount(one["amount"])} if "amount" in one else {})
        for one in words["payments"]
    ]
    order["shipped_items"] = [{**shipment, "items": [item]} for item in items]
    for ours, theirs in (
        ("reference", "seller_reference_number"),
        ("substitutes", "substitute_order_link_id"),
    ):
        if ours in order:
            order[theirs] = order.pop(ours)
    return {"orders": [order], "check_fraud": words["check_fraud"]}


@given(_requests(), st.booleans())
def test_nothing_that_both_can_say_is_lost(words: dict[str, Any], as_number: bool) -> None:
    (request,) = DIALECT.split(_payload(words, as_number))
    on_the_queue = json.loads(json.dumps(request, default=str))
    found, mistakes = translate(DIALECT.name, "orders.create", on_the_queue)
    assert mistakes == ()
    kept = {name: value for name, value in found.items() if name != "extras"}
    assert OrderRequest.model_validate(kept) == OrderRequest.model_validate(words)


_NAMES = ["orders", "shipped_items", "items", "ticket_hold_id", "payments"]
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner),
)


@given(_anything)
def test_whatever_is_sent_is_taken_apart_or_refused(payload: Any) -> None:
    with suppress(NotTranslatable):
        for request in DIALECT.split(payload):
            layout_of(request)
            translate(DIALECT.name, "orders.create", request)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("45.50", "45.50"), (45.5, "45.50"), (45, "45"), (Decimal("45.500"), "45.50"), (0.07, "0.07")],
)
def test_amounts_are_what_was_written(written: Any, meant: str) -> None:
    assert _priced(written)["line_items"][0]["unit_price"] == meant


@pytest.mark.parametrize(
    "written", [45.505, "45.505", "-1", -1, True, "1e3", None, [], 123456789012345.67, "1,5"]
)
def test_what_is_no_amount_is_refused(written: Any) -> None:
    assert _priced(written) == "shipped_items.0.items.0.price"


def _priced(price: Any) -> Any:
    item = {"ticket_group_id": 1, "price": price, "quantity": "2"}
    words = {"seller_id": 1, "client_id": 2, "shipped_items": [{"items": [item]}]}
    found, mistakes = translate(DIALECT.name, "orders.create", words)
    return mistakes[0].field if mistakes else found


def test_fields_of_lines_are_told_as_fields_of_items() -> None:
    layout = layout_of({"shipped_items": [{"items": [{}, {}]}, {"items": [{}]}]})
    told = {
        "line_items.0.unit_price": "shipped_items.0.items.0.price",
        "line_items.1.ticket_class_id": "shipped_items.0.items.1.ticket_group_id",
        "line_items.2.ticket_group.event_id": "shipped_items.1.items.0.ticket_group.event_id",
        "line_items.2.attendees": "shipped_items.1.items.0",
        "line_items.3.quantity": "shipped_items",
        "line_items": "shipped_items",
        "buyer.email": "client_id",
        "substitutes": "substitute_order_link_id",
        "payments.0.type": "payments.0.type",
        None: "base",
    }
    errors = [{"code": "invalid", "field": field, "message": ""} for field in told]
    assert [error["field"] for error in with_vendor_fields(errors, layout)] == list(told.values())
