"""Who may not set prices sells at the catalogue's, by whatever words an order gets cheaper."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.outcomes import Outcome
from tests.factories import (
    codes,
    load,
    make_change,
    make_event,
    make_request,
    make_ticket_class,
    place,
    read,
    run,
)
from willcall.kinds import TAKE, UPDATE

VAT = {"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "line"}
PRICES = {"standing": Decimal("45.50"), "balcony": Decimal("10.00")}


def _load(engine: Engine, *, price: str = "45.50", tax: Mapping[str, Any] | None = VAT) -> None:
    classes = [make_ticket_class(price=price), make_ticket_class("balcony", price="10.00")]
    codes = [{"code": "TENTH", "percent": "10"}, {"code": "FIVE", "amount": "5.00"}]
    load(engine, make_event(ticket_classes=classes, tax=tax, promo_codes=codes))


def _create(engine: Engine, *, may_set_price: bool = False, **changes: Any) -> Outcome:
    (outcome,) = run(engine, make_request(may_set_price=may_set_price, **changes))
    return outcome


def _update(
    engine: Engine, order_id: UUID, patch: Mapping[str, Any], *, may_set_price: bool = False
) -> Outcome:
    change = make_change(UPDATE, order_id=str(order_id), patch=patch, may_set_price=may_set_price)
    (outcome,) = run(engine, change)
    return outcome


def _refused_for(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [(error.code, error.field) for error in outcome.errors]


CHEAPER = [
    ({"discount": "0.01"}, "discount"),
    ({"discount": "54.15"}, "discount"),
    ({"discount": "5.00", "shipping": "5.00"}, "discount"),
    ({"tax": "8.64"}, "tax"),
    ({"tax": "0"}, "tax"),
    ({"tax": "0", "service_fee": "8.65"}, "tax"),
    ({"tax": "9.00", "discount": "0.36"}, "discount"),
    ({"promo_code": "TENTH", "discount": "1.00"}, "discount"),
    (
        {"line_items": [{"ticket_class_id": "standing", "quantity": 1, "unit_price": "45.49"}]},
        "line_items.0.unit_price",
    ),
]


@pytest.mark.parametrize(("words", "field"), CHEAPER)
def test_a_new_order_is_not_sold_below_the_catalogue(
    engine: Engine, words: dict[str, Any], field: str
) -> None:
    _load(engine)

    assert _refused_for(_create(engine, **words)) == [("price_mismatch", field)]
    assert _create(engine, may_set_price=True, **words).errors == ()


@pytest.mark.parametrize(
    ("words", "total"),
    [
        ({"tax": "8.65"}, "54.15"),
        ({"tax": "9.00", "discount": "0.35"}, "54.15"),
        ({"shipping": "5.00", "service_fee": "1.00"}, "60.15"),
        ({"promo_code": "TENTH"}, "49.60"),
        ({"promo_code": "FIVE"}, "49.15"),
        ({"discount": "0"}, "54.15"),
    ],
)
def test_who_may_not_set_prices_still_charges_and_takes_promo_codes(
    engine: Engine, words: dict[str, Any], total: str
) -> None:
    _load(engine)
    outcome = _create(engine, **words)

    assert outcome.order_id is not None, outcome
    assert read(engine, outcome.order_id)["totals"]["total"] == total


def test_a_tax_that_the_price_includes_may_be_left_out(engine: Engine) -> None:
    _load(engine, tax=VAT | {"is_included": True})

    assert _create(engine, tax="0").errors == ()


SOLD = {"shipping": "5.00", "service_fee": "2.00", "additional_expense": "1.00"}


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"discount": "0.01"}, "discount"),
        ({"total_discount": "1.00"}, "total_discount"),
        ({"tax": "0"}, "tax"),
        ({"shipping": "4.99"}, "shipping"),
        ({"service_fee": "0"}, "service_fee"),
        ({"additional_expense": "0"}, "additional_expense"),
        ({"shipping": "6.00", "service_fee": "0.50"}, "service_fee"),
        (
            {"line_items": [{"ticket_class_id": "standing", "quantity": 1, "unit_price": "0"}]},
            "line_items.0.unit_price",
        ),
        (
            {"line_items": [{"ticket_class_id": "standing", "quantity": 3}], "discount": "45.50"},
            "discount",
        ),
        ({"line_items": [{"ticket_class_id": "balcony", "quantity": 1}], "tax": "0"}, "tax"),
    ],
)
def test_a_sold_order_gets_no_cheaper_by_the_words_of_an_update(
    engine: Engine, patch: dict[str, Any], field: str
) -> None:
    _load(engine)
    order_id = place(engine, **SOLD)
    before = read(engine, order_id)

    assert _refused_for(_update(engine, order_id, patch)) == [("price_mismatch", field)]
    assert read(engine, order_id) == before
    assert _update(engine, order_id, patch, may_set_price=True).errors == ()


@pytest.mark.parametrize(
    "patch",
    [
        {"discount": "3.00", **SOLD},
        {"discount": "0"},
        {"total_discount": "3.00"},
        {"shipping": "9.00", "service_fee": "0"},
        {"tax": None},
        {"tax": "20.00"},
        {"line_items": [{"ticket_class_id": "standing", "quantity": 1}]},
        {"line_items": [{"ticket_class_id": "balcony", "quantity": 5}]},
        {"line_items": [{"ticket_class_id": "standing", "quantity": 4}]},
    ],
)
def test_what_a_manager_took_off_stays_when_somebody_else_changes_the_order(
    engine: Engine, patch: dict[str, Any]
) -> None:
    _load(engine)
    two = [{"ticket_class_id": "standing", "quantity": 2}]
    order_id = place(engine, line_items=two, discount="3.00", **SOLD)

    assert _update(engine, order_id, patch).errors == ()


def test_tickets_that_are_added_cost_what_the_catalogue_asks_today(engine: Engine) -> None:
    _load(engine)
    cheap = [{"ticket_class_id": "standing", "quantity": 1, "unit_price": "1.00"}]
    order_id = place(engine, line_items=cheap)
    more = {"line_items": [{"ticket_class_id": "standing", "quantity": 100}]}
    beside = {
        "line_items": [
            {"line_number": 1, "ticket_class_id": "standing", "quantity": 1},
            {"ticket_class_id": "standing", "quantity": 1},
        ]
    }

    assert _refused_for(_update(engine, order_id, more)) == [("price_mismatch", "line_items.0.quantity")]
    assert _update(engine, order_id, beside).errors == ()
    assert read(engine, order_id)["totals"]["subtotal"] == "46.50"


def test_a_tax_that_was_given_for_one_ticket_is_none_for_a_hundred(engine: Engine) -> None:
    _load(engine)
    outcome = _create(engine, tax="8.65")
    assert outcome.order_id is not None
    lines = {"line_items": [{"ticket_class_id": "standing", "quantity": 100}]}

    assert _refused_for(_update(engine, outcome.order_id, lines)) == [("price_mismatch", "tax")]
    assert _update(engine, outcome.order_id, lines | {"tax": None}).errors == ()
    assert read(engine, outcome.order_id)["totals"]["tax"] == "864.50"


def test_what_is_held_at_a_managers_price_is_sold_at_it(engine: Engine) -> None:
    _load(engine, tax=None)
    words: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 1, "unit_price": "20.00"}
    refused, held = run(engine, make_change(TAKE, may_set_price=False, **words), make_change(TAKE, **words))
    outcome = _create(engine, line_items=[{"hold_id": str(held.request_id)}])

    assert codes(refused) == ["price_mismatch"]
    assert outcome.order_id is not None
    assert read(engine, outcome.order_id)["totals"]["total"] == "20.00"


money = st.decimals(0, 60, places=2).map(str)
lines = st.lists(
    st.fixed_dictionaries(
        {"ticket_class_id": st.sampled_from(sorted(PRICES)), "quantity": st.integers(1, 5)},
        optional={"unit_price": st.sampled_from(["45.50", "10.00", "0"])},
    ),
    min_size=1,
    max_size=3,
)
charges = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(["shipping", "service_fee", "discount"], money) | {"tax": money | st.none()},
)
patches = st.builds(
    lambda words, items, total: (
        words
        | ({"line_items": items} if items else {})
        | ({"total_discount": total} if total and "discount" not in words else {})
    ),
    charges,
    lines | st.none(),
    money | st.none(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(created=charges, first=lines, changes=st.lists(patches, max_size=4))
def test_no_words_of_many_make_tickets_cheaper_than_the_catalogue(
    engine: Engine, created: dict[str, Any], first: list[dict[str, Any]], changes: list[dict[str, Any]]
) -> None:
    _load(engine)
    outcome = _create(engine, **created, line_items=first)
    if outcome.order_id is None:
        return
    for patch in [{}, *changes]:
        _update(engine, outcome.order_id, patch)
        order = read(engine, outcome.order_id)
        assert Decimal(order["totals"]["total"]) >= _catalogue_total(order["line_items"]), (created, patch)


def _catalogue_total(line_items: list[dict[str, Any]]) -> Decimal:
    amounts = [PRICES[line["ticket_class_id"]] * line["quantity"] for line in line_items]
    cent = Decimal("0.01")
    return sum((one + (one * Decimal("0.19")).quantize(cent, "ROUND_HALF_UP") for one in amounts), Decimal())
