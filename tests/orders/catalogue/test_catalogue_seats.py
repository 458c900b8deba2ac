"""Seats that come, go, come back and move: in bulk, and never one that is sold or held."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from orders.catalogue.loading import CatalogueConflict, Loaded, load_catalogue
from orders.catalogue.loading.read import StoredSeat
from orders.catalogue.loading.seats import compare_seats
from orders.upkeep.reconciliation import reconcile
from tests.factories import (
    NOW,
    make_catalogue,
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
from tests.orders.acting import acting
from willcall.kinds import CANCEL, TAKE

_HERE = "SELECT label FROM seats WHERE position IS NOT NULL ORDER BY position"


def _load(engine: Engine, *seats: str, **changes: Any) -> Loaded:
    ticket_class = make_seated_class(**changes) | {"seats": list(seats)}
    return load_catalogue(engine, make_catalogue(make_event(ticket_classes=[ticket_class])), now=NOW)


def _labels(engine: Engine) -> list[str]:
    return [label for (label,) in rows(engine, _HERE)]


def _check(engine: Engine) -> None:
    """See that the capacity is the number of seats, and that the rows contradict nothing."""
    assert rows(engine, "SELECT capacity FROM ticket_classes") == [(len(_labels(engine)),)]
    with engine.begin() as connection:
        assert reconcile(connection, now=NOW) == []


def test_a_seat_that_was_sold_and_cancelled_can_go(engine: Engine) -> None:
    _load(engine, "1-4")
    order = place(engine, ticket_class="stalls", quantity=2)
    run(engine, make_change(CANCEL, order_id=str(order)))

    loaded = _load(engine, "3-4")

    assert loaded.updated == 1
    assert _labels(engine) == ["3", "4"]
    assert [ticket["seat"] for ticket in read(engine, order)["tickets"]] == ["1", "2"]
    named = run(engine, make_request(ticket_class="stalls", quantity=2))[0].order_id
    assert named is not None
    assert [ticket["seat"] for ticket in read(engine, named)["tickets"]] == ["3", "4"]
    _check(engine)


@pytest.mark.parametrize("labels", [["1"], ["2"]], ids=["sold before", "never sold"])
def test_a_seat_that_is_gone_cannot_be_had_by_its_name(engine: Engine, labels: list[str]) -> None:
    _load(engine, "1-4")
    order = place(engine, line_items=[{"ticket_class_id": "stalls", "quantity": 1, "seats": ["1"]}])
    run(engine, make_change(CANCEL, order_id=str(order)))
    _load(engine, "3-4")

    items = [{"ticket_class_id": "stalls", "quantity": 1, "seats": labels}]
    (outcome,) = run(engine, make_request(line_items=items))

    assert [error.code for error in outcome.errors] == ["seat_unavailable"]


def test_a_seat_that_comes_back_is_the_same_seat(engine: Engine) -> None:
    _load(engine, "1-4")
    order = place(engine, ticket_class="stalls", quantity=1)
    run(engine, make_change(CANCEL, order_id=str(order)))
    ids = dict(rows(engine, "SELECT label, id FROM seats"))
    _load(engine, "3-4")
    _load(engine, "1-5")

    assert _labels(engine) == ["1", "2", "3", "4", "5"]
    assert dict(rows(engine, "SELECT label, id FROM seats WHERE label <> '5'")) == ids
    _check(engine)


def test_every_seat_that_cannot_go_is_named(engine: Engine) -> None:
    _load(engine, "1-60")
    place(engine, ticket_class="stalls", quantity=2)
    take: dict[str, Any] = {"ticket_class_id": "stalls", "quantity": 1, "seats": ["7"]}
    run(engine, make_change(TAKE, **take, expires_at=(NOW + timedelta(hours=1)).isoformat()))

    with pytest.raises(CatalogueConflict, match=r"^seats 1, 2, 7 of ticket class stalls are sold or held"):
        _load(engine, "10-60")

    assert len(_labels(engine)) == 60


def test_of_very_many_seats_that_cannot_go_the_first_are_named_and_the_others_counted(engine: Engine) -> None:
    _load(engine, "1-60")
    place(engine, ticket_class="stalls", quantity=50)

    with pytest.raises(CatalogueConflict, match="19, 20 and 30 more of ticket class stalls"):
        _load(engine, "51-60")


def test_a_hold_whose_time_is_over_keeps_no_seat(engine: Engine) -> None:
    _load(engine, "1-4")
    over = (NOW + timedelta(minutes=5)).isoformat()
    run(engine, make_change(TAKE, ticket_class_id="stalls", quantity=2, expires_at=over))
    later = NOW + timedelta(minutes=6)
    words = make_catalogue(make_event(ticket_classes=[make_seated_class(seats="3-4")]))

    load_catalogue(engine, words, now=later)

    assert _labels(engine) == ["3", "4"]
    assert rows(engine, "SELECT held, capacity FROM ticket_classes") == [(0, 2)]
    assert rows(engine, "SELECT status FROM holds") == [("expired",)]


def test_a_capacity_may_be_lowered_to_what_is_left_when_a_hold_is_over(engine: Engine) -> None:
    def words(capacity: int) -> Any:
        return make_catalogue(make_event(ticket_classes=[make_ticket_class(capacity=capacity)]))

    load_catalogue(engine, words(10), now=NOW)
    over = (NOW + timedelta(minutes=5)).isoformat()
    run(engine, make_change(TAKE, ticket_class_id="standing", quantity=8, expires_at=over))

    with pytest.raises(CatalogueConflict, match="8 are sold or held"):
        load_catalogue(engine, words(3), now=NOW)
    load_catalogue(engine, words(3), now=NOW + timedelta(minutes=6))

    assert rows(engine, "SELECT capacity, held FROM ticket_classes") == [(3, 0)]


def test_a_seat_that_goes_while_a_change_is_decided_is_not_sold(engine: Engine) -> None:
    """A batch of changes reads what is free without locks; what was chosen then may be gone."""
    _load(engine, "1-3")
    order = place(engine, line_items=[{"ticket_class_id": "stalls", "quantity": 1, "seats": ["3"]}])
    patch = {"line_items": [{"ticket_class_id": "stalls", "quantity": 2}]}
    change = make_change("orders.update", order_id=str(order), patch=patch)

    with acting(engine, ("LATERAL", "FOR", lambda: _load(engine, "2-3").updated)) as done:
        (outcome,) = run(engine, change)

    assert done == [1]
    assert outcome.status == "processed"
    assert sorted(ticket["seat"] for ticket in read(engine, order)["tickets"]) == ["2", "3"]
    _check(engine)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["1-9"], ["0", "1-9"]),
        (["1-9"], ["2-9"]),
        (["1-9"], ["1-4", "A", "5-9"]),
        (["1-9"], ["5-9", "1-4"]),
        (["1-9"], ["9", "1-8", "10-12"]),
        (["1-4"], ["5-8"]),
        (["1-3", "7-9"], ["1-9"]),
    ],
    ids=str,
)
def test_seats_stand_in_the_file_s_order_and_next_to_their_neighbours(
    engine: Engine, before: list[str], after: list[str]
) -> None:
    _load(engine, *before)
    _load(engine, *after)

    ticket_class = (
        make_catalogue(make_event(ticket_classes=[make_seated_class() | {"seats": after}]))
        .events[0]
        .ticket_classes[0]
    )
    found = rows(engine, "SELECT label, position FROM seats WHERE position IS NOT NULL ORDER BY position")
    assert [label for label, _ in found] == ticket_class.seat_labels()
    assert len({position - index for index, (_, position) in enumerate(found)}) == 1
    assert _load(engine, *after).updated == 0
    _check(engine)


def test_one_seat_more_in_front_moves_none_of_nine_thousand(engine: Engine) -> None:
    _load(engine, "1-9000")
    before = rows(engine, "SELECT id, position, xmin::text FROM seats ORDER BY id")

    _load(engine, "0", "1-9000")

    assert rows(engine, "SELECT id, position, xmin::text FROM seats WHERE label <> '0' ORDER BY id") == before
    assert _labels(engine)[:2] == ["0", "1"]
    _check(engine)


def test_nine_thousand_seats_and_one_cost_statements_by_the_page(engine: Engine) -> None:
    statements: list[str] = []

    def count(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    _load(engine, "1-9000")
    event.listen(engine, "before_cursor_execute", count)
    try:
        _load(engine, "1-4500", "A", "4501-9000")
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert len(statements) < 150
    assert _labels(engine)[4_499:4_502] == ["4500", "A", "4501"]
    _check(engine)


def test_seats_that_move_in_several_transactions_are_sold_meanwhile(engine: Engine) -> None:
    _load(engine, "1-3000")

    def sell() -> list[str]:
        order = read(engine, place(engine, ticket_class="stalls", quantity=3))
        return [ticket["seat"] for ticket in order["tickets"]]

    # When the second page begins: some of the seats have moved by then, and some have not.
    moved, begun = "UPDATE seats SET position = moved", "SET LOCAL enable_seqscan"
    with acting(engine, (moved, None, lambda: None), (begun, None, sell)) as done:
        _load(engine, "1501-3000", "1-1500")

    assert done == [None, ["1", "2", "3"]]
    assert _labels(engine) == [str(number) for number in (*range(1501, 3001), *range(1, 1501))]
    assert sell() == ["1501", "1502", "1503"]
    _check(engine)


def test_positions_that_have_come_far_go_down_again() -> None:
    stored = [StoredSeat("a", "1", 2**30, False), StoredSeat("b", "2", 2**30 + 1, False)]
    changes = compare_seats([(0, "2"), (1, "1")], stored)
    assert changes.moved == [("b", 2**30 - 4), ("a", 2**30 - 3)]


def test_a_class_may_get_seats_and_lose_them_while_nothing_is_sold(engine: Engine) -> None:
    def change(ticket_class: dict[str, Any]) -> None:
        load_catalogue(engine, make_catalogue(make_event(ticket_classes=[ticket_class])), now=NOW)

    change(make_ticket_class(capacity=5))
    change(make_seated_class("standing", seats="1-700"))
    assert rows(engine, "SELECT has_seats, capacity FROM ticket_classes") == [(True, 700)]
    _check(engine)
    change(make_ticket_class(capacity=5))
    assert rows(engine, "SELECT has_seats, capacity FROM ticket_classes") == [(False, 5)]
    assert _labels(engine) == []
    run(engine, make_request())
    with pytest.raises(CatalogueConflict, match="cannot change its kind"):
        change(make_seated_class("standing", seats="1-700"))
