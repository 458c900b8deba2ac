"""No call to a broker waits without an end, wherever in the conversation the broker falls silent."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
import redis
from celery import Celery

from intake.cli.checks.checks import run_broker_checks
from intake.monitoring.readiness import Readiness
from tests.processes import PATIENCE_SECONDS, pause, resume
from tests.rabbitmq import running_rabbitmq
from tests.system.neighbours.servers.silence import Direction, proxy
from willcall.connections import open_connection
from willcall.messages import Message
from willcall.publishing import NotConfirmed, Publisher
from willcall.queues import EVENTS, OUTBOX
from worker.broker.deliveries import Delivery
from worker.broker.depths import depth_of
from worker.broker.subscriptions import Subscription, clear_abandoned_subscriptions
from worker.flower_events import Announcer
from worker.runtime import embedded
from worker.runtime.settings import Settings, get_settings

pytestmark = pytest.mark.xdist_group("silent-brokers")

BOUND: Final = 60.0
"""Seconds after which a call counts as one that never ends; each of its waits is of one or of five."""

POINTS: Final = 8
"""In how many places each conversation is cut, in each direction."""


def _settings(url: str) -> Settings:
    return Settings(broker_url=url, publish_timeout_seconds=1)


def _publish(url: str) -> None:
    publisher = Publisher(url, _settings(url))
    try:
        publisher.publish([Message(EVENTS.name, "order.updated", b"x" * 50_000)] * 10)
        publisher.probe()
    finally:
        publisher.close()


def _count(url: str) -> None:
    with open_connection(url, _settings(url), seconds=1) as connection:
        depth_of(connection, OUTBOX)


def _subscribe(url: str) -> None:
    with Subscription(url, _settings(url)) as subscription:
        subscription.receive(lambda _: None, lambda: True)


def _clear(url: str) -> None:
    clear_abandoned_subscriptions(_settings(url))


def _is_ready(url: str) -> None:
    checked = SimpleNamespace(_settings=_settings(url))
    if Readiness._check_broker(checked):  # type: ignore[arg-type] # it reads only these
        raise NotConfirmed("it does not answer")


def _announce(url: str) -> None:
    announcer = Announcer(Celery(set_as_current=False), "worker")
    announcer.announce([Delivery("1", "orders.create", "id", b"", 1, 1, None)], "processed=1", 0.0)
    announcer.close()


def _doctor(url: str) -> None:
    findings = run_broker_checks(_settings(url))
    if any(finding.check == "broker" and not finding.is_ok for finding in findings):
        raise NotConfirmed("it does not answer")


CALLS: Final = [_publish, _count, _subscribe, _clear, _is_ready, _announce, _doctor]


def _ends(call: Callable[[str], None], url: str) -> BaseException | None:
    """Call it, and return what it raised; fail if it does not end."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call(url)
        except BaseException as error:  # noqa: BLE001 - it is looked at by the test
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(BOUND)
    assert not thread.is_alive(), f"{call.__name__} does not end"
    return raised[0] if raised else None


@contextmanager
def _servers(kind: str, folder: Path) -> Iterator[tuple[Any, Callable[[Any], str], list[int]]]:
    """Run a broker; give its address, how a URL is made of one, and its processes."""
    if kind == "rabbitmq":
        with running_rabbitmq(folder / "rabbitmq") as server:
            yield server.port, lambda port: f"amqp://guest:guest@127.0.0.1:{port}//", server.pids()
    else:
        with embedded.running(folder, postgres=False):
            path = embedded.broker_url(folder).removeprefix("redis+socket://")
            with redis.Redis(unix_socket_path=path) as client:
                pid = int(client.info("server")["process_id"])
            yield path, lambda path: f"redis+socket://{path}", [pid]


@pytest.fixture(scope="module", params=["valkey", "rabbitmq"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with _servers(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(url: str) -> None:
        monkeypatch.setenv("WILLCALL_BROKER_URL", url)
        get_settings.cache_clear()

    return use


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__.strip("_"))
def test_every_call_ends_wherever_the_broker_falls_silent(
    call: Callable[[str], None], broker: Any, environment: Callable[[str], None]
) -> None:
    target, url_of, _ = broker
    with proxy(target) as whole:
        environment(url_of(whole.address))
        assert _ends(call, url_of(whole.address)) is None
    at_once = 1 if call is _announce else 2 * POINTS  # its broker is the whole process's

    def cut(place: tuple[Direction, int]) -> None:
        direction, point = place
        with proxy(target, direction, whole.counts[direction] * point // POINTS) as silent:
            if call is _announce:
                environment(url_of(silent.address))
            _ends(call, url_of(silent.address))

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(cut, product(("up", "down"), range(POINTS))))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__.strip("_"))
@pytest.mark.parametrize("scheme", ["amqp", "amqps", "redis", "rediss"])
def test_every_call_ends_when_something_listens_and_never_answers(
    call: Callable[[str], None], scheme: str, environment: Callable[[str], None]
) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
        environment(url)
        raised = _ends(call, url)

    assert raised is not None or call in (_announce, _clear)


def test_a_publisher_whose_broker_is_stopped_gives_up_and_goes_on(broker: Any) -> None:
    target, url_of, pids = broker
    url = url_of(target)
    with Publisher(url, _settings(url)) as publisher:
        message = Message(EVENTS.name, "order.updated", b"x" * 1_000_000)
        publisher.publish([message])
        pause(*pids)
        try:
            # More than the sockets' buffers hold: the write waits, too.
            raised = _ends(lambda _: publisher.publish([message] * 50), url)
            assert isinstance(raised, NotConfirmed)
            raised = _ends(lambda _: publisher.probe(), url)
            assert isinstance(raised, NotConfirmed)
            assert _ends(lambda _: publisher.close(), url) is None
        finally:
            resume(*pids)
        assert _eventually(lambda: publisher.publish([message]))


def _eventually(call: Callable[[], None]) -> bool:
    for _ in range(int(PATIENCE_SECONDS)):
        with suppress(NotConfirmed):
            call()
            return True
    return False
