"""When an event is on sale: from and until a moment, or its end. Decided at the time of the decision."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from orders.process import process
from schemas.outcomes import Outcome
from schemas.requests import Request
from tests.factories import NOW, codes, load, make_change, make_event, make_request, place
from willcall.kinds import CANCEL, EXTEND, PAY, TAKE, UPDATE

ENDS = NOW + timedelta(days=2)
MINUTE = timedelta(minutes=1)


def _event(**times: datetime | None) -> dict[str, Any]:
    event = make_event(starts_at=(ENDS - timedelta(hours=3)).isoformat(), ends_at=ENDS.isoformat())
    del event["on_sale_until"]
    return event | {name: moment and moment.isoformat() for name, moment in times.items()}


def _at(engine: Engine, now: datetime, request: Request) -> Outcome:
    with engine.begin() as connection:
        (outcome,) = process(connection, [request], now=now)
    return outcome


def _hold(**changes: Any) -> Request:
    body: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 1} | changes
    return make_change(TAKE, **body)


FROM, UNTIL = NOW + timedelta(hours=1), NOW + timedelta(hours=5)


@pytest.mark.parametrize(
    ("times", "now", "is_open"),
    [
        ({}, NOW, True),
        ({}, ENDS - MINUTE, True),
        ({}, ENDS, False),
        ({}, ENDS + timedelta(days=400), False),
        ({"on_sale_from": FROM}, FROM - MINUTE, False),
        ({"on_sale_from": FROM}, FROM, True),
        ({"on_sale_until": UNTIL}, UNTIL - MINUTE, True),
        ({"on_sale_until": UNTIL}, UNTIL, False),
        ({"on_sale_until": ENDS + MINUTE}, ENDS, True),
        ({"on_sale_from": FROM, "on_sale_until": UNTIL}, FROM, True),
        ({"on_sale_from": FROM, "on_sale_until": UNTIL}, NOW, False),
    ],
)
@pytest.mark.parametrize("what", ["order", "hold"])
def test_nothing_is_sold_or_held_before_the_sale_and_after_it(
    engine: Engine, times: dict[str, datetime], now: datetime, is_open: bool, what: str
) -> None:
    load(engine, _event(**times))

    outcome = _at(engine, now, make_request() if what == "order" else _hold())

    assert codes(outcome) == ([] if is_open else ["sales_closed"])
    if not is_open:
        field = "line_items.0.ticket_class_id" if what == "order" else "ticket_class_id"
        assert outcome.errors[0].field == field


def test_one_event_whose_sale_is_over_stops_an_order_of_two(engine: Engine) -> None:
    play = make_event("play", ticket_classes=[{"id": "pit", "name": "Pit", "price": "9.00", "capacity": 5}])
    load(engine, _event(), play)
    lines = [{"ticket_class_id": name, "quantity": 1} for name in ("pit", "standing")]

    outcome = _at(engine, ENDS, make_request(line_items=lines))

    assert (codes(outcome), outcome.errors[0].field) == (["sales_closed"], "line_items.1.ticket_class_id")


@pytest.mark.parametrize(
    ("patch", "is_allowed"),
    [
        ({"line_items": [{"ticket_class_id": "standing", "quantity": 3}]}, False),
        ({"line_items": [{"ticket_class_id": "standing", "quantity": 2}]}, True),
        ({"line_items": [{"ticket_class_id": "standing", "quantity": 1}]}, True),
        ({"line_items": [{"ticket_class_id": "other", "quantity": 1}]}, False),
        ({"buyer": {"phone": "1"}, "shipping": "1.00"}, True),
    ],
)
def test_after_the_sale_an_order_changes_but_takes_no_more_tickets(
    engine: Engine, patch: dict[str, Any], is_allowed: bool
) -> None:
    classes = [{"id": name, "name": name, "price": "45.50", "capacity": 9} for name in ("standing", "other")]
    load(engine, _event() | {"ticket_classes": classes})
    order_id = str(place(engine, quantity=2))

    outcome = _at(engine, ENDS, make_change(UPDATE, order_id=order_id, patch=patch))

    assert codes(outcome) == ([] if is_allowed else ["sales_closed"])
    assert codes(_at(engine, ENDS, make_change(PAY, order_id=order_id, type="cash"))) == []
    assert codes(_at(engine, ENDS, make_change(CANCEL, order_id=order_id))) == []


def test_what_was_held_in_time_may_be_bought_but_not_held_on(engine: Engine) -> None:
    load(engine, _event())
    hold = _hold(expires_at=(ENDS + timedelta(minutes=10)).isoformat())
    assert codes(_at(engine, ENDS - MINUTE, hold)) == []
    later = (ENDS + timedelta(hours=1)).isoformat()

    extended = _at(engine, ENDS, make_change(EXTEND, hold_id=str(hold.request_id), expires_at=later))
    bought = _at(engine, ENDS, make_request(line_items=[{"hold_id": str(hold.request_id)}]))

    assert (codes(extended), codes(bought)) == (["sales_closed"], [])


def test_a_sale_that_is_moved_is_open_again(engine: Engine) -> None:
    load(engine, _event(on_sale_until=UNTIL))
    assert codes(_at(engine, UNTIL, make_request())) == ["sales_closed"]

    load(engine, _event(on_sale_until=UNTIL + MINUTE))

    assert codes(_at(engine, UNTIL, make_request())) == []
