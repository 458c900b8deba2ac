"""Answers for all who wait: few statements, no thread for each, and none waits for another's."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
import kombu
import pytest
from sqlalchemy import text

from intake.parts import parts_of
from intake.requests.answer_plans import Plan
from orders.reading.outcomes import RequestRow
from schemas.requests import Request
from tasks.messages import QueueMessage, parse
from tests.factories import make_request, run
from tests.intake.requests.answering import LINE, PLANS, answering, answers_to, placed, statements
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until


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
