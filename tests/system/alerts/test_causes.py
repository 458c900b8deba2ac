"""Each alert fires by its real cause, and no other does."""

import shutil
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from tests.factories import scalar
from tests.poison import cure_orders, poison_orders
from tests.processes import wait_until
from tests.system.alerts.firing import check_that_fire
from tests.system.alerts.running import System
from tests.system.alerts.scrapes import Scrape
from tests.system.neighbours.events.listening import listening
from tests.troubles import TROUBLES

pytestmark = [
    pytest.mark.xdist_group("alerts"),
    pytest.mark.skipif(
        shutil.which("promtool") is None,
        reason="promtool, of Debian's package prometheus, evaluates the rules",
    ),
]

OLDEST: Final = "willcall_outbox_oldest_seconds"
IDLE: Final = "willcall_job_idle_seconds"


def _total(scrape: Scrape, metric: str) -> float:
    return sum(scrape.of(metric).values())


def _is_unknown(scrape: Scrape, metric: str) -> bool:
    values = scrape.of(metric).values()
    return bool(values) and all(value != value for value in values)  # NaN


def _jobs_stopped(scrape: Scrape) -> bool:
    """Say whether no job has come for longer than the longest interval."""
    return min(scrape.of(IDLE).values()) > 3


def test_none_fires_in_a_system_that_works(system: System, tmp_path: Path) -> None:
    earlier = scalar(system.engine, "SELECT count(*) FROM requests")
    before = system.scrape()
    during = []
    with system.client() as client:
        for _ in range(4):
            assert [system.order() for _ in range(5)] == [202] * 5
            assert system.order(ticket_class="none") == 202  # and is rejected
            assert client.get("/v1/orders/nobody").status_code == 404
            assert client.get("/v1/orders").status_code == 200
            during.append(system.scrape())
    wait_until(
        lambda: scalar(system.engine, "SELECT count(*) FROM requests") == earlier + 24, what="all outcomes"
    )
    during.append(system.scrape())

    check_that_fire((), before, during, tmp_path)


