"""An answer shows its order as it is at one moment, and an order that cannot be shown fails alone."""

import json
import threading
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event, text

from intake.requests.answer_plans import Plan
from orders.reading.safe_rendering import OrderNotShown
from tests.factories import make_change, run
from tests.intake.requests.answering import LINE, PLANS, answers_to, placed
from tests.intakes import Intake
from willcall.kinds import UPDATE

UNSHOWABLE: Final = {
    "what the driver cannot read": "UPDATE orders SET updated_at = 'infinity' WHERE id = :id",
    "what no model allows": """UPDATE orders SET billing_address = '{"line_1": 1}' WHERE id = :id""",
    "what cannot be rendered": "UPDATE tickets SET ticket_class_id = gen_random_uuid() WHERE order_id = :id",
}


_MEND_TICKETS: Final = """
    UPDATE tickets SET ticket_class_id = l.ticket_class_id FROM order_lines l
    WHERE l.order_id = tickets.order_id AND tickets.order_id = :id
"""


@pytest.mark.parametrize("plan", list(PLANS.values())[:2], ids=list(PLANS)[:2])
@pytest.mark.parametrize("spoil", UNSHOWABLE.values(), ids=UNSHOWABLE)
def test_an_order_that_cannot_be_shown_fails_alone(intake: Intake, plan: Plan, spoil: str) -> None:
    outcomes = placed(intake.engine, 20)
    broken = outcomes[7].order_id
    with intake.engine.begin() as connection:
        # Of an order that was changed, the rows are read.
        connection.execute(
            text("UPDATE orders SET version = 2 WHERE id = ANY(:ids)"),
            {"ids": [one.order_id for one in outcomes]},
        )
        before = connection.execute(
            text("SELECT updated_at FROM orders WHERE id = :id"), {"id": broken}
        ).scalar_one()
        connection.execute(text(spoil), {"id": broken})
    try:
        answers = answers_to(intake, outcomes, plan)
    finally:
        with intake.engine.begin() as connection:
            connection.execute(
                text("UPDATE orders SET updated_at = :at, billing_address = NULL WHERE id = :id"),
                {"at": before, "id": broken},
            )
            connection.execute(text(_MEND_TICKETS), {"id": broken})

    failed = {number for number, one in enumerate(answers) if isinstance(one, OrderNotShown)}
    if spoil == UNSHOWABLE["what no model allows"] and plan is PLANS["canonical"]:
        assert failed == set(), "our own words have no model"
    else:
        assert failed == {7}
    assert all(one.status_code == 201 for number, one in enumerate(answers) if number not in failed)


@pytest.mark.parametrize("plan", list(PLANS.values())[:2], ids=list(PLANS)[:2])
def test_an_order_that_changes_meanwhile_is_shown_as_it_was_at_one_moment(intake: Intake, plan: Plan) -> None:
    (outcome,) = placed(intake.engine)
    run(
        intake.engine,
        make_change(UPDATE, order_id=str(outcome.order_id), patch={"reference": "changed before"}),
    )
    changed: list[int] = []

    def change(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if (
            threading.current_thread().name == "answers-of-a-test"
            and "FROM tickets t" in statement
            and not changed
        ):
            changed.append(1)
            lines = [{**LINE, "quantity": 5}]
            (done,) = run(
                intake.engine,
                make_change(UPDATE, order_id=str(outcome.order_id), patch={"line_items": lines}),
            )
            assert done.status == "processed", done

    event.listen(Engine, "before_cursor_execute", change)
    try:
        (answer,) = answers_to(intake, [outcome], plan)
    finally:
        event.remove(Engine, "before_cursor_execute", change)

    assert changed, "the order changed while it was read"
    tickets = json.loads(answer.body)["tickets"]
    assert len(tickets) == 2
    if plan is PLANS["canonical"]:
        assert (answer.headers["etag"], json.loads(answer.body)["version"]) == ('"2"', 2)
    (later,) = answers_to(intake, [outcome], plan)
    assert len(json.loads(later.body)["tickets"]) == 5


def test_what_the_catalogue_says_now_is_in_the_next_answer(intake: Intake) -> None:
    (outcome,) = placed(intake.engine)
    plan = PLANS["Zoho Backstage"]
    answers_to(intake, [outcome], plan)
    name = "UPDATE ticket_classes SET name = :name WHERE external_id = 'standing'"
    with intake.engine.begin() as connection:
        connection.execute(text(name), {"name": "Standing, renamed"})
    try:
        (answer,) = answers_to(intake, [outcome], plan)
    finally:
        with intake.engine.begin() as connection:
            connection.execute(text(name), {"name": "Standing"})

    assert b"Standing, renamed" in answer.body
