"""What is refused leaves nothing behind, and says why."""

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
from tests.orders.processing import is_consistent, process_one, seat_wish, seats_of
from willcall.kinds import TAKE, UPDATE


def test_an_update_that_is_refused_half_way_leaves_nothing_to_its_neighbours(engine: Engine) -> None:
    classes = [make_ticket_class(capacity=3), make_seated_class(seats="1-5")]
    load(engine, make_event(ticket_classes=classes))
    standing = {"ticket_class_id": "standing", "quantity": 2}
    order_id = place(engine, line_items=[seat_wish("1", "2"), standing])
    other_id = place(engine, line_items=[seat_wish("3")])
    before = read(engine, order_id)
    # The seats are changed before the rest turns out to be sold out.
    lines = [seat_wish("4", "5"), standing | {"quantity": 4}]
    refused = make_change(
        UPDATE, order_id=str(order_id), patch={"reference": "x", "line_items": lines, "shipping": "9.00"}
    )
    neighbour = make_change(UPDATE, order_id=str(other_id), patch={"line_items": [seat_wish("4", "5")]})
    again = make_change(
        UPDATE,
        order_id=str(order_id),
        patch={"line_items": [seat_wish("2", "1"), standing | {"quantity": 3}]},
    )
    outcomes = run(engine, refused, neighbour, again)
    assert [codes(outcome) for outcome in outcomes] == [["sold_out"], [], []]
    after = read(engine, order_id)
    assert (after["version"], after["reference"], after["totals"]["shipping"]) == (2, None, "0.00")
    assert [one for one in after["tickets"] if one["seat"]] == [
        one for one in before["tickets"] if one["seat"]
    ]
    assert seats_of(read(engine, other_id)) == ["4", "5"]
    assert rows(engine, "SELECT external_id, sold FROM ticket_classes ORDER BY 1") == [
        ("stalls", 4),
        ("standing", 3),
    ]
    assert rows(engine, "SELECT label FROM seats WHERE NOT is_taken") == [("3",)]
    assert is_consistent(engine)


def test_an_order_refused_for_its_promo_code_takes_no_seat(engine: Engine) -> None:
    load(
        engine,
        make_event(
            ticket_classes=[make_seated_class(seats="1-4")],
            promo_codes=[{"code": "ONCE", "percent": "10", "max_uses": 1}],
        ),
    )
    outcomes = run(engine, *(make_request(ticket_class="stalls", promo_code="ONCE") for _ in range(2)))
    assert [codes(outcome) for outcome in outcomes] == [[], ["unknown_promo_code"]]
    assert rows(engine, "SELECT label FROM seats WHERE is_taken") == [("1",)]
    assert is_consistent(engine)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"ticket_class_id": "stalls", "quantity": 2, "seats": ["1"]}, "invalid"),
        ({"ticket_class_id": "stalls", "quantity": 1, "seats": ["1", "2"]}, "invalid"),
        ({"ticket_class_id": "stalls", "quantity": 2, "seats": ["1", "1"]}, "seat_unavailable"),
        ({"ticket_class_id": "standing", "quantity": 1, "seats": ["1"]}, "invalid"),
        ({"ticket_class_id": "standing", "quantity": 1, "low_seat": "1"}, "invalid"),
        ({"ticket_class_id": "stalls", "quantity": 3, "low_seat": "A"}, "seat_unavailable"),
        ({"ticket_class_id": "stalls", "quantity": 2, "low_seat": "4"}, "seat_unavailable"),
    ],
)
def test_wished_seats_are_one_for_each_ticket(engine: Engine, item: dict[str, Any], code: str) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class(seats="1-4")]))
    order_id = place(engine, line_items=[seat_wish("3")])
    for outcome in (
        run(engine, make_request(line_items=[item]))[0],
        process_one(engine, UPDATE, order_id=str(order_id), patch={"line_items": [item]}),
        process_one(engine, TAKE, **item),
    ):
        assert codes(outcome) == [code]
    assert is_consistent(engine)


@pytest.mark.parametrize(
    "patch",
    [
        {"buyer": None},
        {"buyer": "Ada"},
        {"line_items": []},
        {"line_items": "standing"},
        {"line_items": [{"ticket_class_id": "standing", "quantity": 0}]},
        {"line_items": [{"ticket_class_id": "\x00", "quantity": 1}]},
        {"line_items": [{"ticket_class_id": "\ud800", "quantity": 1}]},
        {"line_items": [{"ticket_class_id": "stalls", "quantity": 1, "seats": ["\x00"]}]},
        {"line_items": [{"ticket_class_id": "stalls", "quantity": 1, "low_seat": "9" * 5_000}]},
        {"line_items": [{"ticket_class_id": "standing", "quantity": 2, "line_number": 7}]},
        {"line_items": [{"ticket_class_id": "stalls", "quantity": 2, "line_number": 1}]},
        {"shipping": 5.0},
        {"status": "refunded"},
    ],
)
def test_a_patch_that_makes_no_order_is_invalid(engine: Engine, patch: dict[str, Any]) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class(seats="1-4")]))
    order_id = place(engine)
    outcome = process_one(engine, UPDATE, order_id=str(order_id), patch=patch)
    assert outcome.status == "rejected"
    assert set(codes(outcome)) <= {"invalid", "seat_unavailable"}
    assert read(engine, order_id)["version"] == 1


def test_a_patch_that_is_nested_too_deeply_is_refused(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    deep: Any = "x"
    for _ in range(900):
        deep = {"a": deep}
    outcome = process_one(engine, UPDATE, order_id=str(order_id), patch={"buyer": deep})
    assert outcome.status == "rejected"
    assert set(codes(outcome)) == {"invalid"}


def test_an_unknown_class_and_a_price_that_may_not_be_set_are_refused(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    unknown = {"line_items": [{"ticket_class_id": "nowhere", "quantity": 1}]}
    assert codes(process_one(engine, UPDATE, order_id=str(order_id), patch=unknown)) == [
        "unknown_ticket_class"
    ]
    cheap = {"line_items": [{"ticket_class_id": "standing", "quantity": 1, "unit_price": "1.00"}]}
    request = make_change(UPDATE, order_id=str(order_id), patch=cheap, may_set_price=False)
    assert codes(run(engine, request)[0]) == ["price_mismatch"]
    assert process_one(engine, UPDATE, order_id=str(order_id), patch=cheap).status == "processed"
    # What was agreed once may be said again by everybody.
    again = make_change(UPDATE, order_id=str(order_id), patch=cheap, may_set_price=False)
    assert run(engine, again)[0].status == "processed"
    assert read(engine, order_id)["totals"]["total"] == "1.00"


def test_a_line_grows_by_what_another_line_of_the_update_gives_back(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=4)]))
    item = {"ticket_class_id": "standing", "quantity": 2}
    order_id = place(engine, line_items=[item, item])
    lines = [item | {"line_number": 1, "quantity": 3}, item | {"line_number": 2, "quantity": 1}]
    assert (
        process_one(engine, UPDATE, order_id=str(order_id), patch={"line_items": lines}).status == "processed"
    )
    assert [line["quantity"] for line in read(engine, order_id)["line_items"]] == [3, 1]
    assert is_consistent(engine)
