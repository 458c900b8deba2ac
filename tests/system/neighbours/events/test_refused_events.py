"""An event message that a broker refuses is set aside alone; one that refuses everything loses nothing."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import redis
from sqlalchemy import Engine

from intake.requests.replay_letters import replay_dead_letters
from orders.recovery.dead_letters import list_dead_letters
from tasks import resources
from tasks.relay import relay
from tests.factories import load, scalar
from tests.processes import wait_until
from tests.rabbitmq import RabbitMQ, running_rabbitmq
from tests.system.neighbours.events.listening import dead, listening, tell, unsent
from worker.runtime import embedded
from worker.runtime.settings import get_settings

LARGE: Final = "x" * 100_000
"""More than the RabbitMQ of these tests takes; it is an ordinary event message elsewhere."""

pytestmark = pytest.mark.xdist_group("refused-events")


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    home = tmp_path_factory.mktemp("rabbitmq")
    with running_rabbitmq(home, "max_message_size = 70000\n") as server:
        yield server


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the tasks of this process use a broker."""

    def use_broker(url: str, **settings: str) -> None:
        monkeypatch.setenv("WILLCALL_BROKER_URL", url)
        for name, value in settings.items():
            monkeypatch.setenv(f"WILLCALL_{name.upper()}", value)
        get_settings.cache_clear()

    return use_broker


@pytest.fixture
def broker(rabbitmq: RabbitMQ, engine: Engine, use: Callable[..., None]) -> RabbitMQ:
    load(engine)
    use(rabbitmq.url, publish_timeout_seconds="20")
    return rabbitmq


@pytest.mark.parametrize(
    "places", [{0}, {149}, {299}, {0, 1, 2, 150, 298, 299}], ids=["first", "middle", "last", "six"]
)
def test_those_that_are_too_large_are_set_aside_and_all_others_sent(
    places: set[int], broker: RabbitMQ, engine: Engine
) -> None:
    subjects = sorted(tell(engine, *["small"] * 300))
    culprits = {subjects[place] for place in places}
    with engine.begin() as connection:
        for subject in culprits:
            connection.exec_driver_sql(
                "UPDATE event_messages SET data = json_build_object('text', %s::text) WHERE subject = %s",
                (LARGE, subject),
            )
    with listening(broker.url) as listener:
        sent = relay()
        heard = listener.subjects()

    assert sent == 300 - len(culprits)
    assert heard == set(subjects) - culprits
    assert dead(engine) == culprits
    assert unsent(engine) == set()


def test_later_events_of_the_subject_go_on_and_the_gap_shows(broker: RabbitMQ, engine: Engine) -> None:
    with listening(broker.url) as listener:
        tell(engine, "one", LARGE, "three", "four", subject="01890a5d-ac96-774b-bcce-b302099a8057")
        relay()
        heard = listener.take()

    # Delivery is at least once: what shares a group with one that closes the channel may come again.
    assert list(dict.fromkeys(event["sequence"] for event in heard)) == [1, 3, 4]
    assert len(dead(engine)) == 1


def test_a_replayed_event_is_sent_when_the_broker_takes_it(broker: RabbitMQ, engine: Engine) -> None:
    with listening(broker.url) as listener:
        tell(engine, "one", LARGE, "three", subject="01890a5d-ac96-774b-bcce-b302099a8057")
        relay()
        with engine.connect() as connection:
            (stored,) = list_dead_letters(connection, 10)
        assert "order.updated of 100," in stored.letter.reason
        assert "larger than" in stored.letter.reason
        assert stored.letter.tenant == "demo"

        # Too early: it is a dead letter again, and no second one.
        assert replay_dead_letters(engine, None, get_settings()) == [stored.id]
        relay()
        assert len(dead(engine)) == 1

        broker.ctl("eval", "application:set_env(rabbit, max_message_size, 134217728).")
        try:
            resources.publisher().close()
            replay_dead_letters(engine, None, get_settings())
            assert relay() == 1
        finally:
            broker.ctl("eval", "application:set_env(rabbit, max_message_size, 70000).")
        heard = listener.take()

    assert list(dict.fromkeys(event["sequence"] for event in heard)) == [1, 3, 2]
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
    assert scalar(engine, "SELECT sequence FROM sent_marks") == 3


def test_a_full_queue_lets_its_types_wait_and_no_others(broker: RabbitMQ, engine: Engine) -> None:
    full = {"x-max-length": 100, "x-overflow": "reject-publish"}
    with listening(broker.url) as others, listening(broker.url, "order.updated", **full) as listener:
        waiting = set(tell(engine, *["text"] * 700, type="order.updated"))
        free = set(tell(engine, *["text"] * 700, type="ticket.checked_in"))
        relay()
        assert free <= others.subjects()
        # What came before the queue was full is sent, of one group.
        assert 200 <= len(unsent(engine)) < 700
        assert unsent(engine) < waiting
        assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0

        def is_empty() -> bool:
            listener.take()
            relay()
            return not unsent(engine)

        wait_until(is_empty, what="an outbox that empties as its consumer takes")
        assert listener.subjects() == waiting


