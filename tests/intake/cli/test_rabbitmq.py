"""The commands on RabbitMQ, where they differ."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from sqlalchemy import Engine

from orders.recovery.dead_letters import DeadLetter, bury, list_dead_letters
from tests.factories import NOW, load, make_body
from tests.intake.cli.conftest import WILLCALL, Willcall, environment, running_willcall
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import RabbitMQ, is_installed, running_rabbitmq
from willcall.kinds import CREATE
from willcall.publishing import Publisher
from worker.runtime.settings import Settings

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="RabbitMQ is not installed"),
    pytest.mark.xdist_group("commands-rabbitmq"),
]


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def on_rabbitmq(rabbitmq: RabbitMQ, willcall: Willcall, monkeypatch: pytest.MonkeyPatch) -> Willcall:
    """Runs a command in this process, on a RabbitMQ whose queues are there and empty."""
    with Publisher(rabbitmq.url, Settings(broker_url=rabbitmq.url)) as publisher:
        publisher.publish([])  # declares the queues
    with Connection(rabbitmq.url) as connection:
        connection.default_channel.queue_purge("orders")
    monkeypatch.setenv("WILLCALL_BROKER_URL", rabbitmq.url)
    monkeypatch.setenv("WILLCALL_PUBLISH_TIMEOUT_SECONDS", "60")  # it is there, however slow it is
    return willcall


def _tails(rabbitmq: RabbitMQ) -> int:
    """Return how many queues of tails there are: each is bound to the exchange of events alone."""
    import os

    done = subprocess.run(
        [Path("/usr/lib/rabbitmq/bin/rabbitmqctl"), "--silent", "list_queues", "name"],
        env=os.environ | rabbitmq.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return sum(name.startswith("willcall.tail.") for name in done.stdout.split())


def test_the_demo_ends_as_expected(rabbitmq: RabbitMQ, home: Path, engine: Engine) -> None:
    ran = subprocess.run(
        [WILLCALL, "demo", "--json"],
        env=environment(WILLCALL_HOME=home, WILLCALL_BROKER_URL=rabbitmq.url),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["is_as_expected"] is True


def test_a_killed_tail_leaves_no_queue(rabbitmq: RabbitMQ, home: Path, tmp_path: Path) -> None:
    variables = {"WILLCALL_HOME": home, "WILLCALL_BROKER_URL": rabbitmq.url}

    with running_willcall("events", "tail", variables=variables, log=tmp_path / "tail") as tail:
        wait_until(lambda: _tails(rabbitmq) == 1, what="a tail")
        tail.end(signal.SIGKILL)

    wait_until(lambda: _tails(rabbitmq) == 0, what="the end of its queue")


def test_the_doctor_counts_what_waits_and_misses_the_workers(on_rabbitmq: Willcall, engine: Engine) -> None:
    on_rabbitmq("submit", "-", "--tenant", "demo", stdin=json.dumps(make_body()).encode())

    ran = on_rabbitmq("doctor", "--json")

    assert ran.code == 1
    checks: dict[str, Any] = {one["check"]: one for one in ran.json["checks"]}
    assert checks["broker"]["message"].startswith("RabbitMQ ")
    assert checks["queue orders"]["message"] == "waiting: 1 message"
    assert [name for name, one in checks.items() if not one["is_ok"]] == ["schedule", "workers", "documents"]
    assert "maxmemory-policy" not in checks


def test_a_dead_letter_is_replayed(on_rabbitmq: Willcall, rabbitmq: RabbitMQ, engine: Engine) -> None:
    load(engine)
    with engine.begin() as connection:
        bury(connection, [DeadLetter(CREATE, json.dumps(make_body()).encode(), "hopeless")], NOW)
        (letter,) = list_dead_letters(connection, 1)
    with Connection(rabbitmq.url) as connection_:
        channel = connection_.default_channel
        assert on_rabbitmq("dead-letters", "replay", letter.id).code == 0

        assert channel.queue_declare("orders", passive=True).message_count == 1
    assert on_rabbitmq("dead-letters", "list", "--json").json == []
