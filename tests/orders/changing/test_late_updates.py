"""An update that is decided late ends as if it had been decided in its place."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from db.ids import new_id
from tests.factories import (
    codes,
    load,
    make_change,
    make_event,
    make_seated_class,
    make_ticket_class,
    place,
    read,
    run,
)
from willcall.kinds import CANCEL, UPDATE

Step = tuple[str, dict[str, Any]]

_CANCEL_ONE: Step = (CANCEL, {"lines": [{"line_number": 1, "quantity": 1}]})
_CANCEL_FIRST: Step = (CANCEL, {})


def _named(**line: Any) -> dict[str, Any]:
    return {"line_items": [{"line_number": 1, "ticket_class_id": "standing", "quantity": 2, **line}]}


def _update(**patch: Any) -> Step:
    return UPDATE, {"patch": patch}


def _act(
    engine: Engine, steps: list[Step], order: list[int], ticket_class: str = "standing"
) -> dict[str, Any]:
    """Take the steps, accepted as they are listed, in this order; return what the order is then."""
    order_id = place(engine, ticket_class=ticket_class, quantity=2)
    ids = [new_id() for _ in steps]
    for index in order:
        kind, body = steps[index]
        if (kind, body) == _CANCEL_FIRST:
            body = {"ticket_ids": [str(_valid(engine, order_id)[0]["id"])]}
        request = make_change(kind, request_id=ids[index], order_id=str(order_id), **body)
        (outcome,) = run(engine, request)
        assert outcome.errors == (), outcome
    found = read(engine, order_id)
    return {
        "totals": found["totals"],
        "reference": found["reference"],
        "lines": [(line["ticket_class_id"], line["quantity"]) for line in found["line_items"]],
        "tickets": [(one["seat"], one["attendee"]) for one in _valid(engine, order_id)],
    }


def _valid(engine: Engine, order_id: UUID) -> list[dict[str, Any]]:
    return [ticket for ticket in read(engine, order_id)["tickets"] if ticket["status"] == "valid"]


@pytest.mark.parametrize(
    "steps",
    [
        [_update(reference="x"), _update(discount="45.50"), _CANCEL_ONE],
        [_update(shipping="4.00"), _update(discount="45.50"), _CANCEL_ONE],
        [_update(reference="x"), _update(tax="20.00"), _CANCEL_ONE],
        [_update(reference="x"), _update(total_discount="45.50"), _CANCEL_ONE],
        [_update(discount="10.00"), _update(total_discount="45.50"), _CANCEL_ONE],
        [_update(reference="x"), _update(discount="45.50"), _update(**_named(quantity=1))],
        [_update(discount="45.50"), _CANCEL_ONE],
        [_update(tax="20.00"), _CANCEL_ONE],
        [_update(discount="95.00", shipping="5.00"), _CANCEL_ONE],
        [_update(discount="45.50"), _update(**_named(quantity=1)), _update(reference="y")],
        [
            _update(reference="x"),
            _update(**_named(attendees=[{"first_name": "A"}, {"first_name": "B"}])),
            _CANCEL_FIRST,
        ],
        [_update(**_named(attendees=[{"first_name": "A"}, {"first_name": "B"}])), _CANCEL_FIRST],
        [_update(**_named(quantity=3)), _CANCEL_ONE],
        [_update(**_named(quantity=5)), _CANCEL_ONE],
        [_update(buyer={"phone": "1"}), _update(buyer={"company": "B"}), _CANCEL_ONE],
    ],
)
def test_a_late_update_ends_as_in_its_place(engine: Engine, steps: list[Step]) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class()]))
    places = list(range(len(steps)))
    in_order = _act(engine, steps, places)
    late = _act(engine, steps, [*places[1:], 0])
    assert late == in_order


def test_a_late_word_moves_no_seat(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class()]))
    line = {"line_number": 1, "ticket_class_id": "stalls", "quantity": 3, "low_seat": "5"}
    steps = [_update(reference="x"), _update(line_items=[line]), _CANCEL_FIRST]

    late = _act(engine, steps, [1, 2, 0], "stalls")

    assert late["reference"] == "x"
    assert [seat for seat, _ in late["tickets"]] == ["6", "7"]


def test_a_late_low_seat_does_not_bring_its_cancelled_seat_back(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class()]))
    line = {"line_number": 1, "ticket_class_id": "stalls", "quantity": 2, "low_seat": "1"}
    late = _act(engine, [_update(line_items=[line]), _CANCEL_FIRST], [1, 0], "stalls")
    assert [seat for seat, _ in late["tickets"]] == ["2"]


def test_a_late_update_is_still_to_be_well_formed(engine: Engine) -> None:
    load(engine)
    order_id = str(place(engine))
    late, later = new_id(), new_id()
    run(engine, make_change(UPDATE, request_id=later, order_id=order_id, patch={"discount": "1.00"}))
    (outcome,) = run(
        engine, make_change(UPDATE, request_id=late, order_id=order_id, patch={"discount": "abc"})
    )
    assert codes(outcome) == ["invalid"]


@pytest.mark.parametrize("name", ["promo_code", "nonsense", "totals"])
def test_a_word_that_cannot_be_changed_is_refused_also_where_it_is_null(engine: Engine, name: str) -> None:
    load(engine)
    order_id = str(place(engine))
    (outcome,) = run(engine, make_change(UPDATE, order_id=order_id, patch={name: None}))
    assert [(one.code, one.field) for one in outcome.errors] == [("invalid", name)]
