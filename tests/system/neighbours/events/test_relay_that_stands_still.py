"""A relay that does not get on is seen: in the metrics, by doctor, in the log, and by its supervisor."""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from celery import Celery
from kombu import Connection
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from db.engine import make_engine
from db.migrate import upgrade
from intake.cli.checks.checks import run_checks
from intake.cli.processes.supervisor import Child, Supervisor, willcall
from orders.outbox import unsent as count_unsent
from tests.factories import load, scalar
from tests.homes import temporary_home
from tests.intakes import serving, settings_of
from tests.processes import PATIENCE_SECONDS, running_worker, wait_until
from tests.system.neighbours.events.listening import tell, unsent
from willcall.messages import task_message
from willcall.publishing import Publisher
from willcall.queues import OUTBOX
from worker.relay_watch import STUCK
from worker.runtime import embedded
from worker.runtime.settings import Settings


@pytest.fixture
def environment(home: Path, engine: Engine) -> dict[str, str]:
    load(engine)
    with Connection(embedded.broker_url(home)) as connection:
        connection.default_channel.client.delete(OUTBOX)
    return {
        "WILLCALL_HOME": str(home),
        "WILLCALL_STUCK_SECONDS": "2",
        "WILLCALL_PUBLISH_TIMEOUT_SECONDS": "1",
    }


def _wake(home: Path) -> None:
    url = embedded.broker_url(home)
    with Publisher(url, Settings(publish_timeout_seconds=60)) as publisher:
        publisher.publish([task_message("outbox.relay", b"{}", queue=OUTBOX, summary="{}")])


@contextmanager
def _marks_are_locked(engine: Engine) -> Iterator[None]:
    """Have every relay wait in its transaction: for what no timeout of its own bounds."""
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("LOCK TABLE sent_marks")
        try:
            yield
        finally:
            transaction.rollback()


def test_a_run_that_does_not_get_on_ends_its_process_and_loses_nothing(
    home: Path, engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    tell(engine, *["text"] * 10)
    with _marks_are_locked(engine):
        with running_worker(OUTBOX, environment=environment, log=tmp_path / "stuck.log") as relay:
            _wake(home)
            assert relay.process.wait(PATIENCE_SECONDS) == STUCK
        assert "the relay is stuck" in relay.output()
        assert len(unsent(engine)) == 10
    with running_worker(OUTBOX, environment=environment, log=tmp_path / "next.log") as relay:
        _wake(home)
        wait_until(lambda: not unsent(engine), what="the next relay")
        assert relay.end() == 0


def test_the_supervisor_starts_a_stuck_relay_anew(
    home: Path, engine: Engine, environment: dict[str, str]
) -> None:
    shown: list[str] = []
    urls = {
        "WILLCALL_DATABASE_URL": embedded.database_url(home),
        "WILLCALL_BROKER_URL": embedded.broker_url(home),
    }
    child = Child("relay", willcall("serve", "relay"), environment | urls)
    supervisor = Supervisor([child], lambda _, line: shown.append(line))
    supervisor.start()

    def has_shown_its_end() -> bool:
        supervisor.watch()
        return any(f"exited with {STUCK}" in line for line in shown)

    def has_sent_all() -> bool:
        supervisor.watch()
        return not unsent(engine)

    try:
        with _marks_are_locked(engine):
            tell(engine, "text")
            _wake(home)
            wait_until(has_shown_its_end, what="the end of the stuck relay")
        # Nobody wakes the next one: it sees for itself that it is idle.
        wait_until(has_sent_all, what="another relay")
    finally:
        supervisor.stop()


def test_an_idle_relay_wakes_itself_where_there_is_no_beat_and_stays(
    home: Path, engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    with running_worker(OUTBOX, environment=environment, log=tmp_path / "relay.log") as relay:
        for _ in range(3):
            tell(engine, "text")
            wait_until(lambda: not unsent(engine), what="a relay that wakes itself")
        assert relay.end() == 0


def test_a_relay_that_takes_nothing_from_its_queue_is_ended(
    home: Path, engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "relay.log"
    url = embedded.broker_url(home)
    with running_worker(OUTBOX, environment=environment, log=log) as relay:
        # Told to consume no more, as one is whose consumer Celery has lost: the process lives on.
        with Celery(broker=url, set_as_current=False) as app:
            assert app.control.cancel_consumer(OUTBOX, reply=True, timeout=PATIENCE_SECONDS, limit=1)
        _wake(home)
        assert relay.process.wait(PATIENCE_SECONDS) == STUCK
    assert "takes none" in relay.output()


def test_doctor_says_that_no_relay_gets_on(home: Path, engine: Engine, environment: dict[str, str]) -> None:
    tell(engine, "text")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET created_at = now() - interval '90 seconds'")

    findings = {finding.check: finding for finding in run_checks(Settings(home=home))}

    assert not findings["outbox"].is_ok
    assert "unsent: 1 event message, the oldest for 9" in findings["outbox"].message
    assert "no relay makes progress" in findings["outbox"].message


def _gauges(client: httpx.Client) -> tuple[float, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    return samples["willcall_outbox_unsent"], samples["willcall_outbox_oldest_seconds"]


def test_the_metrics_tell_the_truth_of_the_outbox_or_nothing() -> None:
    with ExitStack() as stack:
        home = stack.enter_context(temporary_home())
        with embedded.running(home):
            settings = settings_of(home)
            engine = make_engine(settings.database())
            upgrade(engine)
            load(engine)
            stack.enter_context(serving(settings))
            url = f"http://127.0.0.1:{settings.intake_port}"
            client = stack.enter_context(httpx.Client(base_url=url, timeout=PATIENCE_SECONDS))
            assert _gauges(client) == (0, 0)
            tell(engine, *["text"] * 7)
            with engine.begin() as connection:
                connection.exec_driver_sql("UPDATE outbox SET created_at = now() - interval '1 hour'")
            wait_until(lambda: _gauges(client)[0] == 7, what="the count of what is not sent")
            assert 3_600 <= _gauges(client)[1] < 3_600 + PATIENCE_SECONDS
            engine.dispose()
        # The database is away.
        wait_until(lambda: math.isnan(_gauges(client)[0]), what="no number where nobody knows one")
        assert math.isnan(_gauges(client)[1])


def test_a_million_unsent_events_are_counted_in_no_time(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO outbox SELECT gen_random_uuid(), 1, now() - interval '1 hour' "
            "FROM generate_series(1, 1000000)"
        )
        baseline = time.perf_counter()
        connection.exec_driver_sql("SELECT count(*) FROM generate_series(1, 1000000)")
        baseline = time.perf_counter() - baseline
        started = time.perf_counter()
        found = count_unsent(connection)
        seconds = time.perf_counter() - started
        connection.rollback()
    assert found.count == 1_000_000
    assert found.age_seconds >= 3_600
    assert seconds < 20 * baseline
    assert scalar(engine, "SELECT count(*) FROM outbox") == 0
