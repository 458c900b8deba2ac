"""What others commit between two statements of a batch, and what tenants may not do to each other in one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from orders.process import process
from orders.upkeep.reconciliation import reconcile
from schemas.outcomes import Outcome
from schemas.requests import Request
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
from tests.orders.acting import Step, acting
from willcall.kinds import CANCEL, RELEASE, TAKE, UPDATE


@contextmanager
def _acting(engine: Engine, *steps: Step) -> Iterator[None]:
    """Act once for each step, in their order, while a batch runs in the block; each must have its turn."""
    with acting(engine, *steps) as done:
        yield
    assert len(done) == len(steps)


def _run_at(engine: Engine, now: datetime, *requests: Request) -> list[Outcome]:
    with engine.begin() as connection:
        return process(connection, requests, now=now)


def _grow(order_id: Any, quantity: int) -> Request:
    lines = [{"ticket_class_id": "stalls", "quantity": quantity}]
    return make_change(UPDATE, order_id=str(order_id), patch={"line_items": lines})


def _is_consistent(engine: Engine) -> bool:
    with engine.begin() as connection:
        return reconcile(connection, now=NOW) == []


def test_seats_that_are_gone_when_they_are_read_are_no_tickets(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-4")]))
    order_id = place(engine, ticket_class="stalls")
    buyer = make_request(ticket_class="stalls", quantity=2)

    with _acting(engine, ("AS free, held", "FOR NO KEY", lambda: run(engine, buyer))):
        (outcome,) = run(engine, _grow(order_id, 4))

    assert codes(outcome) == ["sold_out"]
    assert _is_consistent(engine)


def test_a_seat_that_came_back_after_it_was_looked_for_is_given_under_the_lock(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-2")]))
    order_id = place(engine, ticket_class="stalls")
    bought: list[Outcome] = []

    def buy() -> None:
        bought.extend(run(engine, make_request(ticket_class="stalls")))

    def give_back() -> None:
        run(engine, make_change(CANCEL, order_id=str(bought[0].order_id)))

    with _acting(engine, ("AS free, held", "FOR NO KEY", buy), ("wanted.count * 4", None, give_back)):
        (outcome,) = run(engine, _grow(order_id, 2))

    assert outcome.errors == ()
    assert rows(engine, "SELECT count(*), count(seat_id) FROM tickets WHERE status = 'valid'") == [(2, 2)]
    assert _is_consistent(engine)


def test_an_order_whose_hold_is_taken_meanwhile_waits_and_is_not_refused(engine: Engine) -> None:
    load(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    order = make_request(line_items=[{"hold_id": str(hold.request_id)}])
    now = datetime.now(UTC)

    with _acting(engine, ("FOR UPDATE OF h", "SKIP", lambda: _run_at(engine, now, hold))):
        (outcome,) = _run_at(engine, now, order)

    assert outcome.status == "waiting"
    assert _run_at(engine, now, order)[0].status == "processed"


@pytest.mark.parametrize("kind", ["create", "release"])
def test_a_hold_that_has_ended_brings_no_neighbour_down(engine: Engine, kind: str) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class(seats="1-9")]))
    soon = (NOW + timedelta(seconds=5)).isoformat()
    ended = make_change(TAKE, ticket_class_id="stalls", quantity=1)
    late = make_change(TAKE, ticket_class_id="stalls", quantity=1, expires_at=soon)
    run(engine, ended, late)
    run(engine, make_change(RELEASE, hold_id=str(ended.request_id)))
    names: dict[str, Any] = {"hold_id": str(ended.request_id)}
    request = make_request(line_items=[names]) if kind == "create" else make_change(RELEASE, **names)

    outcomes = _run_at(engine, NOW + timedelta(seconds=10), make_request(), request)

    assert [codes(one) for one in outcomes] == [[], ["hold_expired"] if kind == "create" else []]


def test_a_promo_code_counts_on_a_class_that_the_batch_makes(engine: Engine) -> None:
    load(engine, make_event(promo_codes=[{"code": "TEN", "percent": "10"}]))
    group = {"event_id": "concert", "id": "new", "section": "A", "row": "7", "price": "9.00"}
    line = {"quantity": 3, "unit_price": "6.00", "ticket_group": group}
    purchase = make_request(is_purchase=True, seller_id="them", buyer_id="us", line_items=[line])

    outcomes = run(engine, purchase, make_request(ticket_class="new", promo_code="TEN"))

    assert [one.status for one in outcomes] == ["processed", "processed"]
    assert rows(engine, "SELECT used FROM promo_codes") == [(1,)]


def test_another_tenant_that_names_the_sale_changes_nothing_of_its_cancellation(engine: Engine) -> None:
    theirs = make_ticket_class("theirs", office="them", price="50.00", cost="40.00", capacity=4)
    load(engine, make_event(ticket_classes=[theirs]))
    load(engine, make_event(), tenant="other")
    (sale,) = run(engine, make_request(ticket_class="theirs", quantity=2, seller_id="us"))
    cancel = make_change(CANCEL, order_id=str(sale.order_id))
    foreign = make_change(CANCEL, order_id=str(sale.order_id))._replace(tenant="other")

    outcomes = run(engine, cancel, foreign)

    assert [codes(one) for one in outcomes] == [[], ["unknown_order"]]
    assert rows(engine, "SELECT status FROM orders") == [("cancelled",), ("cancelled",)]


def test_nobody_locks_the_hold_of_another_tenant_by_naming_it(engine: Engine) -> None:
    load(engine)
    load(engine, make_event(), tenant="other")
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    run(engine, hold)
    foreign = make_change(RELEASE, hold_id=str(hold.request_id))._replace(tenant="other")

    with engine.begin() as theirs:
        (outcome,) = process(theirs, [foreign], now=NOW)
        with engine.begin() as ours:
            for table in ("holds", "ticket_classes"):
                free = f"SELECT count(*) FROM (SELECT 1 FROM {table} FOR UPDATE SKIP LOCKED) AS x"
                assert ours.scalar(text(free)) == rows(engine, f"SELECT count(*) FROM {table}")[0][0]

    assert codes(outcome) == ["hold_expired"]
