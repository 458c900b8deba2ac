"""What an order's states come to, in whichever order things happen."""

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from schemas.outcomes import Outcome
from schemas.requests import Request
from tests.factories import (
    NOW,
    codes,
    load,
    load_with_settings,
    make_change,
    make_event,
    make_ticket_class,
    place,
    read,
    run,
)
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE

REFUND: dict[str, Any] = {"type": "cash", "is_refund": True}


def _on(order_id: UUID, kind: str, **body: Any) -> Request:
    return make_change(kind, order_id=str(order_id), **body)


def _one(engine: Engine, request: Request) -> Outcome:
    (outcome,) = run(engine, request)
    return outcome


def _states(order: dict[str, Any]) -> tuple[str, str, str, list[str]]:
    tickets = [ticket["status"] for ticket in order["tickets"]]
    return order["status"], order["payment_status"], order["totals"]["balance"], tickets


@pytest.mark.parametrize("is_one_batch", [True, False])
@pytest.mark.parametrize("steps", [*permutations(["cancel", "refund 45.50", "refund 45.50"])])
def test_cancelled_and_refunded_in_either_order_end_the_same(
    engine: Engine, steps: tuple[str, ...], is_one_batch: bool
) -> None:
    load(engine)
    order_id = place(engine, quantity=2, payments=[{"type": "cash"}])
    requests = [
        _on(order_id, CANCEL) if step == "cancel" else _on(order_id, PAY, amount=step.split()[1], **REFUND)
        for step in steps
    ]
    for batch in [requests] if is_one_batch else [[one] for one in requests]:
        assert {outcome.status for outcome in run(engine, *batch)} == {"processed"}

    assert _states(read(engine, order_id)) == ("refunded", "refunded", "0.00", ["voided"] * 2)
    # Nothing comes and goes any more, and cancelling once more is no mistake.
    assert codes(_one(engine, _on(order_id, PAY, type="cash", amount="1.00"))) == ["not_allowed_in_status"]
    assert codes(_one(engine, _on(order_id, CANCEL))) == []


def test_a_refund_that_was_promised_ends_a_cancelled_order_when_it_is_completed(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, payments=[{"type": "cash"}])
    run(engine, _on(order_id, PAY, status="pending", amount="45.50", **REFUND), _on(order_id, CANCEL))
    assert read(engine, order_id)["status"] == "cancelled"

    run(engine, _on(order_id, PAY, payment_number=2, **REFUND))

    assert _states(read(engine, order_id))[:3] == ("refunded", "refunded", "0.00")


def test_what_was_paid_in_part_and_refunded_is_refunded_too(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, payments=[{"type": "cash", "amount": "20.00"}])

    run(engine, _on(order_id, PAY, amount="20.00", **REFUND), _on(order_id, CANCEL))

    assert _states(read(engine, order_id))[:3] == ("refunded", "refunded", "0.00")


@pytest.mark.parametrize(
    "terms",
    [
        {"line_items": [{"ticket_class_id": "standing", "quantity": 1, "unit_price": "0.00"}]},
        {"discount": "45.50"},
        {"promo_code": "GUEST"},
        {"promo_code": "ALL"},
    ],
)
def test_a_free_order_is_paid_and_stays_so_when_it_is_cancelled(
    engine: Engine, terms: dict[str, Any]
) -> None:
    promo_codes = [{"code": "GUEST", "percent": "100"}, {"code": "ALL", "amount": "99.00"}]
    load_with_settings(engine, make_event(promo_codes=promo_codes), issues_tickets="on_payment")
    order_id = place(engine, **terms)
    order = read(engine, order_id)
    assert _states(order) == ("placed", "paid", "0.00", ["valid"])
    assert order["tickets"][0]["code"]

    assert codes(_one(engine, _on(order_id, CANCEL))) == []

    assert _states(read(engine, order_id)) == ("cancelled", "paid", "0.00", ["voided"])


