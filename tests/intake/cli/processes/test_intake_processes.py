"""Several intake processes on one port: `willcall serve intake` with WILLCALL_INTAKE_PROCESSES."""

import asyncio
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from intake.reads.reader_shares import READERS
from tests.intake.cli.conftest import Willcall
from tests.intake.cli.processes.doors import ROUTE, Door, both_serve, call_at_once, open_door
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, is_alive, pause, resume, wait_until
from tests.rabbitmq import free_port
from worker.broker.depths import depth_of_orders

pytestmark = pytest.mark.xdist_group("serving")


@pytest.fixture
def door(intake: Intake, tmp_path: Path) -> Iterator[Door]:
    with open_door(intake, tmp_path) as door:
        yield door


def test_both_serve_and_their_counters_add_up_to_the_calls_made(door: Door) -> None:
    answers: list[httpx.Response] = []

    def both_have_answered() -> bool:
        answers.extend(call_at_once(door, 32))
        return door.answering() == {"intake-1", "intake-2"}

    wait_until(both_have_answered, what="calls that both answer")

    assert {answer.status_code for answer in answers} == {401}
    wait_until(lambda: door.counted() == len(answers), what="all calls in the sum")
    # Whichever of them is asked.
    assert {door.counted() for _ in range(20)} == {len(answers)}
    found = door.metrics()
    assert found["willcall_intake_call_seconds_count", "GET", ROUTE] == len(answers)
    limit = ("willcall_pool_connections_limit", "readers")
    wait_until(lambda: door.metrics().get(limit) == 2 * READERS, what="the pools of both")
    # No id is given twice: each process has a beginning of its own.
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert len({id_[:20] for id_ in ids}) == 2


def test_connections_that_stay_are_shared_evenly(door: Door) -> None:
    async def call_from_all() -> list[str]:
        limits = httpx.Limits(max_connections=40, max_keepalive_connections=40)
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits) as client:
            first = await asyncio.gather(*(client.get(f"{door.url}/v1/orders/1") for _ in range(40)))
        return [answer.headers["x-request-id"][:20] for answer in first]

    # All come in a moment, in which the first process to wake up could take all of them.
    shares: Counter[str] = Counter()
    for _ in range(5):
        shares.update(asyncio.run(call_from_all()))
    assert shares.total() == 200
    assert len(shares) == 2
    assert min(shares.values()) >= 40, shares


