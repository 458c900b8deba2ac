"""830 recorded orders, each to the last minor unit as independent arithmetic has it."""

import json
from collections import Counter
from uuid import NAMESPACE_URL, uuid5

import pytest
import yaml

from orders.catalogue.prices import EventOffer, Offers, PromoCodeOffer, TaxRule, TicketClassOffer, pick
from orders.money.payments import payment_amounts
from orders.money.pricing import PricedOrder, price_order
from schemas.catalogue import Catalogue, Event, promo_code_key
from schemas.json import JsonObject
from schemas.order_requests import OrderRequest
from tests.messages.expected import expected_lines, expected_total, expected_totals
from tests.messages.record_orders import CATALOGUE, COUNT, ORDERS, record


@pytest.fixture(scope="module")
def catalogue() -> JsonObject:
    words: JsonObject = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return words


@pytest.fixture(scope="module")
def recorded() -> list[JsonObject]:
    return [json.loads(line) for line in ORDERS.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def offers(catalogue: JsonObject) -> Offers:
    events = [(event, make_offer(event)) for event in Catalogue.model_validate(catalogue).events]
    promo_codes: dict[str, list[PromoCodeOffer]] = {}
    for event, offer in events:
        for promo in event.promo_codes:
            promo_codes.setdefault(promo_code_key(promo.code), []).append(
                PromoCodeOffer(make_id(promo.code), offer.id, promo.code, promo.percent, promo.amount)
            )
    return Offers(
        ticket_classes={
            item.id: TicketClassOffer(make_id(item.id), item.id, offer, item.price, bool(item.seats))
            for event, offer in events
            for item in event.ticket_classes
        },
        promo_codes=promo_codes,
        event_ids={event.id: event.id for event, _ in events},
    )


def make_id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


def make_offer(event: Event) -> EventOffer:
    tax = TaxRule(event.tax.rate, event.tax.is_included, event.tax.rounding) if event.tax else None
    return EventOffer(make_id(event.id), event.id, event.currency, tax)


def price(request: JsonObject, offers: Offers) -> tuple[OrderRequest, PricedOrder]:
    order = OrderRequest.model_validate(request)
    return order, price_order(order, pick(order, offers), may_set_price=True)


def test_every_recorded_order_has_the_independent_total(
    recorded: list[JsonObject], catalogue: JsonObject, offers: Offers
) -> None:
    totals = {request["idempotency_key"]: str(price(request, offers)[1].total) for request in recorded}

    expected = {request["idempotency_key"]: expected_total(request, catalogue) for request in recorded}
    assert totals == expected
    assert len(totals) == COUNT == 830


def test_every_part_of_every_total_is_the_independent_one(
    recorded: list[JsonObject], catalogue: JsonObject, offers: Offers
) -> None:
    parts = {}
    for request in recorded:
        order, priced = price(request, offers)
        paid = sum(payment_amounts(order, priced), priced.total * 0)
        parts[request["idempotency_key"]] = {
            "subtotal": str(priced.subtotal),
            "shipping": str(priced.shipping),
            "service_fee": str(priced.service_fee),
            "additional_expense": str(priced.additional_expense),
            "tax": str(priced.tax),
            "included_tax": str(priced.included_tax),
            "discount": str(priced.discount),
            "total": str(priced.total),
            "paid": str(paid),
            "balance": str(priced.total - paid),
            "refunded": str(priced.total * 0),
        }

    assert parts == {request["idempotency_key"]: expected_totals(request, catalogue) for request in recorded}


def test_every_line_has_the_independent_amount_tax_and_rounding(
    recorded: list[JsonObject], catalogue: JsonObject, offers: Offers
) -> None:
    lines = {
        request["idempotency_key"]: [
            {
                "unit_price": str(line.unit_price),
                "amount": str(line.amount),
                "tax": str(line.tax),
                "rounding": str(line.rounding),
            }
            for line in price(request, offers)[1].lines
        ]
        for request in recorded
    }

    assert lines == {request["idempotency_key"]: expected_lines(request, catalogue) for request in recorded}


def test_the_independent_arithmetic_agrees_with_sums_done_by_hand(catalogue: JsonObject) -> None:
    line = {"ticket_class_id": "7004-1", "quantity": 1}
    by_hand = {
        "subtotal": "499.98",
        "shipping": "5.00",
        "service_fee": "0.00",
        "additional_expense": "0.00",
        "tax": "0.00",
        "included_tax": "79.83",
        "discount": "40.50",  # 3.00 and 7.5 % of 499.98, which is 37.4985
        "total": "464.48",
        "paid": "464.48",
        "balance": "0.00",
        "refunded": "0.00",
    }
    request = {
        "line_items": [line] * 5,
        "shipping": "5",
        "discount": "3.00",
        "promo_code": "FRÜH",
        "payments": [{"type": "cash"}],
    }

    assert expected_totals(request, catalogue) == by_hand
    assert expected_total(request, catalogue) == "464.48"
    assert [line["tax"] for line in expected_lines(request, catalogue)] == [
        "15.96",
        "15.96",
        "15.97",
        "15.97",
        "15.97",
    ]


def test_recording_again_gives_the_same_bytes(catalogue: JsonObject) -> None:
    assert record(catalogue) == ORDERS.read_bytes()


def test_the_recorded_orders_are_of_many_kinds(
    recorded: list[JsonObject], catalogue: JsonObject, offers: Offers
) -> None:
    kinds: Counter[str] = Counter()
    for request in recorded:
        order, priced = price(request, offers)
        rules = {line.offer.event.tax for line in priced.lines}
        kinds[priced.currency] += 1
        kinds["several events"] += len({line.offer.event.id for line in priced.lines}) > 1
        kinds["a tax rule and none"] += None in rules and len(rules) > 1
        kinds["line rounding"] += any(rule is not None and rule.rounding == "line" for rule in rules)
        kinds["spread"] += any(line.rounding for line in priced.lines)
        kinds["included tax"] += priced.included_tax > 0
        kinds["tax on top"] += order.tax is None and priced.tax > 0
        kinds["given tax"] += order.tax is not None
        kinds["percent off"] += any(one.percent is not None for one in priced.promo_codes)
        kinds["amount off"] += any(one.amount is not None for one in priced.promo_codes)
        kinds["discount"] += order.discount > 0
        kinds["own price"] += any(item.unit_price is not None for item in order.line_items)
        kinds["shipping"] += order.shipping > 0
        kinds["six lines"] += len(order.line_items) == 6
        kinds["a line of eight"] += any(item.quantity == 8 for item in order.line_items)
        kinds["a name beyond Latin"] += not any(ord(letter) < 0x250 for letter in order.buyer.first_name)
        kinds["overpaid or underpaid"] += sum(payment_amounts(order, priced)) != priced.total

    assert min(kinds.values()) >= 20, kinds


def test_the_recorded_orders_are_nobodys(recorded: list[JsonObject]) -> None:
    addresses = [
        person["email"]
        for request in recorded
        for person in (
            request["buyer"],
            *(a for line in request["line_items"] for a in line.get("attendees", [])),
        )
        if "email" in person
    ]

    assert len(addresses) > COUNT
    assert {address.partition("@")[2] for address in addresses} == {"example.com", "example.org"}


def test_the_recorded_catalogue_has_room_for_all_recorded_orders(
    recorded: list[JsonObject], catalogue: JsonObject
) -> None:
    wanted: Counter[str] = Counter()
    for request in recorded:
        for line in request["line_items"]:
            wanted[line["ticket_class_id"]] += line["quantity"]

    classes = [item for event in Catalogue.model_validate(catalogue).events for item in event.ticket_classes]
    assert {item.id for item in classes} == set(wanted)
    assert all(wanted[item.id] <= item.total_capacity() for item in classes)
    assert len({request["idempotency_key"] for request in recorded}) == COUNT
