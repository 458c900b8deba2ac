"""What a sender believes that an order costs."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

from orders.errors import PriceMismatch
from orders.money.expected_total import check_expected_total
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
from willcall.kinds import UPDATE


def costs(subtotal: str, discount: str, total: str) -> SimpleNamespace:
    amounts = {"subtotal": Decimal(subtotal), "discount": Decimal(discount), "total": Decimal(total)}
    return SimpleNamespace(currency="USD", **amounts)


@pytest.mark.parametrize("expected", [None, "117", "117.00", "90.0"])
def test_it_costs_that_with_fees_and_tax_or_without(expected: str | None) -> None:
    check_expected_total(None if expected is None else Decimal(expected), costs("100.00", "10.00", "117.00"))


@pytest.mark.parametrize("expected", ["100", "116.99", "0", "117.001"])
def test_another_total_is_refused(expected: str) -> None:
    with pytest.raises(PriceMismatch, match=r"the order costs 117\.00 USD") as found:
        check_expected_total(Decimal(expected), costs("100.00", "10.00", "117.00"))
    assert found.value.rejection.field == "expected_total"


def test_what_is_off_more_than_the_tickets_cost_leaves_nothing() -> None:
    check_expected_total(Decimal(0), costs("5.00", "7.00", "3.00"))


@pytest.mark.parametrize(("expected", "found"), [("90.00", []), ("90", []), ("89.99", ["price_mismatch"])])
def test_a_new_order_is_held_to_it(engine: Engine, expected: str, found: list[str]) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(price="45.00")]))
    line = {"ticket_class_id": "standing", "quantity": 2}

    (outcome,) = run(engine, make_request(line_items=[line], payments=[], expected_total=expected))

    assert codes(outcome) == found


@pytest.mark.parametrize(
    "patch",
    [{"expected_total": "134.99"}, {"shipping": "5.00", "expected_total": "99.99"}, {"expected_total": "0"}],
)
def test_an_update_that_makes_it_cost_something_else_leaves_no_trace(
    engine: Engine, patch: dict[str, str]
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(price="45.00")]))
    line = {"ticket_class_id": "standing", "quantity": 2}
    order_id = place(engine, line_items=[line], payments=[])
    before = read(engine, order_id)

    (outcome,) = run(engine, make_change(UPDATE, order_id=str(order_id), patch=patch))
    assert codes(outcome) == ["price_mismatch"]
    assert read(engine, order_id) == before

    right = {"shipping": "5.00", "expected_total": "95.00"}
    (outcome,) = run(engine, make_change(UPDATE, order_id=str(order_id), patch=right))
    assert codes(outcome) == []