def test_a_broker_with_an_alarm_takes_nothing_and_loses_nothing(
    broker: RabbitMQ, engine: Engine, use: Callable[..., None]
) -> None:
    use(broker.url, publish_timeout_seconds="1")
    with listening(broker.url) as listener:
        first = set(tell(engine, "before"))
        assert relay() == 1
        broker.ctl("set_vm_memory_high_watermark", "0")
        try:
            subjects = set(tell(engine, *["text"] * 20, LARGE))
            # The alarm stops a connection at its next message.
            wait_until(lambda: relay() == 0, what="a broker that takes nothing")
            assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
        finally:
            broker.ctl("set_vm_memory_high_watermark", "0.4")
        wait_until(lambda: bool(relay()) or not unsent(engine), what="a broker that takes some")
        wait_until(lambda: not unsent(engine), what="an empty outbox")
        assert listener.subjects() | dead(engine) == first | subjects


@contextmanager
def _valkey(home: Path) -> Iterator["redis.Redis"]:
    with embedded.running(home, postgres=False):
        client = redis.Redis(unix_socket_path=embedded.broker_url(home).removeprefix("redis+socket://"))
        yield client
        client.close()


def test_valkey_refuses_one_alone_and_the_others_go_on(
    engine: Engine, tmp_path: Path, use: Callable[..., None]
) -> None:
    load(engine)
    with _valkey(tmp_path) as client:
        url = embedded.broker_url(tmp_path)
        use(url)
        client.config_set("proto-max-bulk-len", 1024 * 1024)
        with listening(url) as listener:
            small = set(tell(engine, *["small"] * 100))
            (culprit,) = tell(engine, "x" * 1_000_000)  # and a third more, as kombu writes it
            relay()
            assert listener.subjects() == small
            assert dead(engine) == {culprit}
            assert unsent(engine) == set()

            client.config_set("proto-max-bulk-len", 512 * 1024 * 1024)
            replay_dead_letters(engine, None, get_settings())
            relay()
            assert listener.subjects() == small | {culprit}
        resources.publisher().close()


def _full(client: "redis.Redis") -> Callable[[], object]:
    client.config_set("maxmemory", 1)
    return lambda: client.config_set("maxmemory", 0)


def _read_only(client: "redis.Redis") -> Callable[[], object]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        client.replicaof("127.0.0.1", probe.getsockname()[1])
    return lambda: client.replicaof("NO", "ONE")


def _paused(client: "redis.Redis") -> Callable[[], object]:
    client.execute_command("CLIENT", "PAUSE", "600000", "WRITE")
    return lambda: client.execute_command("CLIENT", "UNPAUSE")


def _locked(client: "redis.Redis") -> Callable[[], object]:
    client.execute_command("ACL", "SETUSER", "default", "-lpush", "-set")
    return lambda: client.execute_command("ACL", "SETUSER", "default", "+@all")


@pytest.mark.parametrize("outage", [_full, _read_only, _paused, _locked])
def test_a_valkey_that_refuses_everything_loses_nothing(
    outage: Callable[["redis.Redis"], Callable[[], object]],
    engine: Engine,
    tmp_path: Path,
    use: Callable[..., None],
) -> None:
    load(engine)
    with _valkey(tmp_path) as client:
        url = embedded.broker_url(tmp_path)
        use(url, publish_timeout_seconds="1")
        with listening(url) as listener:
            subjects = set(tell(engine, *["text"] * 20))
            end = outage(client)
            assert relay() == 0
            assert unsent(engine) == subjects
            assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
            end()
            wait_until(lambda: bool(relay()) or not unsent(engine), what="a broker that takes some")
            assert unsent(engine) == set()
            assert listener.subjects() == subjects
        resources.publisher().close()


def test_a_consumer_s_key_of_another_kind_lets_its_types_wait(
    engine: Engine, tmp_path: Path, use: Callable[..., None]
) -> None:
    load(engine)
    with _valkey(tmp_path) as client:
        url = embedded.broker_url(tmp_path)
        use(url)
        with listening(url) as listener, listening(url, "order.updated") as broken:
            client.set(broken.queue.name, "no list")
            waiting = set(tell(engine, *["text"] * 50, type="order.updated"))
            free = set(tell(engine, *["text"] * 50, type="ticket.checked_in"))
            relay()
            assert unsent(engine) == waiting
            assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
            client.delete(broken.queue.name)
            relay()
            assert unsent(engine) == set()
            assert listener.subjects() == waiting | free
        resources.publisher().close()
