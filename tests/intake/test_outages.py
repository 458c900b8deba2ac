"""The servers behind the intake go away, for real: nothing that was accepted may be lost."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from intake.auth.authentication import Authenticator, KeysUnavailable
from tests.intakes import Intake, own_home, running_intake
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import is_installed, running_rabbitmq
from tests.troubles import TROUBLES
from worker.runtime import embedded

Order = Callable[..., dict[str, Any]]

ID = "018f3f6e-0000-7000-8000-000000000000"
CHANGES = [
    ("PATCH", f"/v1/orders/{ID}"),
    ("POST", f"/v1/orders/{ID}/cancel"),
    ("POST", f"/v1/orders/{ID}/payments"),
    ("POST", "/v1/check-ins"),
    ("POST", "/v1/holds"),
    ("POST", f"/v1/holds/{ID}/extend"),
    ("POST", f"/v1/holds/{ID}/release"),
]


@pytest.fixture
def home() -> Iterator[Path]:
    """Return the home of servers that only this test uses."""
    with own_home() as home, embedded.running(home, postgres_options={"fsync": "off"}):
        yield home


def stop(pid_file: Path, how: signal.Signals) -> None:
    pid = int(pid_file.read_text().partition("\n")[0])
    os.kill(pid, how)
    wait_until(lambda: not pid_file.exists(), what="a server that has ended")


@contextmanager
def without_broker(home: Path) -> Iterator[None]:
    stop(home / "valkey.pid", signal.SIGTERM)
    yield
    with embedded.running(home):  # starts what is missing
        pass


@contextmanager
def without_database(home: Path) -> Iterator[None]:
    stop(home / "postgres/postmaster.pid", signal.SIGINT)
    yield
    with embedded.running(home):
        pass


def refused(answer: httpx.Response) -> bool:
    """Say whether the answer is to try again later, and nothing else."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code == 503 and int(answer.headers["retry-after"]) > 0


def bad_parts(intake: Intake) -> list[str]:
    answer = httpx.get(f"{intake.url}/readyz", timeout=PATIENCE_SECONDS)
    return [error["field"] for error in answer.json().get("errors", [])]


def wait_for_bad_parts(intake: Intake, *parts: str) -> None:
    """Return when these parts are found to be away; what was found is remembered for a second."""
    wait_until(lambda: bad_parts(intake) == list(parts), what=" and ".join(parts) or "nothing amiss")


def test_without_a_broker_nothing_is_accepted_and_with_it_again_everything(home: Path, order: Order) -> None:
    with running_intake(home) as intake, intake.client() as client:
        assert client.post("/v1/orders", json=order()).status_code == 202
        with without_broker(home):
            assert refused(client.post("/v1/orders", json=order()))
            assert refused(client.post("/v1/orders", json=[order()] * 3, headers={"prefer": "wait=1"}))
            for method, path in CHANGES:
                assert refused(client.request(method, path, json={}))
            wait_for_bad_parts(intake, "broker")
            assert client.get("/v1/orders").status_code == 200
            assert client.get("/v1/holds").status_code == 200
            assert client.get("/healthz").status_code == 200

        assert client.post("/v1/orders", json=order()).status_code == 202
        assert len(intake.take_requests()) == 2
        wait_for_bad_parts(intake)


def test_without_a_database_orders_are_still_accepted_from_known_keys(home: Path, order: Order) -> None:
    with running_intake(home) as intake, intake.client() as client, intake.client() as stranger:
        client.get("/v1/orders")
        with without_database(home):
            assert client.post("/v1/orders", json=order()).status_code == 202
            time.sleep(6)  # longer than a key is taken as valid without asking
            assert client.post("/v1/orders", json=order()).status_code == 202
            assert client.post("/v1/orders", json=order(), headers={"prefer": "wait=1"}).status_code == 202
            assert refused(stranger.post("/v1/orders", json=order()))
            assert refused(client.get("/v1/orders"))
            assert refused(client.get("/v1/requests/018f3f6e-0000-7000-8000-000000000000"))
            wait_for_bad_parts(intake, "database")

        wait_for_bad_parts(intake)
        assert stranger.get("/v1/orders").status_code == 200
        assert len(intake.take_requests()) == 3


def test_without_a_database_updates_are_still_accepted(home: Path) -> None:
    with running_intake(home) as intake, intake.client() as client:
        client.get("/v1/orders")
        with without_database(home):
            for _ in range(3):
                assert client.patch(f"/v1/orders/{ID}", json={"reference": "x"}).status_code == 202

        assert all("seen_version" not in request for request in intake.take_requests())


def test_a_key_outlives_the_database_for_some_minutes_only(home: Path) -> None:
    async def find(authenticator: Authenticator, key: str) -> str:
        try:
            caller = await authenticator.find(key)
        except KeysUnavailable:
            return "nobody can tell"
        return caller.tenant if caller else "unknown"

    async def scenario(intake: Intake) -> list[str]:
        authenticator = Authenticator(intake.engine, fresh_seconds=0.01, grace_seconds=600)
        known, other = intake.new_key("admin"), intake.new_key("admin")
        found = [await find(authenticator, known)]
        with without_database(home):
            found += [await find(authenticator, known), await find(authenticator, other)]
            for remembered in authenticator._remembered.values():
                remembered.confirmed_at -= 600  # ten minutes later
            await asyncio.sleep(0.1)
            found.append(await find(authenticator, known))
            await asyncio.sleep(1.1)
        return [*found, await find(authenticator, known), await find(authenticator, other)]

    with running_intake(home) as intake:
        found = asyncio.run(scenario(intake))

    assert found == ["demo", "demo", "nobody can tell", "nobody can tell", "demo", "demo"]


def test_an_old_schema_is_not_ready(home: Path) -> None:
    with running_intake(home) as intake:
        assert bad_parts(intake) == []
        with intake.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'of_old'")
        wait_for_bad_parts(intake, "schema")


def test_a_read_only_database_is_read_and_orders_are_accepted(home: Path, order: Order) -> None:
    with running_intake(home) as intake, intake.client() as client:
        with TROUBLES["read only"](intake.engine):
            assert client.get("/v1/orders").status_code == 200
            assert client.post("/v1/orders", json=order()).status_code == 202
        wait_for_bad_parts(intake)


def test_a_broker_that_hangs_is_not_waited_for_long(home: Path, order: Order) -> None:
    with running_intake(home, publish_timeout_seconds=0.5) as intake, intake.client() as client:
        assert client.post("/v1/orders", json=order()).status_code == 202
        with intake.paused_broker():
            assert refused(client.post("/v1/orders", json=order(), timeout=20))
        assert client.post("/v1/orders", json=order()).status_code == 202


@pytest.mark.skipif(not is_installed(), reason="RabbitMQ is not installed")
def test_rabbitmq_confirms_or_nothing_is_accepted(home: Path, tmp_path: Path, order: Order) -> None:
    with (
        running_rabbitmq(tmp_path) as broker,
        running_intake(home, broker_url=broker.url, publish_timeout_seconds=60) as intake,
        intake.client() as client,
    ):
        wait_for_bad_parts(intake)
        assert client.post("/v1/orders", json=[order(), order()]).status_code == 202
        assert len(intake.take_requests()) == 2
        assert client.post("/v1/orders", json=order()).status_code == 202
        broker.kill()
        assert refused(client.post("/v1/orders", json=order()))
        wait_for_bad_parts(intake, "broker")
        broker.start()

        assert client.post("/v1/orders", json=order()).status_code == 202
        assert len(intake.take_requests()) == 2
