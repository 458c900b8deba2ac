"""One key or one tenant asks for too much: it is told to wait, nothing refused is published, others go on."""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.brokers import Broker
from tests.factories import make_body
from tests.intakes import Intake, own_home, running_intake
from tests.processes import pause, resume, wait_until
from willcall.producer import Producer
from willcall.queues import share_of
from worker.runtime import embedded

Run = Callable[..., Intake]


@contextmanager
def _watched(home: Path, **changes: Any) -> Iterator[Intake]:
    """Run an intake that knows how much is in the queues."""
    with running_intake(home, **changes) as intake:
        wait_until(lambda: _knows(intake), what="an intake that knows the depths")
        yield intake


def _knows(intake: Intake) -> bool:
    return bool(intake.server.app.state.parts.quotas.is_watching)


@pytest.fixture
def run(broker: Broker) -> Iterator[Run]:
    """Start an intake with these settings, on either broker."""

    def start(**changes: Any) -> Intake:
        settings = {"broker_url": broker.url, "publish_timeout_seconds": 60, **changes}
        return broker.stack.enter_context(_watched(broker.home, **settings))

    with broker.stack:
        yield start


def _orders(count: int) -> list[dict[str, Any]]:
    return [make_body("standing") for _ in range(count)]


def _is_taken(client: httpx.Client) -> bool:
    return _send(client, 1) == 202


def _send(client: httpx.Client, count: int) -> int:
    """Send an array of orders, and return the status; a refusal says when to come back, and why."""
    answer = client.post("/v1/orders", json=_orders(count))
    if answer.status_code in (429, 503):
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert "(WILLCALL_" in answer.json()["detail"]
    return answer.status_code


def _published(intake: Intake) -> Counter[str]:
    """Take what is in the queue, and return how many requests of which tenant that is."""
    return Counter(request["tenant"] for request in intake.take_requests())


def test_a_key_with_too_much_in_the_queue_waits_until_it_is_taken(run: Run) -> None:
    intake = run(max_queued_per_key=50)
    with intake.client() as key, intake.client() as colleague, intake.client(tenant="other") as other:
        assert [_send(key, count) for count in (20, 20, 20, 11, 10, 1)] == [202, 202, 429, 429, 202, 429]
        # Neither another key of the tenant nor another tenant is refused.
        assert [_send(colleague, 50), _send(other, 50)] == [202, 202]
        assert [_send(client, 1) for client in (key, colleague, other)] == [429] * 3

        assert _published(intake) == {"demo": 100, "other": 50}
        for client in (key, colleague, other):
            wait_until(partial(_is_taken, client), what="the end of the limit")


def test_each_of_several_processes_has_its_share_of_the_queue(run: Run) -> None:
    intake = run(max_queued_per_key=20, intake_processes=2)
    with intake.client() as key, intake.client() as colleague:
        assert [_send(key, count) for count in (6, 5, 4, 1)] == [202, 429, 202, 429]
        assert "has about 20 (" in key.post("/v1/orders", json=make_body("standing")).json()["detail"]
        # A call that is larger than the share would be refused for ever.
        assert [_send(colleague, count) for count in (21, 20, 1)] == [413, 202, 429]

        assert _published(intake) == {"demo": 30}
        wait_until(lambda: _send(colleague, 20) == 202, what="room in the queue")


def test_a_tenant_with_too_much_in_the_queue_waits_and_others_do_not(run: Run) -> None:
    intake = run(max_queued_per_tenant=30)
    with intake.client() as key, intake.client() as colleague, intake.client(tenant="other") as other:
        assert [_send(key, 20), _send(colleague, 11), _send(colleague, 10)] == [202, 429, 202]
        assert [_send(key, 1), _send(colleague, 1)] == [429, 429]
        assert [_send(other, 20), _send(other, 10), _send(other, 1)] == [202, 202, 429]
        assert key.get("/v1/orders").status_code == 200, "what only reads needs no place in the queue"

        assert _published(intake) == {"demo": 30, "other": 30}
        wait_until(lambda: _send(colleague, 30) == 202, what="the end of the limit")


def test_a_full_queue_is_full_for_everybody_whoever_has_filled_it(run: Run, broker: Broker) -> None:
    intake = run(max_queued=30)
    # Thirty messages of one request each, by others.
    with Producer(broker.settings.broker(), broker.settings) as producer:
        for body in _orders(30):
            producer.send([body], tenant="demo")
    with intake.client() as key, intake.client(tenant="other") as other:
        # Until the queue is looked at again, it still seems to have room.
        wait_until(lambda: _send(key, 1) == 503, what="a full queue")
        assert _send(other, 1) == 503
        assert _published(intake)["demo"] >= 30
        for client in (key, other):
            wait_until(partial(_is_taken, client), what="room in the queue")


def test_calls_at_the_same_moment_do_not_pass_a_limit_together(run: Run) -> None:
    intake = run(max_queued_per_tenant=100)
    with intake.client() as key, ThreadPoolExecutor(16) as threads:
        statuses = Counter(threads.map(lambda _: _send(key, 7), range(64)))

    assert statuses == {202: 14, 429: 50}
    assert _published(intake) == {"demo": 98}


