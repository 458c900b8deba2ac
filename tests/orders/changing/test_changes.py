"""What is done to orders that are there, against a real PostgreSQL."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from orders.process import process
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
    scalar,
)
from willcall.kinds import CANCEL, CHECK_IN, PAY, RELEASE, TAKE, UPDATE


def test_an_update_prices_the_order_again_and_keeps_the_codes_that_stay(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(price="10.00")]))
    order_id = place(engine, quantity=2, shipping="5.00")
    before = read(engine, order_id)
    line = {"ticket_class_id": "standing", "quantity": 3, "attendees": [{"first_name": "Ada"}]}
    (outcome,) = run(
        engine, make_change(UPDATE, order_id=str(order_id), patch={"line_items": [line], "shipping": "1.00"})
    )
    assert (outcome.status, outcome.order_id) == ("processed", order_id)
    after = read(engine, order_id)
    assert (after["version"], after["totals"]["total"]) == (2, "31.00")
    assert [one["code"] for one in after["tickets"]][:2] == [one["code"] for one in before["tickets"]]
    assert after["tickets"][0]["attendee"]["first_name"] == "Ada"
    assert scalar(engine, "SELECT sold FROM ticket_classes") == 3
    assert rows(engine, "SELECT sequence, type FROM event_messages ORDER BY 1") == [
        (1, "order.confirmed"),
        (2, "order.updated"),
        (3, "ticket.issued"),
    ]


def test_a_whole_cancel_voids_all_and_returns_the_inventory_once(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class()]))
    order_id = place(engine, ticket_class="stalls", quantity=3, payments=[{"type": "cash"}])
    for _ in range(2):
        (outcome,) = run(engine, make_change(CANCEL, order_id=str(order_id), reason="rain"))
        assert outcome.status == "processed"
    order = read(engine, order_id)
    assert (order["status"], order["totals"]["balance"]) == ("cancelled", "-240.00")
    assert order["cancellation"]["reason"] == "rain"
    assert {ticket["status"] for ticket in order["tickets"]} == {"voided"}
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(0,)]
    assert scalar(engine, "SELECT count(*) FROM seats WHERE is_taken") == 0


def test_an_update_before_its_create_in_one_batch_is_applied_after_it(engine: Engine) -> None:
    load(engine, make_event())
    create = make_request()
    update = make_change(UPDATE, order_key=create.body["idempotency_key"], patch={"reference": "PO-1"})
    outcomes = run(engine, update, create)
    assert [outcome.status for outcome in outcomes] == ["processed", "processed"]
    assert scalar(engine, "SELECT reference FROM orders") == "PO-1"
    assert rows(engine, "SELECT version, last_sequence FROM orders") == [(2, 2)]


def test_an_update_before_its_create_waits_for_it(engine: Engine) -> None:
    load(engine, make_event())
    create = make_request()
    update = make_change(UPDATE, order_key=create.body["idempotency_key"], patch={"reference": "PO-1"})
    (outcome,) = run(engine, update)
    assert outcome.status == "waiting"
    assert scalar(engine, "SELECT count(*) FROM requests") == 0
    run(engine, create)
    (outcome,) = run(engine, update)
    assert outcome.status == "processed"
    assert scalar(engine, "SELECT reference FROM orders") == "PO-1"


def test_a_payment_settles_the_balance(engine: Engine) -> None:
    load(engine, make_event())
    order_id = place(engine)
    (outcome,) = run(engine, make_change(PAY, order_id=str(order_id), type="paypal"))
    assert outcome.status == "processed"
    order = read(engine, order_id)
    assert (order["payment_status"], order["totals"]["paid"], order["totals"]["balance"]) == (
        "paid",
        "45.50",
        "0.00",
    )


def test_a_ticket_is_used_once(engine: Engine) -> None:
    load(engine, make_event())
    order_id = place(engine)
    code = read(engine, order_id)["tickets"][0]["code"]
    first, second = (run(engine, make_change(CHECK_IN, code=code))[0] for _ in range(2))
    assert first.status == "processed"
    assert codes(second) == ["already_checked_in"]
    assert read(engine, order_id)["check_in"] == {
        "status": "checked_in",
        "checked_in": 1,
        "tickets": 1,
    }


def test_a_hold_is_sold_to_the_order_that_names_it(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-4")]))
    hold = make_change(TAKE, ticket_class_id="stalls", quantity=3, unit_price="70.00")
    assert run(engine, hold)[0].status == "processed"
    assert codes(run(engine, make_request(ticket_class="stalls", quantity=2))[0]) == ["sold_out"]
    order_id = place(engine, line_items=[{"hold_id": str(hold.request_id)}])
    order = read(engine, order_id)
    assert [ticket["seat"] for ticket in order["tickets"]] == ["1", "2", "3"]
    assert order["totals"]["total"] == "210.00"
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(3, 0)]
    assert rows(engine, "SELECT status, order_id FROM holds") == [("used", order_id)]
    released = make_change(RELEASE, hold_id=str(hold.request_id))
    assert codes(run(engine, released)[0]) == ["hold_expired"]


def _process_now(engine: Engine, *requests: Request) -> list[str]:
    """Process as of now: what a request's id says of its age is true then."""
    with engine.begin() as connection:
        return [outcome.status for outcome in process(connection, requests, now=datetime.now(UTC))]


