"""Sold is sold: an order costs what follows from the terms on which it was sold."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from schemas.outcomes import Outcome
from tests.factories import (
    codes,
    load,
    make_change,
    make_event,
    make_ticket_class,
    place,
    read,
    rows,
    run,
)
from willcall.kinds import CANCEL, PAY, UPDATE

VAT = {"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "line"}


def _one(engine: Engine, kind: str, order_id: UUID, **body: Any) -> Outcome:
    (outcome,) = run(engine, make_change(kind, order_id=str(order_id), **body))
    return outcome


def _load(engine: Engine, price: str = "45.50", rate: str | None = "0.19", **promo_code: Any) -> None:
    """Load the same event again, on other terms."""
    load(
        engine,
        make_event(
            ticket_classes=[make_ticket_class(price=price), make_ticket_class("balcony", price="10.00")],
            tax=None if rate is None else VAT | {"rate": rate},
            promo_codes=[{"code": "PROMO"} | (promo_code or {"percent": "10"})],
        ),
    )


def _totals(engine: Engine, order_id: UUID, *names: str) -> tuple[str, ...]:
    totals = read(engine, order_id)["totals"]
    return tuple(totals[name] for name in names)


@pytest.mark.parametrize(
    "changed",
    [
        {"rate": "0.20"},
        {"rate": None},
        {"price": "50.00"},
        {"percent": "50"},
        {"amount": "1.00"},
        {"price": "60.00", "rate": "0.07", "percent": "99"},
    ],
)
@pytest.mark.parametrize(
    "patch",
    [
        {"buyer": {"phone": "+33 1 23 45 67 89"}},
        {"reference": "PO-1", "internal_notes": ["a note"]},
        {
            "line_items": [
                {"ticket_class_id": "standing", "quantity": 2, "attendees": [{"first_name": "Ada"}]}
            ]
        },
        {"shipping": "0.00"},
    ],
)
def test_what_an_update_does_not_name_costs_what_it_was_sold_for(
    engine: Engine, changed: dict[str, Any], patch: dict[str, Any]
) -> None:
    _load(engine)
    order_id = place(engine, quantity=2, promo_code="PROMO")
    before = read(engine, order_id)
    _load(engine, **changed)

    assert _one(engine, UPDATE, order_id, patch=patch).errors == ()

    after = read(engine, order_id)
    assert after["totals"] == before["totals"]
    assert [line["tax"] for line in after["line_items"]] == [line["tax"] for line in before["line_items"]]


def test_a_line_that_is_added_is_sold_on_the_terms_of_today_and_the_others_stay(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, quantity=2)
    _load(engine, price="99.00", rate="0.10")
    lines = [
        {"ticket_class_id": "standing", "quantity": 2},
        {"ticket_class_id": "balcony", "quantity": 1},
    ]

    assert _one(engine, UPDATE, order_id, patch={"line_items": lines}).errors == ()

    # 2 × 45.50 at 19 %, and 10.00 at 10 %.
    assert _totals(engine, order_id, "subtotal", "tax", "total") == ("101.00", "18.29", "119.29")
    more = [{"ticket_class_id": "standing", "quantity": 3}, {"ticket_class_id": "balcony", "quantity": 1}]
    assert _one(engine, UPDATE, order_id, patch={"line_items": more}).errors == ()
    # A line that grows keeps its price and its rule.
    assert _totals(engine, order_id, "subtotal", "tax") == ("146.50", "26.94")


def test_what_is_left_of_a_cancelled_part_is_taxed_as_it_was_sold(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, quantity=2, promo_code="PROMO")
    _load(engine, rate="0.50", percent="90")

    part = [{"line_number": 1, "quantity": 1}]
    assert _one(engine, CANCEL, order_id, lines=part).errors == ()

    # 45.50 + 19 % of it − 10 % of it: 45.50 + 8.65 − 4.55.
    assert _totals(engine, order_id, "tax", "discount", "total") == ("8.65", "4.55", "49.60")


def test_a_class_that_is_swapped_out_and_in_again_leaves_one_line_more(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine)
    for turn in range(40):
        name = ("balcony", "standing")[turn % 2]
        patch = {"line_items": [{"ticket_class_id": name, "quantity": 1}]}
        assert _one(engine, UPDATE, order_id, patch=patch).errors == ()

    order = read(engine, order_id)
    assert [(line["ticket_class_id"], line["quantity"]) for line in order["line_items"]] == [
        ("standing", 1),
        ("balcony", 0),
    ]
    assert sum(ticket["status"] == "valid" for ticket in order["tickets"]) == 1
    assert rows(engine, "SELECT external_id, sold FROM ticket_classes ORDER BY 1") == [
        ("balcony", 0),
        ("standing", 1),
    ]


def test_a_class_that_comes_back_is_sold_at_the_price_of_today(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine)
    swap = [{"line_items": [{"ticket_class_id": name, "quantity": 1}]} for name in ("balcony", "standing")]
    assert _one(engine, UPDATE, order_id, patch=swap[0]).errors == ()
    _load(engine, price="50.00", rate=None)

    assert _one(engine, UPDATE, order_id, patch=swap[1]).errors == ()

    assert _totals(engine, order_id, "subtotal", "tax", "total") == ("50.00", "0.00", "50.00")


# When tickets leave an order.


@pytest.mark.parametrize("by", ["cancellation", "update"])
@pytest.mark.parametrize(
    ("taken_off", "totals"),
    [
        ({"discount": "45.50"}, ("22.75", "22.75")),
        ({"discount": "91.00"}, ("45.50", "0.00")),
        ({"discount": "0.01"}, ("0.01", "45.49")),
        # Off the tickets and off the shipping: what was taken off the shipping stays.
        ({"discount": "96.00", "shipping": "5.00"}, ("50.50", "0.00")),
        ({"discount": "93.00", "shipping": "5.00"}, ("47.50", "3.00")),
        ({"tax": "9.10"}, ("0.00", "50.05")),
        ({"tax": "10.00", "discount": "20.00"}, ("10.00", "40.50")),
        ({"promo_code": "PROMO"}, ("22.75", "22.75")),
        ({"promo_code": "PROMO", "discount": "10.00"}, ("27.75", "17.75")),
    ],
)
def test_each_ticket_keeps_its_share_of_what_was_taken_off(
    engine: Engine, taken_off: dict[str, str], totals: tuple[str, str], by: str
) -> None:
    _load(engine, rate=None, amount="45.50")
    order_id = place(engine, quantity=2, payments=[{"type": "cash"}], **taken_off)
    (paid,) = _totals(engine, order_id, "paid")

    if by == "update":
        patch = {"line_items": [{"ticket_class_id": "standing", "quantity": 1}]}
        outcome = _one(engine, UPDATE, order_id, patch=patch)
    else:
        outcome = _one(engine, CANCEL, order_id, lines=[{"line_number": 1, "quantity": 1}])

    assert outcome.errors == ()
    assert _totals(engine, order_id, "discount", "total") == totals
    (left,) = _totals(engine, order_id, "total")
    (owed,) = _totals(engine, order_id, "balance")
    # Half of the tickets left: at most half of what they cost is owed back.
    assert float(paid) + float(owed) == pytest.approx(float(left))
    assert float(owed) >= -float(paid) / 2 - 0.011


def test_an_update_that_names_the_discount_itself_has_its_own_way(engine: Engine) -> None:
    _load(engine, rate=None)
    order_id = place(engine, quantity=2, discount="45.50")
    lines = [{"ticket_class_id": "standing", "quantity": 1}]

    assert _one(engine, UPDATE, order_id, patch={"line_items": lines, "discount": "40.00"}).errors == ()
    assert _totals(engine, order_id, "total") == ("5.50",)
    too_much = _one(engine, UPDATE, order_id, patch={"discount": "45.51"})
    assert codes(too_much) == ["negative_total"]


def test_cancelling_ticket_by_ticket_never_owes_back_more_than_was_paid_for_them(engine: Engine) -> None:
    _load(engine, rate=None)
    order_id = place(engine, quantity=7, discount="100.00", shipping="3.33", payments=[{"type": "cash"}])
    (before,) = _totals(engine, order_id, "total")
    for _ in range(6):
        assert _one(engine, CANCEL, order_id, lines=[{"line_number": 1, "quantity": 1}]).errors == ()
        (total,) = _totals(engine, order_id, "total")
        # 7 × 45.50 − 100.00 is 31.21 a ticket, and a rounding of its share.
        assert float(before) - float(total) == pytest.approx(31.21, abs=0.02)
        before = total
    assert _one(engine, PAY, order_id, type="cash", is_refund=True).errors == ()
    assert _totals(engine, order_id, "balance") == ("0.00",)
