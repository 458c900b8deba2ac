"""`odd_even` without a lowest seat: all odd or all even, for orders and holds, or a refusal that names it."""

from typing import Any

import pytest
from sqlalchemy import Engine

from tests.factories import (
    codes,
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    place,
    read,
    rows,
    run,
)
from willcall.kinds import TAKE, UPDATE


@pytest.fixture
def engine(engine: Engine) -> Engine:
    """An engine of a database with twenty seats in a row, and places that have none."""
    load(engine, make_event(ticket_classes=[make_seated_class(), make_ticket_class()]))
    return engine


def _line(quantity: int, name: str = "stalls", **changes: Any) -> dict[str, Any]:
    return {"ticket_class_id": name, "quantity": quantity, "seat_order": "odd_even"} | changes


def _seats(engine: Engine, order_id: Any) -> list[str]:
    return [ticket["seat"] for ticket in read(engine, order_id)["tickets"]]


def test_an_order_gets_odd_or_even_seats_and_takes_none_that_another_line_names(engine: Engine) -> None:
    named = {"ticket_class_id": "stalls", "quantity": 1, "seats": ["3"]}
    order_id = place(engine, line_items=[_line(3), named])
    assert _seats(engine, order_id) == ["5", "7", "9", "3"]


def test_a_hold_takes_them_too(engine: Engine) -> None:
    (held,) = run(engine, make_change(TAKE, **_line(3)))
    assert held.status == "processed"
    seats = rows(engine, "SELECT label FROM seats WHERE hold_id IS NOT NULL ORDER BY position")
    assert seats == [("1",), ("3",), ("5",)]


@pytest.mark.parametrize("kind", ["order", "hold"])
@pytest.mark.parametrize(
    ("wish", "code"), [(_line(11), "seat_unavailable"), (_line(2, "standing"), "invalid")]
)
def test_what_is_not_there_is_refused_by_the_name_of_the_field(
    engine: Engine, kind: str, wish: dict[str, Any], code: str
) -> None:
    request = make_request(line_items=[wish]) if kind == "order" else make_change(TAKE, **wish)
    (outcome,) = run(engine, request)
    assert codes(outcome) == [code]
    assert outcome.errors[0].field == ("line_items.0.seat_order" if kind == "order" else "seat_order")


def test_an_update_does_not_guess_from_where_seats_go_on(engine: Engine) -> None:
    order_id = place(engine, line_items=[_line(2)])
    (outcome,) = run(engine, make_change(UPDATE, order_id=str(order_id), patch={"line_items": [_line(4)]}))
    assert codes(outcome) == ["invalid"]
    assert outcome.errors[0].field == "line_items.0.seat_order"
    assert _seats(engine, order_id) == ["1", "3"]
