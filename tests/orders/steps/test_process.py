"""The path of a batch against a real PostgreSQL."""

import threading
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Engine

from db.ids import new_id
from orders.reading.order_reading import get_order
from orders.reading.outcomes import find_requests
from orders.render import to_json
from schemas.orders import Order
from tests.factories import (
    codes,
    load,
    make_body,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    rows,
    run,
    scalar,
)


def test_an_order_is_persisted_with_its_lines_tickets_payments_and_event(engine: Engine) -> None:
    load(engine, make_event(tax={"name": "VAT", "rate": "0.19"}))
    (outcome,) = run(
        engine,
        make_request(
            quantity=2,
            shipping="5.00",
            service_fee="2.50",
            tax="7.28",
            discount="3.00",
            payments=[{"type": "cash", "amount": "102.78"}],
        ),
    )
    assert outcome.status == "processed"
    assert rows(engine, "SELECT total::text, paid::text, payment_status FROM orders") == [
        ("102.78", "102.78", "paid")
    ]
    assert rows(engine, "SELECT quantity, amount::text FROM order_lines") == [(2, "91.00")]
    assert scalar(engine, "SELECT count(DISTINCT code) FROM tickets") == 2
    assert rows(engine, "SELECT type, sequence, subject FROM event_messages") == [
        ("order.confirmed", 1, outcome.order_id)
    ]
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(2,)]


def test_the_event_message_holds_the_order_just_as_it_is_read_back(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class()]))
    body = make_body(
        line_items=[
            {"ticket_class_id": "stalls", "quantity": 2, "attendees": [{"first_name": "Žofie 🎟️ دانا"}]},
            {"ticket_class_id": "standing", "quantity": 1, "unit_price": "40.00"},
        ],
        billing_address={"city": "Paris"},
        payments=[{"type": "cash", "amount": "10.00"}, {"type": "check"}],
    )
    (outcome,) = run(engine, make_request(body))
    assert outcome.order_id is not None
    with engine.connect() as connection:
        order = get_order(connection, outcome.order_id)
    assert order is not None
    told = scalar(engine, "SELECT data::text FROM event_messages")
    assert told == to_json(order).decode()
    Order.model_validate_json(told, strict=False)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"ticket_class": "none"}, "unknown_ticket_class", "line_items.0.ticket_class_id"),
        ({"event_id": "none"}, "unknown_event", "event_id"),
        ({"event_id": "other"}, "unknown_ticket_class", "line_items.0.ticket_class_id"),
        ({"promo_code": "NONE"}, "unknown_promo_code", "promo_code"),
        ({"currency": "EUR"}, "currency_mismatch", "currency"),
        ({"quantity": 0}, "invalid", "line_items.0.quantity"),
        ({"quantity": 10**9}, "invalid", "line_items.0.quantity"),
        ({"quantity": 1_000, "ticket_class": "small"}, "sold_out", "line_items.0.quantity"),
        ({"shipping": 5.0}, "invalid", "shipping"),
        ({"shipping": "1e3"}, "invalid", "shipping"),
        ({"shipping": "NaN"}, "invalid", "shipping"),
        ({"shipping": "-1"}, "invalid", "shipping"),
        ({"shipping": "1.234"}, "too_many_decimals", "shipping"),
        ({"discount": "45.51"}, "negative_total", "discount"),
        ({"reference": "a\x00b"}, "invalid", "reference"),
        ({"reference": "\ud800"}, "invalid", "reference"),
        ({"reference": "x" * 1_000_000}, "invalid", "reference"),
        ({"colour": "blue"}, "invalid", "colour"),
        ({"line_items": []}, "invalid", "line_items"),
        ({"idempotency_key": "\x00"}, "invalid", "idempotency_key"),
        ({"idempotency_key": 7}, "invalid", "idempotency_key"),
    ],
)
def test_a_bad_request_is_rejected_and_its_neighbours_are_served(
    engine: Engine, changes: dict[str, Any], code: str, field: str
) -> None:
    load(
        engine,
        make_event(ticket_classes=[make_ticket_class(), make_ticket_class("small", capacity=1)]),
        make_event("other", ticket_classes=[make_ticket_class("elsewhere")]),
    )
    before, bad, after = run(engine, make_request(), make_request(**changes), make_request())
    assert (before.status, bad.status, after.status) == ("processed", "rejected", "processed")
    assert [(error.code, error.field) for error in bad.errors] == [(code, field)]
    assert rows(
        engine, "SELECT subject, data ->> 'kind' FROM event_messages WHERE type = 'order.rejected'"
    ) == [(bad.request_id, "orders.create")]
    with engine.connect() as connection:
        row = find_requests(connection, [bad.request_id])[bad.request_id]
    assert (row.status, row.errors[0]["code"]) == ("rejected", code)


