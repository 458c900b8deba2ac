"""The intake as a process of its own: it stops without losing a call, and its logs tell no names."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.intakes import Intake, serving, settings_of
from tests.processes import PATIENCE_SECONDS, wait_until

Order = Callable[..., dict[str, Any]]
SERVE = (
    "from intake.server import serve; from worker.runtime.settings import get_settings; serve(get_settings())"
)


@contextmanager
def process(intake: Intake, port: int, **settings: str) -> Iterator["subprocess.Popen[str]"]:
    environment = os.environ | {
        "WILLCALL_DATABASE_URL": intake.settings.database(),
        "WILLCALL_BROKER_URL": intake.settings.broker(),
        "WILLCALL_GLOBAL_KEYPREFIX": intake.settings.global_keyprefix,
        "WILLCALL_INTAKE_PORT": str(port),
        **settings,
    }
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield server
    finally:
        server.kill()
        server.communicate()


def wait_until_ready(port: int) -> None:
    def is_ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_ready, what="a server that is ready")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_server_answers_those_who_wait_and_ends_well(
    intake: Intake, order: Order, how: signal.Signals
) -> None:
    port = settings_of(intake.settings.home).intake_port
    headers = {"authorization": f"Bearer {intake.new_key('admin')}", "prefer": "wait=30"}
    url = f"http://127.0.0.1:{port}/v1/orders"
    with process(intake, port) as server, ThreadPoolExecutor(1) as threads:
        wait_until_ready(port)
        waiting = threads.submit(httpx.post, url, json=order(), headers=headers, timeout=PATIENCE_SECONDS)
        wait_until(lambda: intake.take_requests() != [], what="a call that waits")
        server.send_signal(how)

        # Not cut off, as uvicorn does after 15 seconds, and not waited for to the end, 30 seconds.
        assert waiting.result().status_code == 202
        assert server.wait(PATIENCE_SECONDS) == 0


def test_a_call_on_an_open_connection_is_still_answered_when_the_server_ends(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.server.GOODBYE_SECONDS", PATIENCE_SECONDS)
    settings = settings_of(intake.settings.home, database_url=intake.settings.database())
    with httpx.Client(
        base_url=f"http://127.0.0.1:{settings.intake_port}", timeout=PATIENCE_SECONDS
    ) as client:
        with serving(settings) as server:
            assert "connection" not in client.get("/healthz").headers
            server.should_exit = True
            wait_until(lambda: not _is_listening(settings.intake_port), what="a server that listens no more")
            last = client.get("/healthz")
        assert (last.status_code, last.headers["connection"]) == (200, "close")


def _is_listening(port: int) -> bool:
    with socket.socket() as another:
        return another.connect_ex(("127.0.0.1", port)) == 0


def test_its_logs_are_json_and_hold_neither_names_nor_keys(intake: Intake, order: Order) -> None:
    port = settings_of(intake.settings.home).intake_port
    key = intake.new_key("admin")
    headers = {"authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{port}/v1/orders"
    with process(intake, port) as server:
        wait_until_ready(port)
        with httpx.Client(headers=headers, timeout=PATIENCE_SECONDS) as client:
            assert client.post(url, json=order()).status_code == 202
            assert client.get(url, params={"email": "sam@example.com"}).status_code == 200
            assert client.post(url, content="sam@example.com").status_code == 415
        server.terminate()
        _, logs = server.communicate(timeout=PATIENCE_SECONDS)

    assert [json.loads(line) for line in logs.splitlines()]
    assert key not in logs
    assert "sam@example.com" not in logs


def test_a_taken_port_ends_the_process_with_a_failure(intake: Intake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with process(intake, taken.getsockname()[1]) as server:
            assert server.wait(PATIENCE_SECONDS) != 0


def test_an_unexpected_failure_is_a_problem_that_tells_nothing(
    intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("sam@example.com")

    with serving(settings_of(intake.settings.home)) as server:
        server.app.add_api_route("/fail", fail, include_in_schema=False)
        answer = httpx.get(f"http://127.0.0.1:{server.config.port}/fail", timeout=PATIENCE_SECONDS)

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "sam@example.com" not in answer.text + caplog.text
    [record] = [one for one in caplog.records if one.message == "a call failed unexpectedly"]
    assert vars(record)["error"] == "RuntimeError"
    assert "in fail" in vars(record)["where"]


def test_a_wrong_statement_is_a_problem_that_tells_nothing(
    intake: Intake, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with intake.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE orders RENAME TO orders_of_old")
    try:
        answer = client.get("/v1/orders", params={"email": "sam@example.com"})
    finally:
        with intake.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE orders_of_old RENAME TO orders")

    assert answer.status_code == 500
    assert answer.json()["errors"] == []
    assert "orders" not in answer.text
    assert "sam@example.com" not in caplog.text
