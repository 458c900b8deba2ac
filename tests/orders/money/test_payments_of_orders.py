"""What is paid, owed back, pending or not paid in time."""

from datetime import timedelta

from sqlalchemy import Engine

from orders.process import process
from orders.reading.history import read_history
from orders.upkeep.expiry import propose_expiries
from tests.factories import NOW, codes, load, load_with_settings, make_request, place, read, rows, run, scalar
from tests.orders.processing import process_one
from willcall.kinds import CANCEL, PAY, UPDATE


def test_no_more_is_refunded_than_was_paid(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, payments=[{"type": "cash", "amount": "10.00"}])
    refund = {"order_id": str(order_id), "type": "cash", "is_refund": True}
    assert codes(process_one(engine, PAY, **refund, amount="10.01")) == ["invalid"]
    assert codes(process_one(engine, PAY, **refund)) == ["invalid"]  # nothing is owed to the buyer
    for _ in range(2):
        assert process_one(engine, PAY, **refund, amount="6.00", status="pending").status == "processed"
    assert process_one(engine, PAY, **refund, payment_number=2).status == "processed"
    assert codes(process_one(engine, PAY, **refund, payment_number=3)) == ["invalid"]
    totals = read(engine, order_id)["totals"]
    assert (totals["paid"], totals["refunded"], totals["balance"]) == ("10.00", "6.00", "41.50")
    assert codes(process_one(engine, PAY, **refund, amount="4.005")) == ["too_many_decimals"]
    assert process_one(engine, PAY, **refund, amount="4.00").status == "processed"
    assert read(engine, order_id)["payment_status"] == "refunded"


def test_what_was_paid_for_a_cancelled_order_is_owed_back(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2, payments=[{"type": "cash"}])
    process_one(engine, CANCEL, order_id=str(order_id))
    assert read(engine, order_id)["totals"]["balance"] == "-91.00"
    assert process_one(engine, PAY, order_id=str(order_id), type="cash", is_refund=True).status == "processed"
    order = read(engine, order_id)
    assert (order["status"], order["payment_status"]) == ("refunded", "refunded")
    assert order["totals"]["balance"] == "0.00"


def test_a_pending_payment_counts_when_it_is_completed(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    process_one(engine, PAY, order_id=str(order_id), type="check", status="pending")
    assert read(engine, order_id)["payment_status"] == "unpaid"
    wrong = {"type": "cash"}, {"type": "check", "amount": "1.00"}, {"type": "check", "is_refund": True}
    for words in wrong:
        assert codes(process_one(engine, PAY, order_id=str(order_id), payment_number=1, **words)) == [
            "invalid"
        ]
    for _ in range(2):
        assert process_one(engine, PAY, order_id=str(order_id), type="check", payment_number=1).errors == ()
    order = read(engine, order_id)
    assert (order["payment_status"], order["version"], len(order["payments"])) == ("paid", 3, 1)


def test_a_credit_card_needs_a_gateway(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    created = run(engine, make_request(payments=[{"type": "credit_card"}]))[0]
    paid = process_one(engine, PAY, order_id=str(order_id), type="credit_card")
    for outcome, field in ((created, "payments.0.type"), (paid, "type")):
        (rejection,) = outcome.errors
        assert (rejection.code, rejection.field) == ("invalid", field)
        assert "payment gateway" in rejection.message
    assert scalar(engine, "SELECT count(*) FROM payments") == 0


def test_what_is_not_paid_in_time_is_cancelled_where_the_tenant_says_so(engine: Engine) -> None:
    load_with_settings(engine, cancels_unpaid=True)
    due = {"payment_due_at": (NOW + timedelta(hours=1)).isoformat()}
    unpaid = place(engine, **due)
    paid = place(engine, payments=[{"type": "cash"}], **due)
    not_due = place(engine)
    with engine.connect() as connection:
        assert propose_expiries(connection, now=NOW) == []
    later = NOW + timedelta(hours=1)
    for expected in (1, 0):  # once, however often the sweep comes
        with engine.begin() as connection:
            requests = propose_expiries(connection, now=later)
            process(connection, requests, now=later)
        assert len(requests) == expected
    assert [read(engine, one)["status"] for one in (unpaid, paid, not_due)] == [
        "cancelled",
        "placed",
        "placed",
    ]
    assert "not paid" in read(engine, unpaid)["cancellation"]["reason"]
    with engine.connect() as connection:
        assert read_history(connection, unpaid)[-1]["by"] == "schedule"


def test_what_is_not_paid_in_time_stays_where_the_tenant_does_not_say_so(engine: Engine) -> None:
    load(engine)
    place(engine, payment_due_at=NOW.isoformat())
    with engine.connect() as connection:
        assert propose_expiries(connection, now=NOW + timedelta(days=1)) == []


def test_tickets_are_issued_on_full_payment_where_the_tenant_says_so(engine: Engine) -> None:
    load_with_settings(engine, issues_tickets="on_payment")
    order_id = place(engine, quantity=2)
    assert [one["code"] for one in read(engine, order_id)["tickets"]] == [None, None]
    process_one(engine, PAY, order_id=str(order_id), type="cash", amount="45.50")
    assert [one["code"] for one in read(engine, order_id)["tickets"]] == [None, None]
    process_one(engine, PAY, order_id=str(order_id), type="cash")
    tickets = [one["code"] for one in read(engine, order_id)["tickets"]]
    assert all(tickets)
    told = rows(engine, "SELECT type, count(*) FROM event_messages GROUP BY 1 ORDER BY 1")
    assert told == [("order.confirmed", 1), ("payment.recorded", 2), ("ticket.issued", 2)]
    # One more ticket is one that is not paid yet.
    more = {"line_items": [{"ticket_class_id": "standing", "quantity": 3}]}
    process_one(engine, UPDATE, order_id=str(order_id), patch=more)
    assert [one["code"] for one in read(engine, order_id)["tickets"]] == [*tickets, None]
    assert all(one["code"] for one in read(engine, place(engine, payments=[{"type": "cash"}]))["tickets"])