def test_unknown_keys_are_counted_together(intake: Intake, tmp_path: Path) -> None:
    most = 20

    def status(door: Door) -> int:
        key = f"wc_{secrets.token_urlsafe(32)}"
        return door.call(headers={"authorization": f"Bearer {key}"}).status_code

    with open_door(intake, tmp_path, WILLCALL_UNKNOWN_KEYS_PER_MINUTE=most) as door:
        minutes: set[int] = set()
        statuses: Counter[int] = Counter()
        for _ in range(4 * most):
            minutes.add(int(time.time() // 60))
            statuses[status(door)] += 1
        minutes.add(int(time.time() // 60))

        assert door.answering() == {"intake-1", "intake-2"}
    assert set(statuses) == {401, 429}
    assert most <= statuses[401] <= most * len(minutes)


def test_one_that_hangs_keeps_nobody_out(door: Door) -> None:
    hanging = min(door.children)
    pause(hanging)
    try:
        # It has the fewest connections from now on, and takes none.
        assert {answer.status_code for answer in call_at_once(door, 64)} == {401}
    finally:
        resume(hanging)


def test_what_is_not_of_one_process_is_told_once(door: Door, intake: Intake, order: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {intake.new_key('admin')}"}
    for _ in range(3):
        answer = httpx.post(f"{door.url}/v1/orders", json=order, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 202
    with intake.broker() as broker:
        waiting = sum(depth_of_orders(broker).values())

    assert waiting == 3
    wait_until(lambda: shown_as_waiting(door) == waiting, what="the depth")
    # Both have looked by now, and the sum would be twice as much.
    told = {shown_as_waiting(door) for _ in range(20)}
    assert told == {waiting}
    found = door.metrics()
    assert found["willcall_outbox_unsent",] == 0
    assert found["willcall_outbox_oldest_seconds",] == 0
    assert not any("pid" in key for key in found)


def shown_as_waiting(door: Door) -> float:
    return sum(value for key, value in door.metrics().items() if key[0] == "willcall_queue_messages")


@pytest.fixture
def order() -> dict[str, Any]:
    return {
        "event_id": "concert",
        "buyer": {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"},
        "line_items": [{"ticket_class_id": "standing", "quantity": 2}],
    }


def test_one_that_is_killed_is_replaced_while_calls_are_answered(door: Door) -> None:
    before = set(door.children)
    call_at_once(door, 16)
    wait_until(lambda: door.counted() == 16, what="the calls so far")
    is_over = threading.Event()
    statuses: list[int] = []

    def call_on_and_on() -> None:
        while not is_over.is_set():
            statuses.append(door.call().status_code)

    with ThreadPoolExecutor(4) as threads:
        callers = [threads.submit(call_on_and_on) for _ in range(4)]
        try:
            os.kill(min(before), signal.SIGKILL)
            wait_until(lambda: not is_alive(min(before)), what="its end")
            seen = len(statuses)
            wait_until(lambda: len(statuses) > seen, what="calls that are answered")
            wait_until(lambda: len(set(door.children) - before) == 1, what="another one")
            wait_until(lambda: both_serve(door), what="both")
        finally:
            is_over.set()
    for caller in callers:
        caller.result()

    assert set(statuses) == {401}
    assert len(set(door.children) - before) == 1
    assert len(set(door.children) & before) == 1
    told = [line["message"] for line in door.lines() if line["logger"] == "intake.cli.processes.intakes"]
    assert any(line.endswith("was killed by SIGKILL; restarting in 1 s") for line in told), told
    # What the dead one has counted remains: of its last tenth of a second nobody knows.
    assert door.counted() >= 16
    files = sorted(file.name for file in door.temporary.rglob("counter_*.db"))
    assert files == ["counter_0.db", "counter_1.db"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_when_told_to_stop_all_answer_those_who_wait(
    door: Door, intake: Intake, order: dict[str, Any], how: signal.Signals
) -> None:
    children = set(door.children)
    headers = {"authorization": f"Bearer {intake.new_key('admin')}", "prefer": "wait=30"}

    def create(_: int) -> httpx.Response:
        return httpx.post(f"{door.url}/v1/orders", json=order, headers=headers, timeout=PATIENCE_SECONDS)

    def published() -> float:
        return door.metrics().get(("willcall_intake_requests_total", "accepted"), 0)

    with ThreadPoolExecutor(16) as threads:
        waiting = [threads.submit(create, index) for index in range(16)]
        wait_until(lambda: published() == 16, what="calls that wait")
        door.parent.process.send_signal(how)

        assert {one.result().status_code for one in waiting} == {202}
    assert door.parent.process.wait(PATIENCE_SECONDS) == 0
    assert not any(is_alive(pid) for pid in children)
    assert list(door.temporary.iterdir()) == []
    assert "Traceback" not in door.parent.output()
    with pytest.raises(httpx.ConnectError):
        httpx.get(door.url)


def test_nobody_new_is_let_in_while_the_last_calls_are_answered(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port)) as slow:
        slow.sendall(b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
        door.parent.process.send_signal(signal.SIGTERM)

        wait_until(lambda: is_refused(door.port), what="a closed port")
        assert door.parent.process.poll() is None
        slow.sendall(b"}")
        assert slow.recv(1024).startswith(b"HTTP/1.1 401 ")
    assert door.parent.process.wait(PATIENCE_SECONDS) == 0


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_children_end_and_leave_nothing_when_the_one_above_is_killed(door: Door) -> None:
    children = set(door.children)
    assert len(children) == 2
    assert list(door.temporary.iterdir()) != []

    door.parent.end(signal.SIGKILL)

    wait_until(lambda: not any(is_alive(pid) for pid in children), what="the end of all children")
    assert list(door.temporary.iterdir()) == []


def test_their_metrics_have_a_port_of_their_own(intake: Intake, tmp_path: Path) -> None:
    with open_door(intake, tmp_path, WILLCALL_INTAKE_METRICS_PORT=free_port()) as door:
        call_at_once(door, 32)

        wait_until(lambda: door.counted() == 32, what="all calls in the sum")
        assert {door.counted() for _ in range(20)} == {32}
        assert door.metrics()["willcall_outbox_unsent",] >= 0  # it would be NaN if nobody had looked
        assert door.call("/metrics").status_code == 404
        assert door.parent.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(("processes", "mark"), [(2, "ok "), (64, "bad")])
def test_the_doctor_counts_their_connections(
    engine: Engine, willcall: Willcall, monkeypatch: pytest.MonkeyPatch, processes: int, mark: str
) -> None:
    monkeypatch.setenv("WILLCALL_INTAKE_PROCESSES", str(processes))
    [told] = [line for line in willcall("doctor").out.splitlines() if " connections: " in line]

    assert told.startswith(f"{mark} connections: the server allows 97; ")
    assert f"opens up to {39 * processes}" in told
    assert ("lower WILLCALL_INTAKE_PROCESSES" in told) == (mark == "bad")
