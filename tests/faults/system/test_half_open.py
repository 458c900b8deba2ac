"""A peer that is gone without a word is noticed: by us, and by the servers that keep something for us."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from sqlalchemy import text

from db.engine import make_engine
from tests.faults.system.links import Link, Links, can_lose
from tests.faults.system.stage import BROKERS, broker_url, ports_of, running_broker
from tests.processes import wait_until
from tests.system.failover.postgres import running_server
from willcall.connections import drop
from willcall.queues import transport_options
from worker.runtime.settings import Settings

pytestmark = [
    pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs Linux"),
    pytest.mark.skipif(not can_lose(), reason="this kernel lets only root make a connection half-open"),
]


@pytest.fixture
def links() -> Iterator[Links]:
    links = Links()
    links.start()
    yield links
    links.stop()


@pytest.mark.parametrize("name", BROKERS)
def test_a_consumer_notices_a_broker_that_is_gone(name: str, links: Links, tmp_path: Path) -> None:
    with running_broker(name, tmp_path / "broker") as broker:
        link = links.open("wire", *ports_of(broker))
        url = broker_url(broker, link.port)
        options = transport_options(Settings(broker_url=url), url)
        connection = Connection(url, transport_options=options)
        waiting = _waits(connection)
        _lose(links, link)

        with pytest.raises(TimeoutError) as caught:
            waiting.recv(1)
        # The system says so, and not the limit of our patience, which has no number.
        assert caught.value.errno == errno.ETIMEDOUT
        drop(connection)


def test_the_database_gives_up_the_locks_of_a_client_that_is_gone(links: Links) -> None:
    with running_server() as server:
        link = links.open("wire", server.port)
        url = server.url("willcall").replace(str(server.port), str(link.port))
        engine = make_engine(url)
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
            _lose(links, link)

            wait_until(
                lambda: server.ask("SELECT pg_try_advisory_xact_lock(1)", "willcall") == [(True,)],
                what="the lock of a client that is gone",
                timeout=60,
            )
            connection.invalidate()
        engine.dispose()


def _waits(connection: Connection) -> socket.socket:
    """Return the socket of an open connection, on which a read waits for a minute."""
    channel = connection.default_channel
    waiting: socket.socket
    if hasattr(channel, "client"):
        one = channel.client.connection_pool.get_connection()
        one.connect()
        waiting = one._sock
    else:
        waiting = connection.connection.transport.sock
    waiting.settimeout(60)
    return waiting


def _lose(links: Links, link: Link) -> None:
    assert links.lose(link) > 0