def test_another_price_is_refused_from_those_who_may_not_set_prices(engine: Engine) -> None:
    load(engine)
    line = {"ticket_class_id": "standing", "quantity": 1, "unit_price": "1.00"}
    refused, allowed = run(
        engine,
        make_request(line_items=[line], may_set_price=False),
        make_request(line_items=[line], may_set_price=True),
    )
    assert codes(refused) == ["price_mismatch"]
    assert allowed.status == "processed"


def test_a_request_is_served_whole_or_not_at_all_in_the_order_of_the_requests(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=5), make_ticket_class("plenty")]))
    both = [{"ticket_class_id": "plenty", "quantity": 1}, {"ticket_class_id": "standing", "quantity": 3}]
    outcomes = run(
        engine,
        make_request(quantity=3),
        make_request(line_items=both),
        make_request(quantity=2),
        make_request(quantity=1),
    )
    assert [outcome.status for outcome in outcomes] == ["processed", "rejected", "processed", "rejected"]
    assert rows(engine, "SELECT external_id, sold FROM ticket_classes ORDER BY 1") == [
        ("plenty", 0),
        ("standing", 5),
    ]


def test_a_class_named_in_two_lines_is_counted_in_both(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=5)]))
    line = {"ticket_class_id": "standing", "quantity": 3}
    (outcome,) = run(engine, make_request(line_items=[line, line]))
    assert codes(outcome) == ["sold_out"]


def test_no_seat_is_given_twice_and_the_first_seats_go_first(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-5")]))
    first, second, third = run(
        engine, *(make_request(ticket_class="stalls", quantity=quantity) for quantity in (2, 4, 3))
    )
    assert [first.status, second.status, third.status] == ["processed", "rejected", "processed"]
    sold = rows(
        engine,
        "SELECT t.order_id, s.label FROM tickets t JOIN seats s ON s.id = t.seat_id ORDER BY s.position",
    )
    assert sold == [(first.order_id, "1"), (first.order_id, "2")] + [
        (third.order_id, label) for label in ("3", "4", "5")
    ]


def test_a_promo_code_is_used_no_more_often_than_it_may(engine: Engine) -> None:
    promo_codes = [{"code": "FIVE", "amount": "5.00", "max_uses": 2}]
    load(engine, make_event(promo_codes=promo_codes))
    outcomes = run(engine, *(make_request(promo_code="FIVE") for _ in range(3)))
    assert [outcome.status for outcome in outcomes] == ["processed", "processed", "rejected"]
    assert codes(outcomes[2]) == ["unknown_promo_code"]
    assert rows(engine, "SELECT used FROM promo_codes") == [(2,)]
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(2,)]


def test_an_order_spans_events_of_one_currency_only(engine: Engine) -> None:
    load(
        engine,
        make_event(),
        make_event("second", ticket_classes=[make_ticket_class("b")]),
        make_event("third", currency="EUR", ticket_classes=[make_ticket_class("c")]),
    )
    good = [{"ticket_class_id": "standing", "quantity": 1}, {"ticket_class_id": "b", "quantity": 1}]
    bad = [{"ticket_class_id": "standing", "quantity": 1}, {"ticket_class_id": "c", "quantity": 1}]
    spanning, mixed = run(engine, make_request(line_items=good), make_request(line_items=bad))
    assert spanning.status == "processed"
    assert codes(mixed) == ["currency_mismatch"]


