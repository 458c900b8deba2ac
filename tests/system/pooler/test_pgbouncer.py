"""Willcall behind PgBouncer, which lends a server's connection for one transaction; and as no superuser."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, TextClause, text

from db.bulk import driver_connection
from db.engine import make_engine
from db.migrate import upgrade
from db.pooler import is_through_pooler
from db.revisions import newest_revision
from tests.factories import make_body
from tests.homes import temporary_home
from tests.processes import wait_until
from tests.system.failover.postgres import Server, running_server
from tests.system.failover.shop import Buyers, Shop, running_shop
from tests.system.pooler.pgbouncer import SERVER_CONNECTIONS, PgBouncer, running_pgbouncer
from worker.runtime import embedded


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(params=["", "ignore_startup_parameters = options"], ids=["refusing", "ignoring"])
def pgbouncer(server: Server, request: pytest.FixtureRequest) -> Iterator[PgBouncer]:
    """Return one that refuses a connection with `options`, or takes it and forgets them."""
    with running_pgbouncer(server, request.param) as pgbouncer:
        yield pgbouncer


@pytest.fixture
def engine(pgbouncer: PgBouncer) -> Iterator[Engine]:
    engine = make_engine(pgbouncer.url(), is_by_key=True, statement_seconds=3, lock_seconds=1)
    yield engine
    engine.dispose()


_SETTINGS = "plan_cache_mode", "jit", "enable_seqscan", "statement_timeout", "lock_timeout"
_OF_ENGINE = ("force_generic_plan", "off", "off", "3s", "1s")


def _shown(names: Sequence[str]) -> TextClause:
    return text("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))


def _settings(engine: Engine, times: int = 20) -> tuple[set[tuple[str, ...]], set[int]]:
    """Return the settings that transactions of the engine have seen, and by which servers' processes."""
    query = _shown(_SETTINGS)
    seen: set[tuple[str, ...]] = set()
    pids: set[int] = set()
    for _ in range(times):
        with engine.begin() as connection:
            seen.add(tuple(connection.execute(query).one()))
            pids.add(connection.scalar(text("SELECT pg_backend_pid()")))
    return seen, pids


def test_every_transaction_has_the_engines_settings_wherever_it_runs(engine: Engine) -> None:
    with engine.connect() as connection:
        assert is_through_pooler(driver_connection(connection))
    _use_all_connections(engine)
    seen, pids = _settings(engine)
    assert seen == {_OF_ENGINE}
    assert len(pids) > 1


def test_no_transaction_leaves_settings_to_strangers(engine: Engine, pgbouncer: PgBouncer) -> None:
    _use_all_connections(engine)
    stranger = make_engine(pgbouncer.url())
    try:
        assert _settings(stranger)[0] == {("force_generic_plan", "off", "on", "0", "0")}
    finally:
        stranger.dispose()


def test_the_way_of_reading_stays_and_has_the_settings(engine: Engine) -> None:
    at_one_moment = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with at_one_moment.connect() as connection:
        names = "transaction_isolation", "transaction_read_only", "enable_seqscan"
        query = _shown(names)
        assert connection.execute(query).one() == ("repeatable read", "on", "off")
    at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
    with at_once.connect() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS kept (id integer)"))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE kept"))


def test_a_direct_connection_is_told_once(server: Server) -> None:
    url = server.url("willcall").replace("postgresql", "postgresql+psycopg", 1)
    engine = make_engine(url, is_by_key=True, statement_seconds=3, lock_seconds=1)
    try:
        with engine.connect() as connection:
            assert not is_through_pooler(driver_connection(connection))
        assert _settings(engine)[0] == {_OF_ENGINE}
    finally:
        engine.dispose()


def _use_all_connections(engine: Engine) -> None:
    """Have PgBouncer open all its connections to the server: by as many transactions at once."""

    def pid(connection: Any) -> int:
        return int(connection.scalar(text("SELECT pg_backend_pid()")))

    connections = [engine.connect() for _ in range(SERVER_CONNECTIONS)]
    pids = {pid(one) for one in connections}
    for one in connections:
        one.close()
    assert len(pids) == SERVER_CONNECTIONS


