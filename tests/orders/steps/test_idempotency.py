"""A request that comes again, or whose key was used before, takes effect once."""

from sqlalchemy import Engine

from orders.reading.outcomes import find_requests
from tests.factories import (
    codes,
    load,
    make_body,
    make_event,
    make_request,
    make_ticket_class,
    run,
    scalar,
)


def test_a_redelivered_request_issues_no_second_ticket(engine: Engine) -> None:
    load(engine)
    request = make_request()
    (first,) = run(engine, request)
    again, twice = run(engine, request, request)
    assert first == again == twice
    assert scalar(engine, "SELECT count(*) FROM tickets") == 1
    assert scalar(engine, "SELECT count(*) FROM event_messages") == 1


def test_two_requests_with_one_key_in_a_batch_are_one_order(engine: Engine) -> None:
    load(engine)
    body = make_body()
    first, second = run(engine, make_request(body), make_request(body))
    assert first.order_id == second.order_id
    assert scalar(engine, "SELECT count(*) FROM orders") == 1
    with engine.connect() as connection:
        known = find_requests(connection, [second.request_id])
    assert known[second.request_id].order_id == first.order_id


def test_the_same_key_with_another_body_is_a_conflict_and_told_once(engine: Engine) -> None:
    load(engine)
    body = make_body()
    conflicting = make_request(body | {"reference": "other"})
    first, second = run(engine, make_request(body), conflicting)
    (third,) = run(engine, conflicting)
    assert first.status == "processed"
    assert codes(second) == codes(third) == ["idempotency_conflict"]
    assert scalar(engine, "SELECT count(*) FROM event_messages WHERE type = 'order.rejected'") == 1
    with engine.connect() as connection:
        row = find_requests(connection, [conflicting.request_id])[conflicting.request_id]
    assert (row.status, row.errors[0]["code"]) == ("rejected", "idempotency_conflict")


def test_a_rejection_is_idempotent_too(engine: Engine) -> None:
    load(engine)
    body = make_body("none")
    (first,) = run(engine, make_request(body))
    load(engine, make_event(ticket_classes=[make_ticket_class("none")]))
    (second,) = run(engine, make_request(body))
    assert codes(first) == codes(second) == ["unknown_ticket_class"]
    assert scalar(engine, "SELECT count(*) FROM event_messages") == 1


def test_the_order_of_keys_in_a_body_is_no_conflict(engine: Engine) -> None:
    load(engine)
    body = make_body()
    first, second = run(engine, make_request(body), make_request(dict(reversed(body.items()))))
    assert first.order_id == second.order_id


def test_the_same_key_of_two_tenants_is_two_orders(engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    body = make_body()
    first, second = run(engine, make_request(body), make_request(body, tenant="other"))
    assert first.order_id != second.order_id
    assert scalar(engine, "SELECT count(DISTINCT tenant_id) FROM orders") == 2
