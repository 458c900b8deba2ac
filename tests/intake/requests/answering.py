"""Answers to requests with outcomes, as the intake's thread makes them, and the statements that they take."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from sqlalchemy import Engine, event

from db.engine import make_engine
from intake.calls.send import with_order
from intake.dialects.render_orders import with_order_in
from intake.requests.answer_plans import WITH_ORIGINAL, Plan, plan_for_one
from intake.requests.bulk_answers import BulkAnswers
from orders.reading.outcomes import RequestRow, find_requests
from tests.factories import make_request, run
from tests.intakes import Intake
from vendors import ticket_evolution, zoho_backstage

LINE: Final = {"ticket_class_id": "standing", "quantity": 2}
PLANS: Final[dict[str, Plan]] = {
    "canonical": with_order(201),
    "Zoho Backstage": with_order_in(zoho_backstage.answer, "zoho_backstage", 201),
    "Ticket Evolution": with_order_in(ticket_evolution.answer, "ticket_evolution", 201),
    "with the original": plan_for_one(
        lambda snapshot, one: PLANS["canonical"].make(snapshot, [one]), WITH_ORIGINAL
    ),
}


def placed(engine: Engine, count: int = 1, tenant: str = "demo", **fields: Any) -> list[RequestRow]:
    """Return the outcomes of new orders."""
    requests = [make_request(tenant=tenant, **{"line_items": [LINE], **fields}) for _ in range(count)]
    outcomes = run(engine, *requests)
    assert {one.status for one in outcomes} == {"processed"}, outcomes
    with engine.connect() as connection:
        found = find_requests(connection, [one.request_id for one in requests])
    return [found[one.request_id] for one in requests]


@asynccontextmanager
async def answering(intake: Intake) -> AsyncIterator[BulkAnswers]:
    """Return what answers, with a connection and a thread of its own."""
    engine = make_engine(intake.settings.database(), pool_size=1, max_overflow=0, is_tried_again=True)
    answers = BulkAnswers(engine, "answers-of-a-test")
    answers.start()
    try:
        yield answers
    finally:
        await answers.close()
        engine.dispose()


def answers_to(intake: Intake, outcomes: Sequence[RequestRow], plan: Plan) -> list[Any]:
    """Return the answers to outcomes that are known at the same moment, or what they raise."""

    async def ask() -> list[Any]:
        async with answering(intake) as answers:
            # While the only connection is taken, all of them come.
            with answers._reading.connect():
                asked = [asyncio.create_task(answers.answer(one, plan)) for one in outcomes]
                await asyncio.sleep(0)
            return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask())


@contextmanager
def statements(name: str = "answers-of-a-test") -> Iterator[list[str]]:
    """Collect the statements that a thread runs."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread().name == name:
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
