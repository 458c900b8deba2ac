"""`willcall events tail`, on Redis: RabbitMQ has a module of its own."""

import signal
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Queue
from sqlalchemy import Engine

from tests.factories import load, make_request, run
from tests.intake.cli.conftest import Willcall, running_willcall
from tests.processes import PATIENCE_SECONDS, Process, wait_until
from willcall.messages import task_message
from willcall.publishing import Publisher
from willcall.queues import EVENTS
from worker.broker.subscriptions import Subscription
from worker.runtime import embedded
from worker.runtime.settings import Settings

pytestmark = [pytest.mark.usefixtures("crew"), pytest.mark.xdist_group("crew")]


def _bound(home: Path) -> list[str]:
    with Connection(embedded.broker_url(home)) as connection:
        return [queue for _, _, queue in connection.default_channel.get_table(EVENTS.name)]


def _tell(home: Path, engine: Engine, *ticket_classes: str) -> None:
    """Have orders processed, and the relay told."""
    run(engine, *(make_request(ticket_class=name) for name in ticket_classes))
    settings = Settings(home=home)
    with Publisher(settings.broker(), settings) as publisher:
        publisher.publish([task_message("outbox.relay", b"{}", queue="outbox", summary="{}")])


def _listening(process: Process, home: Path, count: int = 1) -> None:
    wait_until(lambda: len(_bound(home)) == count or process.process.poll() is not None, what="a tail")


def test_tail_prints_events_of_the_wanted_type_and_leaves_nothing_behind(
    home: Path, engine: Engine, tmp_path: Path
) -> None:
    load(engine)
    words = ("events", "tail", "--type", "*.confirmed", "--count", "2", "--timeout", "300")

    with running_willcall(*words, variables={"WILLCALL_HOME": home}, log=tmp_path / "tail") as tail:
        _listening(tail, home)
        _tell(home, engine, "standing", "none", "standing", "standing")
        assert tail.process.wait(PATIENCE_SECONDS) == 0

    lines = tail.output().splitlines()
    assert [line.split()[1] for line in lines] == ["order.confirmed", "order.confirmed"]
    assert _bound(home) == []
    with Connection(embedded.broker_url(home)) as connection:
        assert connection.default_channel.client.keys("willcall.tail*") == []


def test_tail_prints_whole_cloud_events_for_programs(home: Path, engine: Engine, tmp_path: Path) -> None:
    import json

    load(engine)
    words = ("events", "tail", "--json", "--count", "2", "--timeout", "300")

    with running_willcall(*words, variables={"WILLCALL_HOME": home}, log=tmp_path / "tail") as tail:
        _listening(tail, home)
        _tell(home, engine, "standing", "none")
        tail.process.wait(PATIENCE_SECONDS)

    events: list[dict[str, Any]] = [json.loads(line) for line in tail.output().splitlines()]
    assert {event["type"] for event in events} == {"order.confirmed", "order.rejected"}
    assert all(event["specversion"] == "1.0" for event in events)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_tail_that_is_stopped_leaves_nothing_behind(
    home: Path, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    with running_willcall("events", "tail", variables={"WILLCALL_HOME": home}, log=tmp_path / "tail") as tail:
        _listening(tail, home)
        assert tail.end(how) == code

    assert tail.output() == ""
    assert _bound(home) == []


@pytest.mark.parametrize("call", ["queue_declare", "queue_bind"])
def test_a_subscriber_that_is_interrupted_while_it_subscribes_leaves_nothing_behind(
    home: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    declare = getattr(Queue, call)

    def interrupted(self: Queue, *args: Any, **options: Any) -> None:
        declare(self, *args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Queue, call, interrupted)
    settings = Settings(home=home)

    with pytest.raises(KeyboardInterrupt), Subscription(settings.broker(), settings):
        pass

    assert _bound(home) == []
    with Connection(embedded.broker_url(home)) as connection:
        assert connection.default_channel.client.keys("willcall.tail*") == []


def test_what_a_killed_tail_left_is_cleared_away_by_the_next(
    home: Path, engine: Engine, willcall: Willcall, tmp_path: Path
) -> None:
    load(engine)
    with running_willcall("events", "tail", variables={"WILLCALL_HOME": home}, log=tmp_path / "tail") as tail:
        _listening(tail, home)
        tail.end(signal.SIGKILL)
    (queue,) = _bound(home)
    _tell(home, engine, "standing")
    with Connection(embedded.broker_url(home)) as connection:
        client = connection.default_channel.client
        wait_until(lambda: client.llen(queue) == 1, what="an event message for the dead tail")

        willcall("events", "tail", "--timeout", 0)
        assert _bound(home) == [queue], "it may be alive: it signed a moment ago"

        client.zincrby("willcall.tails", -120, queue)  # two minutes later
        willcall("events", "tail", "--timeout", 0)
        assert _bound(home) == []
        assert client.exists(queue) == 0


def test_a_tail_that_waits_in_vain_says_so(willcall: Willcall) -> None:
    ran = willcall("events", "tail", "--count", 1, "--timeout", 0.1)

    assert (ran.code, ran.err) == (1, "willcall: 0 event messages arrived within 0.1 s, not 1\n")
