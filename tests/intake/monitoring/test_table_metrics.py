"""What the metrics say of rows: the backlog, and what is left of the classes on sale."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from db.engine import make_engine
from intake.monitoring.backlog_metrics import BacklogMetrics
from intake.monitoring.sales_metrics import SHOWN, SalesMetrics
from orders.recovery.dead_letters import DeadLetter, bury
from orders.recovery.delayed_requests import RetryPolicy, delay_or_bury, delay_until_due
from tests.factories import load, make_event, make_request, make_ticket_class, place
from tests.intake.monitoring.samples import samples_of

_POLICY = RetryPolicy(max_attempts=6, first_wait=timedelta(seconds=5))
_OTHERS = ("(others)",) * 4


def _backlog(engine: Engine) -> dict[tuple[str, ...], float]:
    return samples_of(asyncio.run(BacklogMetrics(engine).refreshed()))


def _left(engine: Engine) -> dict[tuple[str, ...], float]:
    found = samples_of(asyncio.run(SalesMetrics(engine).refreshed()))
    return {labels: value for (_, *labels_), value in found.items() for labels in [tuple(labels_)]}


def test_waiting_requests_dead_letters_and_discrepancies_are_counted(engine: Engine) -> None:
    load(engine)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        delay_until_due(connection, [(make_request(), now - timedelta(minutes=5)), (make_request(), now)])
        delay_or_bury(connection, make_request(), ValueError(), attempts=1, policy=_POLICY, now=now)
        bury(connection, [DeadLetter("orders.create", b"{}", "broken")], now)
        connection.execute(
            text(
                "INSERT INTO discrepancies SELECT 'stock', gen_random_uuid(), NULL, '…', now(), now()"
                " FROM generate_series(1, 2)"
            )
        )
    found = _backlog(engine)
    assert found["willcall_delayed_requests", "new"] == 2
    assert found["willcall_delayed_requests", "failed"] == 1
    assert 300 <= found["willcall_delayed_overdue_seconds",] < 400
    assert found["willcall_dead_letters_stored",] == 1
    assert found["willcall_discrepancies_open", "stock"] == 2


def test_requests_that_are_due_later_are_not_overdue(engine: Engine) -> None:
    load(engine)
    with engine.begin() as connection:
        delay_until_due(connection, [(make_request(), datetime.now(UTC) + timedelta(hours=1))])
    assert _backlog(engine)["willcall_delayed_overdue_seconds",] == 0


def test_a_database_that_is_away_makes_the_backlog_unknown_and_sells_nothing() -> None:
    away = make_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    found = _backlog(away)
    assert math.isnan(found["willcall_delayed_requests", "failed"])
    assert math.isnan(found["willcall_dead_letters_stored",])
    assert _left(away) == {}


def test_what_is_left_is_shown_of_a_class_that_sells_and_of_all_others_together(engine: Engine) -> None:
    classes = [make_ticket_class(), make_ticket_class("balcony", name="Balcony", capacity=30)]
    over = make_event("over", ends_at="2020-01-01T00:00:00+00:00", ticket_classes=[make_ticket_class("old")])
    load(engine, make_event(ticket_classes=classes), over | {"starts_at": "2019-12-31T00:00:00+00:00"})
    place(engine, quantity=3)
    assert _left(engine) == {("demo", "Concert", "standing", "Standing"): 997, _OTHERS: 30}


def test_the_number_of_series_is_bounded_and_nothing_is_counted_twice(engine: Engine) -> None:
    ids = [f"c{index:02}" for index in range(SHOWN + 5)]
    load(engine, make_event(ticket_classes=[make_ticket_class(id, capacity=100) for id in ids]))
    for index, id in enumerate(ids):
        place(engine, ticket_class=id, quantity=1 + index)
    left = _left(engine)
    assert len(left) == SHOWN + 1
    sold = sum(range(1, SHOWN + 6))
    assert sum(left.values()) == 100 * len(ids) - sold
    assert {labels[2] for labels in left} == {*ids[5:], _OTHERS[0]}, "those that sold most"
