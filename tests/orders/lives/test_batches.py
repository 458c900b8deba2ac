"""A batch ends as its requests would one by one, each in a transaction of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import Engine

from orders.catalogue.loading import load_catalogue
from orders.process import process
from orders.recovery.delayed_requests import forget
from orders.upkeep.expiry import end_late_holds
from schemas.catalogue import Catalogue
from schemas.json import JsonObject
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
from tests.orders.lives.drawn_plans import plans
from tests.orders.lives.plans import STEP, Actor, Plan, make_events
from tests.orders.lives.snapshots import Snapshot
from willcall.kinds import CANCEL, RELEASE, TAKE, UPDATE

_PATIENCE = timedelta(hours=1)
_tenants = count(1)


class Side:
    """A tenant that acts out a plan, and what it was answered."""

    def __init__(self, engine: Engine, plan: Plan, *, is_one_by_one: bool) -> None:
        number = next(_tenants)
        tenant = f"tenant-{number}"
        self._engine = engine
        self.actor = Actor(plan, tenant, number)
        self._is_one_by_one = is_one_by_one
        self._waiting: list[Request] = []
        catalogue = {"tenant": tenant, "settings": plan.settings, "events": make_events()}
        load_catalogue(engine, Catalogue.model_validate(catalogue), now=NOW)

    def act(self, number: int) -> list[Outcome]:
        """Send a batch, with what waits; return the answers."""
        now = NOW + number * STEP
        with self._engine.connect() as connection:
            known = Snapshot(connection, self.actor.tenant, {}).known()
        requests = [*self._waiting, *self.actor.requests(number, known)]
        outcomes = self._one_by_one(requests, now) if self._is_one_by_one else self._send(requests, now)
        self._waiting = list(
            {
                request.request_id: request
                for request, outcome in zip(requests, outcomes, strict=True)
                if outcome.status == "waiting"
            }.values()
        )
        return outcomes

    def look(self, outcomes: Sequence[Outcome]) -> tuple[list[JsonObject], dict[str, list[JsonObject]]]:
        """Return the answers, and all that the tenant has."""
        with self._engine.connect() as connection:
            snapshot = Snapshot(connection, self.actor.tenant, self.actor.names())
            answers = [snapshot.named(_words(outcome)) for outcome in outcomes]
            return answers, snapshot.words()

    def _send(self, requests: Sequence[Request], now: datetime) -> list[Outcome]:
        with self._engine.begin() as connection:
            outcomes = process(connection, requests, now=now, patience=_PATIENCE)
            for outcome in outcomes:
                if outcome.status != "waiting":
                    forget(connection, outcome.request_id)
        return outcomes

    def _one_by_one(self, requests: Sequence[Request], now: datetime) -> list[Outcome]:
        """Send each alone, and what waits again after the others, until nothing moves."""
        outcomes: dict[int, Outcome] = {}
        left = list(enumerate(requests))
        while left:
            for index, request in left:
                (outcomes[index],) = self._send([request], now)
            waiting = [(index, request) for index, request in left if outcomes[index].status == "waiting"]
            if len(waiting) == len(left):
                break
            left = waiting
        return [outcomes[index] for index in range(len(requests))]


def _words(outcome: Outcome) -> JsonObject:
    return {
        "request": str(outcome.request_id),
        "status": outcome.status,
        "order": None if outcome.order_id is None else str(outcome.order_id),
        "errors": [error.as_dict() for error in outcome.errors],
    }


def _check(engine: Engine, plan: Plan) -> None:
    batch = Side(engine, plan, is_one_by_one=False)
    alone = Side(engine, plan, is_one_by_one=True)
    for number in range(len(plan.batches)):
        outcomes, expected_outcomes = batch.act(number), alone.act(number)
        # Who buys gives back what is over first, and who only changes orders does not: at last, all of it is.
        with engine.begin() as connection:
            end_late_holds(connection, now=NOW + number * STEP)
        answers, state = batch.look(outcomes)
        expected_answers, expected_state = alone.look(expected_outcomes)
        assert answers == expected_answers
        for table, expected in expected_state.items():
            assert state[table] == expected, table


def test_any_batch_ends_as_its_requests_would_one_by_one(engine: Engine) -> None:
    @settings(
        max_examples=36,
        deadline=None,
        # Making a failing plan smaller takes longer than a test may: it is shown as it was found.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def check(plan: Plan) -> None:
        _check(engine, plan)

    check()


def _load_standing(engine: Engine, capacity: int = 1) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=capacity)]))


def test_an_order_uses_a_hold_that_is_released_after_it(engine: Engine) -> None:
    _load_standing(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    run(engine, hold)
    create = make_request(line_items=[{"hold_id": str(hold.request_id)}])
    release = make_change(RELEASE, hold_id=str(hold.request_id))

    made, refused = run(engine, create, release)

    assert (made.status, codes(refused)) == ("processed", ["hold_expired"])
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(1, 0)]
    assert rows(engine, "SELECT status, order_id FROM holds") == [("used", made.order_id)]


def test_an_order_does_not_use_a_hold_that_is_released_before_it(engine: Engine) -> None:
    _load_standing(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    run(engine, hold)
    create = make_request(line_items=[{"hold_id": str(hold.request_id)}])
    release = make_change(RELEASE, hold_id=str(hold.request_id))

    released, refused = run(engine, release, create)

    assert (released.status, codes(refused)) == ("processed", ["hold_expired"])
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(0, 0)]


def test_the_last_ticket_is_sold_before_it_can_be_held(engine: Engine) -> None:
    _load_standing(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)

    sold, refused = run(engine, make_request(), hold)

    assert (sold.status, codes(refused)) == ("processed", ["sold_out"])
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(1, 0)]


def test_the_last_ticket_is_held_before_it_can_be_sold(engine: Engine) -> None:
    _load_standing(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)

    held, refused = run(engine, hold, make_request())

    assert (held.status, codes(refused)) == ("processed", ["sold_out"])
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(0, 1)]


def test_what_a_cancellation_gives_back_serves_the_order_after_it(engine: Engine) -> None:
    _load_standing(engine)
    order_id = place(engine)
    cancel = make_change(CANCEL, order_id=str(order_id))

    too_early, cancelled, served = run(engine, make_request(), cancel, make_request())

    assert codes(too_early) == ["sold_out"]
    assert (cancelled.status, served.status) == ("processed", "processed")
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(1, 0)]


def test_an_order_waits_in_its_batch_for_the_hold_that_it_names(engine: Engine) -> None:
    _load_standing(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    create = make_request(line_items=[{"hold_id": str(hold.request_id)}])

    outcomes = run(engine, create, hold)

    assert [outcome.status for outcome in outcomes] == ["processed", "processed"]
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(1, 0)]
    assert rows(engine, "SELECT status, order_id FROM holds") == [("used", outcomes[0].order_id)]


def test_whoever_waits_in_a_batch_is_served_after_those_who_need_not(engine: Engine) -> None:
    _load_standing(engine, capacity=3)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=2)
    create = make_request(line_items=[{"hold_id": str(hold.request_id)}])
    more = {"line_items": [{"ticket_class_id": "standing", "quantity": 3}]}
    update = make_change(UPDATE, order_key=create.body["idempotency_key"], patch=more)

    outcomes = run(engine, update, create, hold, make_request())

    assert [outcome.status for outcome in outcomes] == ["rejected", "processed", "processed", "processed"]
    assert codes(outcomes[0]) == ["sold_out"]


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_tickets_are_voided_in_their_order_whenever_they_were_issued(
    engine: Engine, is_one_batch: bool
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class()]))
    order_id = str(place(engine))
    lines = [
        {"ticket_class_id": "standing", "quantity": 4},
        {"ticket_class_id": "stalls", "quantity": 1},
        {"ticket_class_id": "stalls", "quantity": 2},
    ]
    # The line that grows least is filled first.
    update = make_change(UPDATE, order_id=order_id, patch={"line_items": lines})
    cancel = make_change(CANCEL, order_id=order_id)
    for batch in [[update, cancel]] if is_one_batch else [[update], [cancel]]:
        run(engine, *batch)
    voided = """
        SELECT CAST(data AS json) -> 'ticket' ->> 'line_number' FROM event_messages
        WHERE type = 'ticket.voided' ORDER BY sequence
    """
    assert [line for (line,) in rows(engine, voided)] == [*"1111233"]


def test_an_order_from_a_hold_uses_the_promo_code_of_its_event(engine: Engine) -> None:
    load(engine, make_event(promo_codes=[{"code": "FIVE", "amount": "5.00", "max_uses": 1}]))
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    create = make_request(line_items=[{"hold_id": str(hold.request_id)}], promo_code="FIVE")

    outcomes = run(engine, hold, create)

    assert [outcome.status for outcome in outcomes] == ["processed", "processed"]
    assert rows(engine, "SELECT used FROM promo_codes") == [(1,)]
    assert rows(engine, "SELECT discount FROM orders") == [(Decimal("5.00"),)]


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_the_seats_of_a_hold_go_to_tickets_in_their_order(engine: Engine, is_one_batch: bool) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-6")]))
    hold = make_change(TAKE, ticket_class_id="stalls", seats=["6", "5"])
    create = make_request(line_items=[{"hold_id": str(hold.request_id)}])

    for batch in [[hold, create]] if is_one_batch else [[hold], [create]]:
        run(engine, *batch)

    query = "SELECT label FROM tickets JOIN seats ON seats.id = seat_id ORDER BY tickets.id"
    assert rows(engine, query) == [("5",), ("6",)]