def test_what_the_worker_takes_makes_room_again(run: Run, broker: Broker) -> None:
    intake = run(max_queued_per_key=40)
    with intake.client() as key, intake.client(tenant="other") as other:
        assert [_send(key, 40), _send(key, 1)] == [202, 429]
        broker.worker()
        wait_until(lambda: _send(key, 40) == 202, what="room in the queue")
        answer = other.post("/v1/orders", json=make_body("standing"), headers={"prefer": "wait=120"})
        assert answer.status_code == 201, answer.text


def _metric(intake: Intake, name: str) -> float:
    text = httpx.get(f"{intake.url}/metrics", timeout=60).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_refusal_and_the_depth_of_the_queues_are_counted(run: Run, broker: Broker) -> None:
    intake = run(max_queued_per_key=3)
    name = 'willcall_limited_total{limit="max_queued_per_key"}'
    before = _metric(intake, name)
    with intake.client() as key:
        assert [_send(key, 1) for _ in range(5)] == [202, 202, 202, 429, 429]
    assert _metric(intake, name) == before + 2
    share = share_of("demo", broker.url)
    wait_until(lambda: _metric(intake, f'willcall_queue_messages{{queue="{share}"}}') == 3, what="the depth")


@pytest.fixture
def limited(home: Path, engine: object) -> Iterator[Run]:
    """Start an intake with these settings and queues of its own, on the servers of all tests."""
    with ExitStack() as stack:

        def start(**changes: Any) -> Intake:
            own = {"publish_timeout_seconds": 60, "global_keyprefix": f"{uuid4()}-"}
            return stack.enter_context(_watched(home, **own, **changes))

        yield start


def _flood(client: httpx.Client, seconds: float) -> tuple[int, int, float]:
    """Send lone orders as fast as they are answered; return how many passed, were refused, and how long."""
    started = time.monotonic()
    statuses: Counter[int] = Counter()
    while time.monotonic() - started < seconds or 429 not in statuses:
        statuses[_send(client, 1)] += 1
    assert set(statuses) <= {202, 429}
    return statuses[202], statuses[429], time.monotonic() - started


@pytest.mark.parametrize("setting", ["key_requests_per_second", "tenant_requests_per_second"])
def test_no_more_requests_a_second_pass_than_the_limit_says(limited: Run, setting: str) -> None:
    intake = limited(**{setting: 5})
    with intake.client() as key, intake.client() as colleague, intake.client(tenant="other") as other:
        passed, _, seconds = _flood(key, 3)
        # A second begins with its first request: no more of them than this can begin in that time.
        assert passed <= 5 * (math.ceil(seconds) + 1)
        assert _published(intake) == {"demo": passed}
        assert _send(other, 1) == 202, "another tenant is not limited by this one"
        statuses = [_send(client, 1) for client in (key, colleague) * 20]
        assert 202 in statuses


def test_each_order_of_an_array_counts_and_an_array_passes_whole_or_not_at_all(limited: Run) -> None:
    intake = limited(key_requests_per_second=10)
    with intake.client() as key:
        answer = key.post("/v1/orders", json=_orders(11))
        assert (answer.status_code, "10 requests" in answer.json()["detail"]) == (413, True)
        statuses: list[int] = []
        while statuses[-2:] != [202, 429]:  # the second of them in the same second as the first
            time.sleep(1)
            statuses += [_send(key, 6), _send(key, 6)]

        assert _published(intake)["demo"] == 6 * statuses.count(202)


def test_reads_count_and_who_waits_as_told_is_served(limited: Run) -> None:
    intake = limited(key_requests_per_second=3)
    with intake.client() as key, intake.client(tenant="other") as other:
        answers: list[httpx.Response] = []
        while not answers or answers[-1].status_code != 429:
            answers.append(key.get("/v1/orders"))
        assert {answer.status_code for answer in answers} == {200, 429}
        assert "KEY_REQUESTS_PER_SECOND" in answers[-1].json()["detail"]
        assert other.get("/v1/orders").status_code == 200
        time.sleep(int(answers[-1].headers["retry-after"]))
        assert key.get("/v1/orders").status_code == 200


def test_a_silent_broker_stops_no_call_and_its_depth_limits_nobody() -> None:
    with (
        own_home() as home,
        embedded.running(home, postgres_options={"fsync": "off"}),
        _watched(home, max_queued_per_key=2, publish_timeout_seconds=1) as intake,
        intake.client() as key,
    ):
        assert [_send(key, 2), _send(key, 1)] == [202, 429]
        pid = int((home / "valkey.pid").read_text().partition("\n")[0])
        pause(pid)
        try:
            wait_until(lambda: not _knows(intake), what="a depth that is too old")
            answer = key.post("/v1/orders", json=_orders(1))
            assert (answer.status_code, "broker" in answer.json()["detail"]) == (503, True)
            assert key.get("/v1/orders").status_code == 200
            # Other intakes of this process set the same gauge, each second.
            orders = 'willcall_queue_messages{queue="orders"}'
            wait_until(lambda: math.isnan(_metric(intake, orders)), what="an unknown depth")
        finally:
            resume(pid)
        wait_until(lambda: _knows(intake), what="depths that are known again")
        intake.take_messages()
        wait_until(lambda: _send(key, 2) == 202, what="an intake as before")
