"""Orders of a database from before keep what they cost: the migration reads their terms off their rows."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from schemas.requests import UPDATE
from tests.db.older import BEFORE_TERMS, migrate_again
from tests.factories import load, make_change, make_event, make_ticket_class, place, read, rows, run

VAT = {"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "line"}


def _check_costs_the_same(engine: Engine, order_id: UUID) -> None:
    before = read(engine, order_id)["totals"]
    migrate_again(engine, BEFORE_TERMS)
    # A patch that names an amount prices the whole order again.
    (outcome,) = run(engine, make_change(UPDATE, order_id=str(order_id), patch={"shipping": "0.00"}))
    assert outcome.errors == ()
    assert read(engine, order_id)["totals"] == before


@pytest.mark.parametrize(
    ("sold_on", "today"),
    [
        (VAT, VAT),
        (None, VAT),
        (VAT, None),
        (VAT, VAT | {"rate": "0.25"}),
        (VAT | {"is_included": True}, VAT | {"is_included": True}),
        (VAT | {"is_included": True}, VAT | {"is_included": True, "rate": "0.07"}),
        (VAT | {"is_included": True}, None),
        (VAT | {"rounding": "sum_by_net"}, VAT | {"rounding": "sum_by_net"}),
    ],
)
def test_a_tax_is_that_of_the_sale(old: Engine, sold_on: Any, today: Any) -> None:
    load(old, make_event(tax=sold_on))
    order_id = place(old, quantity=3)
    load(old, make_event(tax=today))
    _check_costs_the_same(old, order_id)


@pytest.mark.parametrize("today", [{"percent": "10"}, {"percent": "50"}, {"amount": "1.00"}])
def test_a_promo_code_takes_off_what_it_took_off(old: Engine, today: dict[str, str]) -> None:
    load(old, make_event(promo_codes=[{"code": "PROMO", "percent": "10"}]))
    order_id = place(old, quantity=2, promo_code="PROMO", discount="1.00")
    load(old, make_event(promo_codes=[{"code": "PROMO"} | today]))
    _check_costs_the_same(old, order_id)


@pytest.mark.parametrize("is_turned", [False, True])
def test_of_two_codes_of_one_name_it_is_the_one_that_was_used(old: Engine, is_turned: bool) -> None:
    play = make_event(
        "play", ticket_classes=[make_ticket_class("pit")], promo_codes=[{"code": "PROMO", "percent": "70"}]
    )
    load(old, make_event(promo_codes=[{"code": "PROMO", "percent": "10"}]), play)
    items = [{"ticket_class_id": name, "quantity": 2} for name in ("standing", "pit")]
    order_id = place(old, line_items=items[::-1] if is_turned else items, promo_code="PROMO")
    _check_costs_the_same(old, order_id)


def test_an_order_that_was_paid_in_full_once_does_not_expire(old: Engine) -> None:
    load(old)
    order_id = place(old, payments=[{"type": "cash"}], payment_due_at="2026-05-05T00:00:00Z")
    run(old, make_change(UPDATE, order_id=str(order_id), patch={"shipping": "5.00"}))
    unpaid_id = place(old, payment_due_at="2026-05-05T00:00:00Z")
    query = "SELECT id, paid_in_full_at IS NULL, expires_at FROM orders ORDER BY number"
    before = rows(old, query)

    migrate_again(old, BEFORE_TERMS)

    assert rows(old, query) == before
    assert [row[1] for row in before] == [False, True]
    assert before[1][0] == unpaid_id
