"""An order that cannot be shown is not made: amounts at their bounds are read back, in every dialect."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from orders.reading.background import with_background
from orders.reading.order_reading import OrderFilter, list_orders
from orders.render import to_json
from schemas.money import MAX_AMOUNT
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
    scalar,
)
from vendors.registry import RENDERERS
from willcall.kinds import PAY, UPDATE

LARGEST = "999999999999.99"


def _line(**changes: Any) -> dict[str, Any]:
    return {"ticket_class_id": "standing", "quantity": 1} | changes


def _show_all(connection: Connection, tenant_id: Any) -> list[dict[str, Any]]:
    """Read all orders as a list, in every dialect there is."""
    words, _ = list_orders(connection, OrderFilter(tenant_id=tenant_id), limit=500)
    orders, background = with_background(connection, tenant_id, words, with_originals=True)
    for render in RENDERERS.values():
        for order in orders:
            to_json(render(order, background))
    return words


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"shipping": LARGEST}, "line_items"),
        ({"line_items": [_line(unit_price=LARGEST, quantity=2)]}, "line_items"),
        ({"line_items": [_line(unit_price="1000000000.00", quantity=1_000)]}, "line_items"),
        ({"tax": LARGEST}, "line_items"),
        ({"payments": [{"type": "cash", "amount": LARGEST}] * 2}, "payments"),
    ],
)
def test_a_sum_that_no_amount_may_be_is_refused(engine: Engine, words: dict[str, Any], field: str) -> None:
    load(engine)

    outcomes = run(engine, make_request(), make_request(**words), make_request())

    assert [codes(outcome) for outcome in outcomes] == [[], ["invalid"], []]
    assert outcomes[1].errors[0].field == field
    with engine.connect() as connection:
        assert len(_show_all(connection, scalar(engine, "SELECT id FROM tenants"))) == 2


@pytest.mark.parametrize("patch", [{"shipping": LARGEST}, {"line_items": [_line(unit_price=LARGEST)] * 2}])
def test_no_update_brings_an_order_there(engine: Engine, patch: dict[str, Any]) -> None:
    load(engine)
    order_id = place(engine)

    (outcome,) = run(engine, make_change(UPDATE, order_id=str(order_id), patch=patch))

    assert (codes(outcome), read(engine, order_id)["version"]) == (["invalid"], 1)


def test_nor_do_payments(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    pay: dict[str, Any] = {"order_id": str(order_id), "type": "cash", "amount": LARGEST}

    outcomes = run(
        engine,
        make_change(PAY, **pay),
        make_change(PAY, **pay),
        make_change(PAY, **pay, status="pending"),
        make_change(PAY, order_id=str(order_id), type="cash", payment_number=2),
    )

    assert [codes(outcome) for outcome in outcomes] == [[], ["invalid"], [], ["invalid"]]
    assert read(engine, order_id)["totals"]["paid"] == LARGEST


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Any]:
    """One event with tax in the price, and a promo code."""
    return make_event(
        ticket_classes=[make_ticket_class(price="0.01"), make_ticket_class("other", price=LARGEST)],
        tax={"name": "VAT", "rate": "0.19", "is_included": True},
        promo_codes=[{"code": "MUCH", "amount": LARGEST}, {"code": "HALF", "percent": "50"}],
    )


# At the bounds, where digits are lost first.
amounts = st.sampled_from(["0.00", "0.01", LARGEST, "499999999999.99", "999999999.99"]) | st.decimals(
    0, Decimal(LARGEST), places=2
).map(str)
orders = st.fixed_dictionaries(
    {
        "line_items": st.lists(
            st.builds(
                lambda name, quantity, price: _line(
                    ticket_class_id=name, quantity=quantity, **({"unit_price": price} if price else {})
                ),
                st.sampled_from(["standing", "other"]),
                st.sampled_from([1, 2, 7]),
                st.none() | amounts,
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={
        "shipping": amounts,
        "service_fee": amounts,
        "tax": amounts,
        "discount": amounts,
        "promo_code": st.sampled_from(["MUCH", "HALF"]),
        "payments": st.lists(amounts.map(lambda amount: {"type": "cash", "amount": amount}), max_size=2),
    },
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(orders, min_size=1, max_size=5))
def test_every_order_that_is_made_can_be_shown_in_every_dialect(
    engine: Engine, catalogue: dict[str, Any], wanted: list[dict[str, Any]]
) -> None:
    load(engine, catalogue)

    outcomes = run(engine, *(make_request(**words) for words in wanted))

    assert {outcome.status for outcome in outcomes} <= {"processed", "rejected"}
    made = {str(outcome.order_id) for outcome in outcomes if outcome.order_id is not None}
    with engine.connect() as connection:
        shown = _show_all(connection, scalar(engine, "SELECT id FROM tenants"))
    assert made <= {str(order["id"]) for order in shown}
    for order in shown:
        assert all(Decimal(amount) < MAX_AMOUNT for amount in order["totals"].values())
