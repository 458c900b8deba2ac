"""Holds: how they expire, are extended, released and used."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from db.ids import new_id
from orders.upkeep.expiry import end_late_holds
from tests.factories import (
    NOW,
    codes,
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    place,
    rows,
    run,
)
from tests.orders.processing import is_consistent, process_one, run_at
from willcall.kinds import CANCEL, EXTEND, RELEASE, TAKE


def _take(engine: Engine, seconds: int | None = 60, **words: Any) -> str:
    until = {} if seconds is None else {"expires_at": (NOW + timedelta(seconds=seconds)).isoformat()}
    body: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 2, **until, **words}
    hold = make_change(TAKE, **body)
    assert run(engine, hold)[0].status == "processed"
    return str(hold.request_id)


def test_a_hold_expires_while_another_batch_buys(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-2")]))
    hold = _take(engine, ticket_class_id="stalls")
    late = NOW + timedelta(seconds=60)
    other, holder = run_at(
        engine,
        late,
        make_request(ticket_class="stalls", quantity=2),
        make_request(line_items=[{"hold_id": hold}]),
    )
    assert (other.status, codes(holder)) == ("processed", ["hold_expired"])
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(2, 0)]
    assert rows(engine, "SELECT status FROM holds") == [("expired",)]
    assert is_consistent(engine)


def test_a_hold_that_is_just_being_used_is_not_waited_for_when_it_expires(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=3)]))
    hold = _take(engine)
    with engine.begin() as other:
        other.execute(text("SELECT 1 FROM holds FOR UPDATE"))
        one, two = run_at(engine, NOW + timedelta(seconds=60), make_request(), make_request())
    assert (one.status, codes(two)) == ("processed", ["sold_out"])
    with engine.begin() as connection:
        assert end_late_holds(connection, now=NOW + timedelta(seconds=60)) == 1
    assert rows(engine, "SELECT id::text, status FROM holds") == [(hold, "expired")]
    assert is_consistent(engine)


def test_a_hold_is_released_once_however_often_that_is_asked(engine: Engine) -> None:
    load(engine)
    hold = _take(engine)
    for _ in range(2):
        assert process_one(engine, RELEASE, hold_id=hold).status == "processed"
        assert rows(engine, "SELECT held FROM ticket_classes") == [(0,)]
    assert codes(process_one(engine, RELEASE, hold_id=str(new_id()))) == ["hold_expired"]


def test_a_hold_is_extended_until_it_has_expired(engine: Engine) -> None:
    load(engine)
    hold = _take(engine)
    longer = {"hold_id": hold, "expires_at": (NOW + timedelta(seconds=120)).isoformat()}
    assert process_one(engine, EXTEND, **longer).status == "processed"
    extend = make_change(EXTEND, hold_id=hold)
    (outcome,) = run_at(engine, NOW + timedelta(seconds=120), extend)
    assert codes(outcome) == ["hold_expired"]
    assert rows(engine, "SELECT status, held FROM holds JOIN ticket_classes c ON true") == [("expired", 0)]


def test_a_hold_without_an_end_stays(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=2)]))
    hold = _take(engine, seconds=None)
    (outcome,) = run_at(engine, NOW + timedelta(days=365), make_request())
    assert codes(outcome) == ["sold_out"]
    assert place(engine, line_items=[{"hold_id": hold}])


def test_an_order_with_a_hold_is_cancelled_in_the_same_batch(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-4")]))
    hold = _take(engine, ticket_class_id="stalls")
    create = make_request(line_items=[{"hold_id": hold}])
    cancel = make_change(CANCEL, order_key=create.body["idempotency_key"])
    assert [outcome.status for outcome in run(engine, create, cancel)] == ["processed", "processed"]
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(0, 0)]
    assert is_consistent(engine)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"ticket_class_id": "stalls"}, "invalid"),
        ({"quantity": 1}, "invalid"),
        ({"seats": ["1", "2"]}, "invalid"),
        ({"attendees": [{"first_name": "Ada"}] * 3}, "invalid"),
        ({"unit_price": "1.00"}, "price_mismatch"),
    ],
)
def test_a_line_does_not_contradict_its_hold(engine: Engine, words: dict[str, Any], code: str) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class(seats="1-4")]))
    hold = _take(engine)
    request = make_request(line_items=[{"hold_id": hold, **words}], may_set_price=False)
    assert codes(run(engine, request)[0]) == [code]
    assert rows(engine, "SELECT status FROM holds") == [("held",)]


def test_nobody_uses_the_hold_of_another_tenant(engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    hold = _take(engine)
    request = make_request(line_items=[{"hold_id": hold}], tenant="other")
    assert codes(run(engine, request)[0]) == ["hold_expired"]