def test_migrations_that_start_together_wait_for_each_other(server: Server, pgbouncer: PgBouncer) -> None:
    name = f"migrated_{pgbouncer.port}"
    server.ask(f"CREATE DATABASE {name}")
    engines = [make_engine(pgbouncer.url(name)) for _ in range(2)]
    try:
        with ThreadPoolExecutor(2) as threads:
            found = [future.result() for future in [threads.submit(upgrade, one) for one in engines]]
    finally:
        for one in engines:
            one.dispose()
    assert {after for _, after in found} == {newest_revision()}
    assert sorted(str(before) for before, _ in found) == sorted(["None", newest_revision()])


@pytest.fixture(scope="module")
def shop(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Run a whole shop behind PgBouncer as it comes, as a role that owns its database and is no superuser."""
    server.make_managed("shop")
    with (
        running_pgbouncer(server) as pgbouncer,
        temporary_home() as home,
        embedded.running(home, postgres=False),
    ):
        variables = {
            "WILLCALL_DATABASE_URL": pgbouncer.url("shop", "owner"),
            "WILLCALL_BROKER_URL": embedded.broker_url(home),
            "WILLCALL_SWEEP_SECONDS": 1,
        }
        with running_shop(tmp_path_factory.mktemp("shop"), **variables) as shop:
            yield shop


def test_nobody_needs_to_be_a_superuser(shop: Shop, server: Server) -> None:
    roles = "SELECT DISTINCT usename, usesuper FROM pg_stat_activity JOIN pg_user USING (usename)"
    assert ("owner", False) in server.ask(f"{roles} WHERE datname = 'shop'")
    assert ("willcall", True) not in server.ask(f"{roles} WHERE datname = 'shop' AND pid <> pg_backend_pid()")
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert server.ask(owners, "shop") == [("owner",)]
    assert server.ask("SELECT extname FROM pg_extension WHERE extname = 'pg_trgm'", "shop") == [("pg_trgm",)]


def test_all_kinds_of_requests_and_all_dialects_come_out_as_they_should(shop: Shop) -> None:
    assert "ok" in shop.run("demo")  # which fails on a surprise


def test_many_buyers_share_a_few_connections(shop: Shop, server: Server) -> None:
    buyers = Buyers(shop, number=12)
    with buyers.buying():
        buyers.wait_for(200)
    assert not buyers.failures
    held = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND usename = 'owner'"
    assert server.ask(held)[0][0] <= SERVER_CONNECTIONS


def test_an_order_is_read_changed_held_and_let_in(shop: Shop) -> None:
    with shop.client() as client:
        hold = client.post(
            "/v1/holds", json={"ticket_class_id": "standing", "quantity": 2, "expires_at": _soon()}
        )
        assert hold.status_code == 201, hold.text
        assert client.get(hold.headers["location"]).json() == hold.json()
        order = client.post("/v1/orders", json=make_body(quantity=2))
        assert order.status_code == 201, order.text
        path = order.headers["location"]
        assert client.get(path).json() == order.json()
        assert client.patch(path, json={"reference": "R-1"}).json()["reference"] == "R-1"
        ticket = order.json()["tickets"][0]
        assert client.post("/v1/check-ins", json={"code": ticket["code"]}).status_code == 200
        for more in (path, f"{path}/history", "/v1/orders", "/v1/events/concert/ticket-classes"):
            assert client.get(more).status_code == 200, more


def test_commands_say_that_all_is_well(shop: Shop) -> None:
    with ThreadPoolExecutor(2) as threads:
        reconciled = threads.submit(shop.run, "reconcile")  # it rests most of the time
        shop.run("catalog", "load", str(shop.folder / "catalogue.yaml"))
        said = shop.try_to_run("doctor").stdout
        reconciled.result()
    for line in ("database: it answers, through a pooler", "writing", "schema", "secrets", "workers"):
        assert f"ok  {line}" in said


def test_no_process_has_stumbled(shop: Shop, server: Server) -> None:
    outbox = "SELECT count(*) FROM outbox"
    wait_until(lambda: server.ask(outbox, "shop") == [(0,)], what="a relay that gets on")
    logs = "".join(file.read_text() for file in Path(shop.folder).glob("*.log"))
    assert '"level": "error"' not in logs.lower()
    assert "prepared statement" not in logs
    assert server.ask("SELECT count(*) FROM dead_letters", "shop") == [(0,)]


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(minutes=15)).isoformat()