def test_a_stopped_worker_lets_requests_wait(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    with system.without("worker"):
        system.order()
        waiting = system.scrape_when(
            lambda one: _total(one, "willcall_queue_messages") > 0, what="a request that waits"
        )

    check_that_fire(["WillcallProcessMissing", "WillcallRequestsNotProcessed"], before, [waiting], tmp_path)


def test_a_stopped_relay_makes_events_late(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    with system.without("relay"):
        system.order()
        during = _an_age_that_grows(system)

    check_that_fire(
        ["WillcallProcessMissing", "WillcallEventsLate"], before, during, tmp_path, growing=[OLDEST]
    )


def _an_age_that_grows(system: System) -> list[Scrape]:
    unsent = system.scrape_when(lambda one: _total(one, OLDEST) > 0, what="an event message that waits")
    later = system.scrape_when(
        lambda one: _total(one, OLDEST) > _total(unsent, OLDEST), what="an event message that waits longer"
    )
    return [unsent, later]


def test_a_stopped_beat_lets_jobs_wait(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    with system.without("beat"):
        during = [system.scrape_when(_jobs_stopped, what="jobs that do not come"), system.scrape()]

    check_that_fire(["WillcallJobNotRun"], before, during, tmp_path, growing=[IDLE])


def test_a_job_that_fails_each_time_is_told_beside_what_it_leaves_undone(
    system: System, tmp_path: Path
) -> None:
    before = system.scrape()
    with listening(system.broker.url(system.broker.port), "order.confirmed") as consumer:
        with system.broker.client() as client:
            client.set(consumer.queue.name, "no list")  # a queue that takes nothing
        system.order()
        during = _an_age_that_grows(system)
        with system.broker.client() as client:
            client.delete(consumer.queue.name)

    check_that_fire(["WillcallJobFails", "WillcallEventsLate"], before, during, tmp_path, growing=[OLDEST])


def test_a_poisonous_order_becomes_a_dead_letter(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    poison_orders(system.engine, before="INSERT")
    try:
        assert system.order(reference="poison") == 202
        buried = system.scrape_when(
            lambda one: (
                _total(one, "willcall_dead_letters_total") > _total(before, "willcall_dead_letters_total")
            ),
            what="a dead letter",
        )
    finally:
        cure_orders(system.engine)

    check_that_fire(["WillcallDeadLetters"], before, [buried], tmp_path)


def test_a_read_only_database_opens_the_breaker(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    with TROUBLES["read only"](system.engine):
        opened = system.scrape_when(
            lambda one: _total(one, "willcall_breaker_open") > 0, what="an open breaker"
        )

    check_that_fire(["WillcallBreakerOpen"], before, [opened], tmp_path)


def test_a_stopped_database_is_missed_by_all(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    system.engine.dispose()
    system.database.stop()
    try:
        away = system.scrape_when(
            lambda one: (
                _is_unknown(one, "willcall_outbox_unsent")
                and _total(one, "willcall_breaker_open") > 0
                # How far behind the standby is, nobody knows without the primary.
                and _total(one, "willcall_standby_lag_seconds") == float("inf")
            ),
            what="a database that is missed",
        )
    finally:
        system.database.start()

    check_that_fire(
        ["WillcallDatabaseAway", "WillcallBreakerOpen", "WillcallStandbyNotRead"], before, [away], tmp_path
    )


def test_a_standby_that_cannot_be_reached_is_not_read(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    system.wire.is_refusing = True
    system.links.cut(system.wire)
    try:
        unread = system.scrape_when(
            lambda one: _total(one, "willcall_standby_lag_seconds") == float("inf"), what="a standby not read"
        )
    finally:
        system.wire.is_refusing = False

    check_that_fire(["WillcallStandbyNotRead"], before, [unread], tmp_path)


def test_a_stopped_broker_is_missed_and_carries_no_jobs(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    system.broker.stop()
    try:
        away = system.scrape_when(
            lambda one: _is_unknown(one, "willcall_queue_messages") and _jobs_stopped(one),
            what="a broker that is missed",
        )
        during = [away, system.scrape()]
    finally:
        system.broker.start()

    check_that_fire(["WillcallBrokerAway", "WillcallJobNotRun"], before, during, tmp_path, growing=[IDLE])


def test_a_full_broker_makes_the_intake_refuse_orders(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    system.broker.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        assert system.order() == 503
        during = [system.scrape_when(_jobs_stopped, what="jobs that do not come")]
        assert system.order() == 503
        during.append(system.scrape())
    finally:
        system.broker.ask("CONFIG", "SET", "maxmemory", "0")

    check_that_fire(["WillcallIntakeErrors", "WillcallJobNotRun"], before, during, tmp_path, growing=[IDLE])


def test_more_connections_than_allowed_are_refused(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    first = _scrape_among_too_many(system, before)
    second = _scrape_among_too_many(system, first)

    check_that_fire(["WillcallIntakeFull"], before, [first, second], tmp_path)


def _scrape_among_too_many(system: System, last: Scrape) -> Scrape:
    refused = "willcall_intake_refused_total"
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(("127.0.0.1", system.port)))
        return system.scrape_when(
            lambda one: _total(one, refused) > _total(last, refused), what="refused connections"
        )


def test_a_counter_changed_behind_willcall_s_back_is_a_discrepancy(system: System, tmp_path: Path) -> None:
    found = "willcall_discrepancies_total"
    before = system.scrape()
    _change(system, "UPDATE ticket_classes SET sold = sold + 1")
    try:
        differing = system.scrape_when(
            lambda one: _total(one, found) > _total(before, found), what="a discrepancy"
        )
    finally:
        _change(system, "UPDATE ticket_classes SET sold = sold - 1")
    wait_until(lambda: scalar(system.engine, "SELECT count(*) FROM discrepancies") == 0, what="none any more")

    check_that_fire(["WillcallDiscrepancies"], before, [differing], tmp_path)


def test_an_order_that_cannot_be_shown_is_told(system: System, tmp_path: Path) -> None:
    before = system.scrape()
    system.order(reference="odd")
    order = "orders WHERE reference = 'odd'"
    wait_until(lambda: scalar(system.engine, f"SELECT count(*) FROM {order}") == 1, what="an order")
    created_at = scalar(system.engine, f"SELECT updated_at::text FROM {order}")
    _change(system, "UPDATE orders SET updated_at = '20000-01-01' WHERE reference = 'odd'")
    try:
        with system.client() as client:
            wait_until(
                lambda: "willcall-left-out" in client.get("/v1/orders").headers, what="a list that lacks one"
            )
        lacking = system.scrape()
    finally:
        _change(system, f"UPDATE orders SET updated_at = '{created_at}' WHERE reference = 'odd'")

    check_that_fire(["WillcallOrdersNotShown"], before, [lacking], tmp_path)


def _change(system: System, statement: str) -> None:
    with system.engine.begin() as connection:
        connection.execute(text(statement))
