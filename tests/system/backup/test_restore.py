"""A database is lost, a dump of it is restored, and the request log makes of it what it was."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from db import tables
from schemas.requests import EXPIRE
from tests.customers import Customers, make_catalogue
from tests.factories import make_body
from tests.homes import temporary_home
from tests.processes import wait_until
from tests.system.failover.postgres import Server, running_server
from tests.system.failover.shop import KINDS as KINDS_OF_PROCESSES
from tests.system.failover.shop import Shop, new_shop
from willcall.kinds import KINDS
from worker.runtime import embedded

# What is about the work and not about the orders: when which message was sent, and who asked when.
_PASSING: Final = {"outbox", "sent_marks", "ticks", "api_keys", "suspects"}

_UNDER_WAY: Final = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM delayed_requests)"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def broker_url() -> Iterator[str]:
    with temporary_home() as home, embedded.running(home, postgres=False):
        yield embedded.broker_url(home)


def _everything(server: Server) -> dict[str, Counter[str]]:
    """Return the rows of all tables, as text."""
    names = [table.name for table in tables.metadata.sorted_tables if table.name not in _PASSING]
    return {
        name: Counter(row for (row,) in server.ask(f"SELECT t::text FROM {name} t", "willcall"))
        for name in names
    }


def _dump(server: Server, file: Path) -> None:
    with file.open("wb") as output:
        words: list[str | Path] = [server.binaries / "pg_dump", "--format=custom", server.url("willcall")]
        subprocess.run(words, stdout=output, check=True)


def _lose(server: Server) -> None:
    server.ask("DROP DATABASE willcall WITH (FORCE)")


def _restore(server: Server, file: Path) -> None:
    server.ask("CREATE DATABASE willcall")
    words: list[str | Path] = [
        server.binaries / "pg_restore",
        "--exit-on-error",
        "--dbname",
        server.url("willcall"),
    ]
    with file.open("rb") as source:
        subprocess.run(words, stdin=source, check=True)


def test_a_dump_and_the_request_log_make_the_same_orders(
    server: Server, broker_url: str, tmp_path: Path
) -> None:
    log, dump = tmp_path / "log", tmp_path / "dump"
    variables = {
        "WILLCALL_DATABASE_URL": server.url("willcall"),
        "WILLCALL_BROKER_URL": broker_url,
        "WILLCALL_REQUEST_LOG": log,
        "WILLCALL_SWEEP_SECONDS": 0.5,
    }
    shop = new_shop(tmp_path, **variables)
    shop.open(make_catalogue())
    with shop.running(*KINDS_OF_PROCESSES), shop.running("worker"):
        customers = Customers(shop.client)
        with customers.coming():
            customers.wait_for(60)
            _dump(server, dump)
            customers.wait_for(60)
        wait_until(lambda: server.ask(_UNDER_WAY, "willcall") == [(0,)], what="the end of all work")
    _check_load(server)
    before = _everything(server)

    _lose(server)
    _restore(server, dump)
    assert _everything(server) != before
    replayed = shop.run("requests", "replay", str(log))

    assert "Different outcomes: 0." in replayed
    assert _everything(server) == before
    _check_that_it_goes_on(shop, server)


def _check_load(server: Server) -> None:
    """Each kind of request is there, refused ones too: else the test would show little."""
    query = "SELECT kind, status FROM requests GROUP BY 1, 2"
    found = set(server.ask(query, "willcall"))
    kinds = {kind for kind, _ in found}
    assert kinds == {*KINDS, EXPIRE}
    assert {status for _, status in found} == {"processed", "rejected"}
    assert server.ask("SELECT count(*) > 0 FROM order_trades WHERE is_purchase", "willcall") == [(True,)]


def _check_that_it_goes_on(shop: Shop, server: Server) -> None:
    """New orders get new numbers, and a code that a buyer has had since before opens the gate."""
    numbers = {number for (number,) in server.ask("SELECT number FROM orders", "willcall")}
    query = """
        SELECT t.code FROM tickets t JOIN orders o ON o.id = t.order_id
        WHERE t.status = 'valid' AND o.status = 'placed' AND t.code IS NOT NULL
        ORDER BY o.created_at DESC LIMIT 1
    """
    ((code,),) = server.ask(query, "willcall")
    with shop.running("intake", "worker", "relay"), shop.client() as client:
        order = _order(client)
        assert order["number"] not in numbers
        scan = client.post("/v1/check-ins", json={"code": code})
        assert scan.status_code == 200, scan.text
        wait_until(lambda: server.ask(_UNDER_WAY, "willcall") == [(0,)], what="sent event messages")


def _order(client: httpx.Client) -> dict[str, Any]:
    answer = client.post("/v1/orders", json=make_body())
    assert answer.status_code == 201, answer.text
    words: dict[str, Any] = answer.json()
    return words