def test_an_order_that_becomes_free_is_paid_and_its_tickets_are_issued(engine: Engine) -> None:
    load_with_settings(engine, issues_tickets="on_payment")
    order_id = place(engine)

    run(engine, _on(order_id, UPDATE, patch={"discount": "45.50"}))

    order = read(engine, order_id)
    assert _states(order)[:3] == ("placed", "paid", "0.00")
    assert order["tickets"][0]["code"]


def test_a_payment_that_comes_pending_with_the_order_issues_the_tickets_when_it_is_completed(
    engine: Engine,
) -> None:
    load_with_settings(engine, issues_tickets="on_payment")
    order_id = place(engine, payments=[{"type": "check", "status": "pending"}])
    order = read(engine, order_id)
    assert _states(order)[:3] == ("placed", "unpaid", "45.50")
    assert order["tickets"][0]["code"] is None

    run(engine, _on(order_id, PAY, type="check", payment_number=1))

    order = read(engine, order_id)
    assert _states(order)[:3] == ("placed", "paid", "0.00")
    assert order["tickets"][0]["code"]


def test_a_new_order_whose_payment_was_refunded_is_refunded(engine: Engine) -> None:
    load_with_settings(engine, issues_tickets="on_payment")
    order_id = place(
        engine, payments=[{"type": "cash"}, {"type": "cash", "amount": "45.50", "is_refund": True}]
    )

    order = read(engine, order_id)
    assert (order["payment_status"], order["totals"]["refunded"], order["totals"]["balance"]) == (
        "refunded",
        "45.50",
        "45.50",
    )
    assert order["tickets"][0]["code"] is None


def test_an_order_that_nobody_paid_is_unpaid_when_it_is_cancelled_and_owes_nothing(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)

    run(engine, _on(order_id, CANCEL))

    assert _states(read(engine, order_id))[:3] == ("cancelled", "unpaid", "0.00")


class TestNotIssued:
    def test_a_ticket_that_is_not_issued_is_not_checked_in(self, engine: Engine) -> None:
        load_with_settings(engine, issues_tickets="on_payment")
        order_id = place(engine)
        ticket_id = read(engine, order_id)["tickets"][0]["id"]
        scan = {"ticket_id": ticket_id, "event_id": "concert"}

        outcome = _one(engine, make_change(CHECK_IN, **scan))

        assert (codes(outcome), outcome.errors[0].field) == (["not_issued"], "ticket_id")
        assert read(engine, order_id)["tickets"][0]["status"] == "valid"
        # Once it is paid, it is.
        run(engine, _on(order_id, PAY, type="cash"))
        assert codes(_one(engine, make_change(CHECK_IN, **scan))) == []

    def test_nor_is_one_that_came_later_to_a_paid_order(self, engine: Engine) -> None:
        load_with_settings(engine, issues_tickets="on_payment")
        order_id = place(engine, payments=[{"type": "cash"}])
        more = {"line_items": [{"ticket_class_id": "standing", "quantity": 2}]}
        run(engine, _on(order_id, UPDATE, patch=more))
        first, second = (ticket["id"] for ticket in read(engine, order_id)["tickets"])

        outcomes = run(
            engine, *(make_change(CHECK_IN, ticket_id=id_, event_id="concert") for id_ in (first, second))
        )

        assert [codes(outcome) for outcome in outcomes] == [[], ["not_issued"]]

    def test_a_voided_one_is_voided_first_of_all(self, engine: Engine) -> None:
        load_with_settings(engine, issues_tickets="on_payment")
        order_id = place(engine)
        ticket_id = read(engine, order_id)["tickets"][0]["id"]
        run(engine, _on(order_id, CANCEL))

        assert codes(_one(engine, make_change(CHECK_IN, ticket_id=ticket_id))) == ["ticket_voided"]


def test_a_free_class_beside_a_paid_one_is_owed_as_a_whole(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_ticket_class("child", price="0.00")]))
    order_id = place(
        engine,
        line_items=[
            {"ticket_class_id": "standing", "quantity": 1},
            {"ticket_class_id": "child", "quantity": 1},
        ],
        payment_due_at=NOW.isoformat(),
    )
    assert _states(read(engine, order_id))[:3] == ("placed", "unpaid", "45.50")
