"""Lists are read from a standby as long as it is near; what must be the newest never is."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest

from intake.auth.keys import create_key, revoke_key
from intake.cli.checks.checks import run_database_checks
from intake.cli.checks.standby_checks import check_standby
from tests.factories import load, make_event, make_ticket_class
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.system.failover.postgres import Server
from tests.system.failover.reading import (
    NEWEST,
    Made,
    catch_up,
    headers_of,
    is_from_standby,
    make,
    pair_of_servers,
    paused,
    reading_from,
    reads_at,
    shown,
    wait_for_primary,
    wait_for_standby,
)
from tests.system.failover.test_databases import url_of
from tests.system.pooler.pgbouncer import running_pgbouncer
from worker.runtime import embedded

MAY_BE_STALE = (
    "/v1/orders",
    "/v1/orders?email=ada@example.com",
    "/v1/orders?event_id=concert",
    "/v1/holds",
    "/v1/events/concert/ticket-classes",
    "/v1/b2c/orders?email=ada@example.com",
    "/v1/b2c/orders/event/concert",
    "/v9/orders",
)

Pair = tuple[Server, Server]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with pair_of_servers() as pair:
        yield pair


@pytest.fixture(scope="module")
def patient(home: Path, pair: Pair) -> Iterator[Intake]:
    """Return an intake that reads from the standby however far it is behind."""
    with reading_from(home, url_of(pair[0]), url_of(pair[1])) as intake:
        yield intake


@pytest.fixture(scope="module")
def strict(home: Path, pair: Pair) -> Iterator[Intake]:
    """Return an intake that leaves a standby that is a moment behind."""
    with reading_from(home, url_of(pair[0]), url_of(pair[1]), lag=2) as intake:
        yield intake


@pytest.fixture
def client(patient: Intake) -> Iterator[httpx.Client]:
    with patient.client() as client:
        wait_for_standby(client)
        yield client


def newest_of(made: Made) -> tuple[str, ...]:
    """Return the calls that show what was made at once."""
    since = quote(made.before.isoformat())
    return (
        f"/v1/orders?updated_since={since}",
        f"/v9/orders?updated_at.gte={since}",
        f"/v1/orders/{made.order_id}",
        f"/v1/orders/{made.order_id}/history",
        f"/v1/orders/{made.order_id}/documents",
        f"/v1/requests/{made.request_id}",
        f"/v1/holds/{made.hold_id}",
        f"/v1/b2c/orders/{made.order_id}",
        f"/v9/orders/{made.order_id}",
    )


def test_lists_may_be_old_and_nothing_else(patient: Intake, pair: Pair, client: httpx.Client) -> None:
    headers = headers_of(patient)

    def get(target: str, **more: str) -> httpx.Response:
        path, _, query = target.partition("?")
        return client.get(target, headers={**headers(path, query), **more})

    make(patient)
    catch_up(*pair)
    with paused(pair[1]):
        before = {target: shown(get(target)) for target in MAY_BE_STALE}
        made = make(patient)
        for target in MAY_BE_STALE:
            assert shown(get(target)) == before[target], target
            assert shown(get(target, **NEWEST)) != before[target], target
        for target in newest_of(made):
            found = shown(get(target))
            items = found.get("items", found.get("orders", [found])) if isinstance(found, dict) else found
            assert items, target
        ids = [one["id"] for one in shown(get(newest_of(made)[0]))["items"]]
        assert made.order_id in ids

    def is_newer(target: str) -> bool:
        return bool(shown(get(target)) != before[target])

    for target in MAY_BE_STALE:
        wait_until(partial(is_newer, target), what=f"the newest {target}")


def test_a_key_is_never_looked_up_in_the_standby(patient: Intake, pair: Pair, client: httpx.Client) -> None:
    with patient.engine.begin() as connection:
        old = create_key(connection, "demo", ["orders.read"], datetime.now(UTC))
    catch_up(*pair)
    with paused(pair[1]):
        with patient.engine.begin() as connection:
            new = create_key(connection, "demo", ["orders.read"], datetime.now(UTC))
            revoke_key(connection, old.id, datetime.now(UTC))
        for key, status in ((old.key, 401), (new.key, 200)):
            answer = client.get("/v1/orders", headers={"authorization": f"Bearer {key}"})
            assert answer.status_code == status


def test_what_the_standby_does_not_know_yet_is_asked_of_the_primary(
    patient: Intake, pair: Pair, client: httpx.Client
) -> None:
    with paused(pair[1]):
        load(patient.engine, make_event("new", ticket_classes=[make_ticket_class("new")]))
        assert client.get("/v1/events/new/ticket-classes").status_code == 200


def test_a_standby_that_is_too_far_behind_is_left_until_it_is_near_again(
    strict: Intake, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    with strict.client() as client, caplog.at_level(logging.WARNING, "intake.reads.standby"):
        wait_for_standby(client)
        with paused(pair[1]):
            made = make(strict)
            wait_for_primary(client)
            assert made.order_id in [one["id"] for one in client.get("/v1/orders").json()["items"]]
            # Said by whoever finds it first: a read, or the watch.
            assert any("read from the primary" in message for message in caplog.messages)
            is_ok, sentence = _finding(strict)
            assert not is_ok
            assert "lacks" in sentence
        wait_for_standby(client)
    assert {one.check: one.is_ok for one in run_database_checks(strict.settings)}["standby"]


def test_a_standby_of_an_idle_primary_is_not_behind(strict: Intake, pair: Pair) -> None:
    with strict.client() as client:
        wait_for_standby(client)
        query = "SELECT clock_timestamp() - pg_last_xact_replay_timestamp() > '3 seconds'"
        wait_until(lambda: pair[1].ask(query) == [(True,)], what="an idle primary")
        for _ in range(5):
            assert is_from_standby(client)


def _finding(intake: Intake) -> tuple[bool, str]:
    """Return what `willcall doctor` says of the standby."""
    [found] = check_standby(intake.settings, intake.engine)
    return found.is_ok, found.message


def test_a_standby_that_is_killed_costs_no_call(patient: Intake, pair: Pair, client: httpx.Client) -> None:
    primary, standby = pair
    catch_up(primary, standby)
    standby.kill()
    try:
        made = make(patient)
        for _ in range(3):
            assert made.order_id in [one["id"] for one in shown(client.get("/v1/orders"))["items"]]
        is_ok, sentence = _finding(patient)
        assert not is_ok
        assert "does not answer" in sentence
    finally:
        standby.start()
    wait_for_standby(client)


def test_a_standby_that_hangs_is_waited_for_only_once(
    patient: Intake, pair: Pair, client: httpx.Client
) -> None:
    pair[1].freeze()
    try:
        failed = reads_at("primary", "failed")
        assert client.get("/v1/orders").status_code == 200
        wait_until(lambda: not is_from_standby(client), what="a list from the primary")
        assert reads_at("primary", "failed") == failed + 1
    finally:
        pair[1].thaw()
    wait_for_standby(client)


def test_a_read_that_the_standby_cancels_is_done_on_the_primary(
    patient: Intake, pair: Pair, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    primary, standby = pair
    make(patient)
    standby.set(max_standby_streaming_delay="0")
    failed = reads_at("primary", "failed")
    answers: list[httpx.Response] = []
    with ExitStack() as stack:
        # The list has read the orders, and waits for their tickets, when replay wants the orders for itself.
        for table in ("tickets", "orders"):
            locking = stack.enter_context(psycopg.connect(primary.url("willcall")))
            locking.execute(f"LOCK TABLE {table}")
            if table == "tickets":
                primary.ask("SELECT pg_switch_wal()")
                wait_until(lambda: standby.ask(_LOCKED, "willcall") == [(1,)], what="a lock that is replayed")
                reading = threading.Thread(target=lambda: answers.append(client.get("/v1/orders")))
                reading.start()
                wait_until(lambda: standby.ask(_WAITING) == [(1,)], what="a list that waits")
        primary.ask("SELECT pg_switch_wal()")
        wait_until(lambda: reads_at("primary", "failed") > failed or bool(answers), what="a cancelled read")
    reading.join(PATIENCE_SECONDS)
    assert [one.status_code for one in answers] == [200]
    assert reads_at("primary", "failed") == failed + 1
    assert any("40001" in str(getattr(one, "reason", "")) for one in caplog.records)
    assert is_from_standby(client)
    standby.set(max_standby_streaming_delay="30s")


_LOCKED = (
    "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'tickets'::regclass"
)
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'client backend'"
)


def test_a_standby_behind_pgbouncer_is_read(home: Path, pair: Pair) -> None:
    with (
        running_pgbouncer(pair[1]) as pgbouncer,
        reading_from(home, url_of(pair[0]), pgbouncer.url()) as intake,
        intake.client() as client,
    ):
        wait_for_standby(client)
        catch_up(*pair)
        with paused(pair[1]):
            before = shown(client.get("/v1/orders"))
            make(intake)
            assert shown(client.get("/v1/orders")) == before


def test_a_server_of_another_database_is_never_read(home: Path, pair: Pair) -> None:
    other = embedded.database_url(home)
    with reading_from(home, url_of(pair[0]), other, lag=5) as intake, intake.client() as client:
        made = make(intake)

        def is_refused() -> bool:
            assert not is_from_standby(client)
            return reads_at("primary", "unusable") > 0

        wait_until(is_refused, what="a look at the other server")
        assert [one["id"] for one in shown(client.get("/v1/orders"))["items"]][:1] == [made.order_id]
        is_ok, sentence = _finding(intake)
        assert not is_ok
        assert "neither the database nor a standby" in sentence


def test_a_standby_that_is_promoted_is_the_database_and_is_read(home: Path) -> None:
    with pair_of_servers() as (primary, standby):
        hosts = url_of(primary, standby)
        with reading_from(home, hosts, hosts, lag=5) as intake, intake.client() as client:
            wait_for_standby(client)
            catch_up(primary, standby)
            primary.kill()
            standby.promote()
            wait_until(lambda: client.get("/v1/orders").status_code == 200, what="a list")
            wait_for_standby(client)
            made = make(intake)
            assert made.order_id in [one["id"] for one in shown(client.get("/v1/orders"))["items"]]
            assert _finding(intake)[0]
