"""Answers for all who wait: few statements, no thread for each, and each of them as it is at one moment."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import httpx
import kombu
import pytest
from sqlalchemy import Engine, event, text

from db.engine import make_engine
from intake.calls.send import with_order
from intake.dialects.render_orders import with_order_in
from intake.parts import parts_of
from intake.requests.answer_plans import WITH_ORIGINAL, Plan, plan_for_one
from intake.requests.bulk_answers import BulkAnswers
from orders.reading.outcomes import RequestRow, find_requests
from orders.reading.safe_rendering import OrderNotShown
from schemas.requests import Request
from tasks.messages import QueueMessage, parse
from tests.factories import make_change, make_request, run
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until
from vendors import ticket_evolution, zoho_backstage
from willcall.kinds import UPDATE

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


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_hundred_answers_take_as_many_statements_as_ten(intake: Intake, plan: Plan) -> None:
    counts = []
    for number in (10, 90):
        outcomes = placed(intake.engine, number)
        with statements() as ran:
            answers = answers_to(intake, outcomes, plan)
        assert [json.loads(one.body) is not None for one in answers] == [True] * number
        counts.append(len(ran))

    # Who comes first may be answered alone, and all others together.
    assert counts[1] <= 2 * counts[0] <= 40, Counter(ran)


def test_a_hundred_who_wait_have_no_threads_and_share_statements(
    intake: Intake, order: Callable[..., Any]
) -> None:
    key = intake.new_key("orders.create", "orders.read")

    async def post_all() -> list[httpx.Response]:
        headers = {"authorization": f"Bearer {key}", "prefer": "wait=60"}
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(
            base_url=intake.url, headers=headers, timeout=PATIENCE_SECONDS, limits=limits
        ) as client:
            calls = [asyncio.create_task(client.post("/v1/orders", json=order())) for _ in range(100)]
            await asyncio.to_thread(wait_until, lambda: len(waiting()) == 100, what="a hundred who wait")
            threads.append(names_of_threads())
            await asyncio.to_thread(process_all)
            return await asyncio.gather(*calls)

    def waiting() -> list[Any]:
        answers = parts_of(intake.server.app).answers
        return [*answers._waiting, *answers._new]

    def process_all() -> None:
        run(intake.engine, *(request for one in intake.take_messages() for request in requests_of(one)))

    threads: list[set[str]] = []
    with intake.client() as client:
        client.get("/v1/orders")
    before = names_of_threads()
    with statements("intake-answers") as ran:
        answers = asyncio.run(post_all())

    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 100
    assert len(threads[0] - before) <= 2, "the authenticator's thread, and the test's own"
    reads = [statement for statement in ran if "FROM requests" not in statement]
    assert len(reads) <= 4, Counter(reads)


def test_who_waits_while_the_database_is_away_is_answered_soon_afterwards(intake: Intake) -> None:
    (other,) = placed(intake.engine)
    request = make_request(line_items=[LINE])

    async def ask() -> float:
        async with answering(intake) as answers:
            with intake.engine.connect() as away:
                away.execute(text("LOCK TABLE requests IN ACCESS EXCLUSIVE MODE"))
                deadline = time.monotonic() + PATIENCE_SECONDS
                wait = answers.wait([request.request_id], other.tenant_id, PLANS["canonical"], deadline)
                asked = asyncio.create_task(wait)
                await asyncio.sleep(_AWAY_SECONDS)
            since = time.monotonic()
            await asyncio.to_thread(run, intake.engine, request)
            assert await asked is not None
            return time.monotonic() - since

    assert asyncio.run(ask()) < _AWAY_SECONDS / 2


_AWAY_SECONDS: Final = 8


def requests_of(message: kombu.Message) -> Sequence[Request]:
    body = message.body if isinstance(message.body, bytes) else message.body.encode()
    return parse(QueueMessage(message.headers["task"], message.headers["id"], body)).requests


def names_of_threads() -> set[str]:
    return {f"{thread.name} {thread.ident}" for thread in threading.enumerate()}


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


def test_small_answers_do_not_wait_for_anothers_large_ones(intake: Intake) -> None:
    lines = [{"ticket_class_id": "standing", "quantity": 400}]
    large = placed(intake.engine, 4, tenant="other", line_items=lines)
    small = placed(intake.engine, 20)
    finished: list[str] = []

    async def ask() -> None:
        async with answering(intake) as answers:

            async def one(outcome: RequestRow, name: str) -> None:
                response = await answers.answer(outcome, PLANS["canonical"])
                assert response is not None
                finished.append(name)

            with answers._reading.connect():
                asked = [asyncio.create_task(one(outcome, "large")) for outcome in large]
                asked += [asyncio.create_task(one(outcome, "small")) for outcome in small]
                await asyncio.sleep(0)
            await asyncio.gather(*asked)

    asyncio.run(ask())

    assert len(finished) == 24
    last_small = max(place for place, name in enumerate(finished) if name == "small")
    assert finished[:last_small].count("large") <= 2
