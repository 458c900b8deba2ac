"""A batch of changes reads what is free and locks it when it is decided; what changed meanwhile counts."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Engine

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
    read,
    rows,
    run,
)
from tests.orders.acting import acting
from willcall.kinds import CANCEL, UPDATE


def _meanwhile(engine: Engine, act: Callable[[], Any]) -> AbstractContextManager[list[Any]]:
    """Act once after the batch has read what is free, and before it locks that."""
    return acting(engine, ("AS free, held", "FOR NO KEY UPDATE", act))


def _run_with(engine: Engine, act: Callable[[], Any], *requests: Request) -> tuple[Sequence[Outcome], Any]:
    with _meanwhile(engine, act) as found:
        outcomes = run(engine, *requests)
    assert len(found) == 1, "the batch read nothing without a lock"
    return outcomes, found[0]


def _is_consistent(engine: Engine) -> bool:
    with engine.begin() as connection:
        return reconcile(connection, now=NOW) == []


def _grow(order_id: Any, quantity: int, name: str = "standing", **line: Any) -> Request:
    lines = [{"ticket_class_id": name, "quantity": quantity, **line}]
    return make_change(UPDATE, order_id=str(order_id), patch={"line_items": lines})


def test_the_last_ticket_that_was_sold_meanwhile_is_not_sold_again(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=2)]))
    order_id = place(engine)

    (outcome,), (sale,) = _run_with(engine, lambda: run(engine, make_request()), _grow(order_id, 2))

    assert (codes(outcome), sale.status) == (["sold_out"], "processed")
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(2,)]
    assert len(read(engine, order_id)["tickets"]) == 1
    assert _is_consistent(engine)


def test_what_is_still_enough_is_taken_as_it_was_decided(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=10)]))
    order_id = place(engine)

    (outcome,), (sale,) = _run_with(engine, lambda: run(engine, make_request(quantity=5)), _grow(order_id, 5))

    assert (outcome.status, sale.status) == ("processed", "processed")
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(10,)]
    assert _is_consistent(engine)


def test_what_was_given_back_meanwhile_can_be_had(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=2)]))
    order_id, other_id = place(engine), place(engine)
    cancel = make_change(CANCEL, order_id=str(other_id))

    (outcome,), _ = _run_with(engine, lambda: run(engine, cancel), _grow(order_id, 2))

    assert outcome.status == "processed"
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(2,)]
    assert _is_consistent(engine)


@pytest.mark.parametrize("seats", [None, ["2", "3"]])
def test_a_seat_that_was_sold_meanwhile_is_not_sold_again(engine: Engine, seats: list[str] | None) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-5")]))
    order_id = place(engine, ticket_class="stalls")  # seat 1
    wish = [{"ticket_class_id": "stalls", "quantity": 1, "seats": ["2"]}]
    line = {} if seats is None else {"seats": seats}

    (outcome,), (sale,) = _run_with(
        engine, lambda: run(engine, make_request(line_items=wish)), _grow(order_id, 2, "stalls", **line)
    )

    assert sale.status == "processed"
    assert codes(outcome) == ([] if seats is None else ["seat_unavailable"])
    taken = rows(engine, "SELECT count(*), count(DISTINCT seat_id) FROM tickets WHERE status = 'valid'")
    assert taken == [(3, 3)] if seats is None else [(2, 2)]
    assert _is_consistent(engine)


def test_a_batch_that_is_decided_again_leaves_nothing_of_its_first_time(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=4)]))
    orders = [place(engine) for _ in range(3)]
    requests = [_grow(orders[0], 2), make_change(CANCEL, order_id=str(orders[1])), _grow(orders[2], 2)]

    outcomes, _ = _run_with(engine, lambda: run(engine, make_request()), *requests)

    # One by one: nothing is left for the first, and what the second gives back is the third's.
    assert [codes(outcome) for outcome in outcomes] == [["sold_out"], [], []]
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(4,)]
    versions = [read(engine, one)["version"] for one in orders]
    assert versions == [1, 2, 2]
    assert rows(engine, "SELECT count(*) FROM event_messages WHERE type = 'ticket.issued'") == [(1,)]
    assert _is_consistent(engine)


def test_who_buys_still_decides_under_the_lock(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    with _meanwhile(engine, lambda: None) as found:
        run(engine, make_request(), make_change(CANCEL, order_id=str(order_id)))
    assert found == []