def test_an_order_waits_for_the_hold_that_comes_with_it_or_after_it(engine: Engine) -> None:
    load(engine, make_event())
    hold = make_change(TAKE, ticket_class_id="standing", quantity=3)
    order = make_request(line_items=[{"hold_id": str(hold.request_id)}])
    update = make_change(UPDATE, order_key=order.body["idempotency_key"], patch={"reference": "PO-1"})
    assert _process_now(engine, order, update) == ["waiting", "waiting"]
    # What comes too early in a batch is asked again when the others are through.
    assert _process_now(engine, update, order, hold) == ["processed", "processed", "processed"]
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(3, 0)]
    assert scalar(engine, "SELECT reference FROM orders") == "PO-1"


def test_an_order_does_not_wait_for_a_hold_that_was_refused_or_never_asked_for(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=2)]))
    hold = make_change(TAKE, ticket_class_id="standing", quantity=3)
    assert _process_now(engine, hold) == ["rejected"]
    order = make_request(line_items=[{"hold_id": str(hold.request_id)}])
    foreign = make_request(line_items=[{"hold_id": "5b2f3c1e-52f1-4a53-9f5d-7c1d7b9d2f10"}])
    assert _process_now(engine, order, foreign) == ["rejected", "rejected"]


def test_cancelling_some_of_a_line_leaves_the_used_tickets(engine: Engine) -> None:
    load(engine, make_event())
    order_id = place(engine, quantity=3)
    last = read(engine, order_id)["tickets"][-1]
    run(engine, make_change(CHECK_IN, code=last["code"]))
    change = make_change(CANCEL, order_id=str(order_id), lines=[{"line_number": 1, "quantity": 2}])
    assert run(engine, change)[0].status == "processed"
    tickets = read(engine, order_id)["tickets"]
    assert [ticket["status"] for ticket in tickets] == ["voided", "voided", "checked_in"]


def test_what_is_cancelled_before_it_is_paid_is_unpaid(engine: Engine) -> None:
    load(engine, make_event())
    order_id = place(engine)
    run(engine, make_change(CANCEL, order_id=str(order_id)))
    order = read(engine, order_id)
    assert (order["status"], order["payment_status"]) == ("cancelled", "unpaid")


def test_an_expired_hold_is_free_at_the_moment_it_expires(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=2)]))
    hold = make_change(TAKE, ticket_class_id="standing", quantity=2, expires_at=NOW.isoformat())
    assert codes(run(engine, hold)[0]) == ["invalid"]
    hold = make_change(TAKE, ticket_class_id="standing", quantity=2, expires_at="2026-05-04T12:00:01Z")
    assert run(engine, hold)[0].status == "processed"
    assert codes(run(engine, make_request(quantity=2))[0]) == ["sold_out"]
    with engine.begin() as connection:
        (outcome,) = process(connection, [make_request(quantity=2)], now=NOW + timedelta(seconds=1))
    assert outcome.status == "processed"
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(2, 0)]


def test_a_batch_in_reverse_is_asked_a_bounded_number_of_times_and_none_is_lost(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    updates = [
        make_change(
            UPDATE, order_id=str(order_id), expected_version=version, patch={"reference": str(version)}
        )
        for version in range(60, 0, -1)
    ]
    rounds = 0
    while any(outcome.status == "waiting" for outcome in run(engine, *updates)):
        rounds += 1
    assert 0 < rounds < 5
    order = read(engine, order_id)
    assert (order["version"], order["reference"]) == (61, "60")