def test_a_request_of_an_unknown_tenant_is_a_dead_letter(engine: Engine) -> None:
    load(engine)
    unknown, known = run(engine, make_request(tenant="nobody\x00"), make_request())
    assert (unknown.status, known.status) == ("dead", "processed")
    assert scalar(engine, "SELECT request_id FROM dead_letters") == unknown.request_id


def test_a_request_id_that_another_request_has_is_a_dead_letter(engine: Engine) -> None:
    load(engine)
    first = make_request()
    second = make_request(request_id=first.request_id)
    run(engine, first)
    (outcome,) = run(engine, second)
    assert outcome.status == "dead"
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_names_are_kept_as_sent(engine: Engine) -> None:
    load(engine)
    name = "  שלום 👩‍👩‍👧‍👦 \u202eabc  "
    (outcome,) = run(
        engine,
        make_request(buyer={"first_name": name, "last_name": "", "email": "jürgen@bücher.example.com"}),
    )
    assert outcome.status == "processed"
    assert rows(engine, "SELECT buyer_first_name, buyer_email FROM orders") == [
        (name, "jürgen@bücher.example.com")
    ]


def test_two_batches_at_once_with_the_same_keys_and_classes_neither_double_nor_deadlock(
    engine: Engine,
) -> None:
    classes = [make_ticket_class(f"class-{number}", capacity=50) for number in range(8)]
    load(engine, make_event(ticket_classes=[*classes, make_seated_class(seats="1-100")]))
    bodies = [
        make_body(
            line_items=[
                {"ticket_class_id": f"class-{number % 8}", "quantity": 1},
                {"ticket_class_id": "stalls", "quantity": 1},
            ]
        )
        for number in range(200)
    ]
    results: list[Any] = []

    def work(order: list[dict[str, Any]]) -> None:
        for start in range(0, len(order), 25):
            results.extend(run(engine, *(make_request(body) for body in order[start : start + 25])))

    threads = [threading.Thread(target=work, args=(order,)) for order in (bodies, bodies[::-1], bodies[::2])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 500
    assert scalar(engine, "SELECT count(*) FROM orders") == 100
    assert scalar(engine, "SELECT count(DISTINCT seat_id) FROM tickets WHERE seat_id IS NOT NULL") == 100
    assert scalar(engine, "SELECT sum(sold) FROM ticket_classes") == 200
    assert scalar(engine, "SELECT count(*) FROM requests") == 200
    by_order = Counter(outcome.order_id for outcome in results if outcome.order_id)
    assert len(by_order) == 100


def test_the_database_refuses_what_wrong_code_would_write(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class()]))
    run(engine, make_request(ticket_class="stalls", quantity=2))
    for statement in (
        "UPDATE ticket_classes SET sold = capacity + 1",
        "UPDATE ticket_classes SET held = capacity",
        "UPDATE orders SET total = total + 1",
        "UPDATE orders SET total = -1",
        "UPDATE tickets SET seat_id = (SELECT seat_id FROM tickets LIMIT 1)",
        "UPDATE order_lines SET amount = amount + 1",
        "UPDATE requests SET order_id = NULL",
        "DELETE FROM orders",
    ):
        with pytest.raises(Exception, match="constraint"), engine.begin() as connection:
            connection.exec_driver_sql(statement)


def test_outcomes_come_in_the_order_of_the_requests(engine: Engine) -> None:
    load(engine)
    requests = [
        make_request(request_id=new_id(), ticket_class="standing" if number % 3 else "none")
        for number in range(30)
    ]
    outcomes = run(engine, *requests)
    assert [outcome.request_id for outcome in outcomes] == [request.request_id for request in requests]
