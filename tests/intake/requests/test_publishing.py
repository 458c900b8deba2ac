"""Callers that wait at the same moment share one wait for the broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from intake.parts import parts_of
from intake.requests.publish import GroupPublisher
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until
from willcall.packing import Outgoing, outgoing
from willcall.publishing import NotConfirmed

Order = Callable[..., dict[str, Any]]


async def under_way(publisher: GroupPublisher, is_waiting: Callable[[], bool]) -> "asyncio.Task[None]":
    """Publish a request to the paused broker; it is with the broker then, and waits for no other."""
    first = asyncio.create_task(publisher.publish(requests(1)))
    await asyncio.to_thread(wait_until, is_waiting, what="a request that the broker lets wait")
    return first


def requests(count: int, size: int = 10) -> list[Outgoing]:
    return [outgoing("orders.create", {"reference": "x" * size}, tenant="demo") for _ in range(count)]


@asynccontextmanager
async def started(intake: Any, **options: Any) -> AsyncIterator[GroupPublisher]:
    publisher = GroupPublisher(intake.settings, **options)
    publisher.start()
    await publisher.publish(requests(1))
    intake.take_messages()
    try:
        yield publisher
    finally:
        await asyncio.to_thread(publisher.close)


def groups(intake: Any) -> float:
    lines = httpx.get(f"{intake.url}/metrics", timeout=PATIENCE_SECONDS).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("willcall_intake_groups_total "))


def test_fifty_calls_at_once_share_few_confirms_and_messages(
    intake: Intake, client: httpx.Client, order: Order
) -> None:
    client.post("/v1/orders", json=order())
    intake.take_messages()
    before = groups(intake)
    publisher = parts_of(intake.server.app).publisher
    with ThreadPoolExecutor(51) as threads:
        with intake.paused_broker() as is_waiting:
            calls = [threads.submit(client.post, "/v1/orders", json=order())]
            wait_until(is_waiting, what="a first call that the broker lets wait")
            calls += [threads.submit(client.post, "/v1/orders", json=order()) for _ in range(50)]
            wait_until(lambda: len(publisher._callers) == 50, what="fifty calls that wait for the first")
        answers = [call.result() for call in calls]

    assert {answer.status_code for answer in answers} == {202}
    assert groups(intake) - before == 2
    messages = intake.take_messages()
    assert len(messages) <= 10
    arrived = {request["request_id"] for message in messages for request in message.payload[1]["requests"]}
    assert arrived == {answer.json()["request_id"] for answer in answers}


def test_too_many_who_wait_are_refused(intake: Intake) -> None:
    async def scenario() -> list[Any]:
        async with started(intake, max_waiting_bytes=10_000) as publisher:
            with intake.paused_broker() as is_waiting:
                first = await under_way(publisher, is_waiting)
                calls = [asyncio.create_task(publisher.publish(requests(1, size=2_900))) for _ in range(5)]
                await asyncio.sleep(0)  # all have begun
            return await asyncio.gather(first, *calls, return_exceptions=True)

    results = asyncio.run(scenario())

    assert results[:4] == [None] * 4
    assert [str(error) for error in results[4:]] == ["too many requests wait for the broker"] * 2
    assert len(intake.take_requests()) == 4


def test_closing_sends_what_waits_and_refuses_what_comes(intake: Intake) -> None:
    async def scenario() -> list[Any]:
        async with started(intake) as publisher:
            with intake.paused_broker():
                calls = [asyncio.create_task(publisher.publish(requests(2))) for _ in range(20)]
                await asyncio.sleep(0)  # all have begun
                closing = asyncio.create_task(asyncio.to_thread(publisher.close))
                await asyncio.to_thread(wait_until, lambda: publisher._is_closing, what="the closing")
            await closing
            results = await asyncio.gather(*calls, return_exceptions=True)
            with pytest.raises(NotConfirmed, match="shutting down"):
                await publisher.publish(requests(1))
            return results

    assert asyncio.run(scenario()) == [None] * 20
    assert len(intake.take_requests()) == 40


def test_what_nobody_waits_for_any_more_is_not_sent(intake: Intake) -> None:
    async def scenario() -> None:
        async with started(intake) as publisher:
            with intake.paused_broker() as is_waiting:
                first = await under_way(publisher, is_waiting)
                gone = asyncio.create_task(publisher.publish(requests(1)))
                await asyncio.sleep(0)  # it has begun
                gone.cancel()
                await asyncio.sleep(0)  # it has heard of it
            await first

    asyncio.run(scenario())

    assert len(intake.take_requests()) == 1


def test_large_calls_become_several_messages(intake: Intake) -> None:
    async def scenario() -> None:
        async with started(intake) as publisher:
            await publisher.publish(requests(8, size=100_000))

    asyncio.run(scenario())

    assert [message.headers["willcall_requests"] for message in intake.take_messages()] == [2, 2, 2, 2]
