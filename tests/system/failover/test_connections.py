"""Where the connections of a pool lead when servers change their parts."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.bulk import driver_connection
from db.engine import make_engine
from tests.processes import wait_until
from tests.system.failover.postgres import Server, running_pair
from worker.runtime.database_url import parse_database_url

_names = count()


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    with running_pair() as pair:
        yield pair


def _port(engine: Engine) -> int:
    """Return which server a transaction that only reads is led to."""
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        return driver_connection(connection).info.port


def _write(engine: Engine) -> int:
    """Return which server a transaction that writes is led to."""
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE made_{next(_names)} (id integer)"))
        return driver_connection(connection).info.port


@contextmanager
def _engine(*ports: int, **options: bool) -> Iterator[Engine]:
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    engine = make_engine(parse_database_url(f"postgresql://willcall@{hosts}/willcall"), **options)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _read_only(server: Server, engine: Engine, use: Callable[[Engine], int]) -> Iterator[None]:
    """Have the server take no changes until the block ends; it begins when this use was refused once."""
    server.set(default_transaction_read_only="on")
    try:
        wait_until(lambda: _is_refused(engine, use), what="a server that takes no changes")
        yield
    finally:
        server.set(default_transaction_read_only="off")
        shown = "SHOW default_transaction_read_only"
        wait_until(lambda: server.ask(shown) == [("off",)], what="a server that takes changes")


def _is_refused(engine: Engine, use: Callable[[Engine], int]) -> bool:
    try:
        use(engine)
    except DBAPIError as error:
        return "read-only" in str(error)
    return False


def test_the_primary_is_found_wherever_it_stands_in_the_list(pair: tuple[Server, Server]) -> None:
    primary, standby = pair
    for ports in ((primary.port, standby.port), (standby.port, primary.port)):
        with _engine(*ports) as engine:
            assert _port(engine) == _write(engine) == primary.port


def test_a_host_that_hangs_is_asked_last_once_another_was_found(pair: tuple[Server, Server]) -> None:
    primary, _ = pair
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        # Nobody takes what knocks here: each knock stays in the line, to be counted.
        ports = (hanging.getsockname()[1], primary.port)
        for _ in range(3):
            with _engine(*ports, is_pooled=False) as engine:
                assert _write(engine) == primary.port
        hanging.settimeout(0)
        hanging.accept()[0].close()
        with pytest.raises(BlockingIOError):
            hanging.accept()


def test_a_pool_that_only_reads_leaves_what_has_become_read_only(
    pair: tuple[Server, Server],
) -> None:
    primary, standby = pair
    with _engine(primary.port, standby.port) as engine:
        assert _port(engine) == primary.port
        with _read_only(primary, engine, _port):
            assert _is_refused(engine, _port)
        assert _port(engine) == primary.port


def test_one_refused_change_throws_all_connections_of_a_pool_away(pair: tuple[Server, Server]) -> None:
    primary, _ = pair
    with _engine(primary.port, is_tried_again=True) as engine:
        connections = [engine.connect() for _ in range(3)]
        pids = {driver_connection(one).info.backend_pid for one in connections}
        for one in connections:
            one.close()
        with _read_only(primary, engine, _write):
            pass
        for _ in range(3):
            with engine.connect() as again:
                assert driver_connection(again).info.backend_pid not in pids
                again.execute(text("CREATE TEMPORARY TABLE mine (id integer)"))
