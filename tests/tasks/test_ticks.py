from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from prometheus_client import REGISTRY
from sqlalchemy import Engine

from orders.upkeep.jobs import Job, read_jobs
from orders.upkeep.ticks import is_alone
from tasks.breaker import breaker
from tasks.maintenance import RECONCILE, SWEEP, run_reconciliation, sweep_outbox
from tasks.relay import relay
from tasks.ticks import NotDone, is_mine
from tasks.transactions import blaming_the_system
from tests.factories import load, make_request, run, scalar
from tests.system.neighbours.events.listening import listening
from tests.troubles import TROUBLES
from worker.runtime import embedded


def test_a_tick_is_one_task_s_and_one_time_s(engine: Engine) -> None:
    assert [is_mine("a", 1), is_mine("a", 1), is_mine("b", 1), is_mine("a", 2)] == [True, False, True, True]


def _runs(task: str) -> dict[str, float]:
    results = ("ok", "failed", "skipped")
    counts = (
        REGISTRY.get_sample_value("willcall_job_runs_total", {"task": task, "result": result})
        for result in results
    )
    return {result: count or 0 for result, count in zip(results, counts, strict=True)}


def _more(task: str, before: dict[str, float]) -> dict[str, float]:
    return {result: count - before[result] for result, count in _runs(task).items() if count > before[result]}


def test_a_call_without_a_tick_always_counts(engine: Engine) -> None:
    assert is_mine("a", None)
    assert is_mine("a", None)


def test_of_two_beats_only_one_sweeps_the_outbox(engine: Engine) -> None:
    load(engine)
    run(engine, make_request())
    assert sweep_outbox(tick=7) == 1
    run(engine, make_request())
    assert sweep_outbox(tick=7) == 0
    assert scalar(engine, "SELECT count(*) FROM outbox") == 1


def test_what_a_job_could_not_do_is_not_the_databases_fault(engine: Engine) -> None:
    # This version works with a newer schema, and a check without a batch at hand would call it trouble.
    with TROUBLES["newer schema"](engine), pytest.raises(NotDone, match="the broker"), blaming_the_system():
        raise NotDone("the broker takes no event messages")


def test_of_two_beats_only_one_reconciles(engine: Engine) -> None:
    load(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ticket_classes SET sold = 1")
    assert run_reconciliation(tick=7) == 1
    assert run_reconciliation(tick=7) == 0


def test_a_reconciliation_that_still_runs_is_not_joined_by_another(engine: Engine) -> None:
    load(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ticket_classes SET sold = 1")
    before = _runs(RECONCILE)
    with engine.begin() as running:
        assert is_alone(running, RECONCILE)
        assert run_reconciliation(tick=7) == 0
    assert _more(RECONCILE, before) == {"skipped": 1}
    assert run_reconciliation(tick=8) == 1
    assert _more(RECONCILE, before) == {"skipped": 1, "ok": 1}


@pytest.fixture
def broker(home: Path) -> Iterator["redis.Redis"]:
    """Return a client of the broker, which takes everything again in the end."""
    client = redis.Redis(unix_socket_path=embedded.broker_url(home).removeprefix("redis+socket://"))
    yield client
    client.config_set("maxmemory", 0)
    client.execute_command("ACL", "SETUSER", "default", "+@all")
    client.close()


def _swept(engine: Engine) -> Job:
    with engine.begin() as connection:
        [job] = read_jobs(connection, {SWEEP: 5}, datetime.now(UTC))
    return job


def test_a_sweep_that_sends_nothing_says_why(engine: Engine, broker: "redis.Redis", home: Path) -> None:
    load(engine)
    run(engine, make_request())
    before = _runs(SWEEP)
    with listening(embedded.broker_url(home)):  # without a queue there is nothing to refuse
        broker.config_set("maxmemory", 1)
        assert sweep_outbox(tick=7) == 0
        refused = _swept(engine)
        broker.config_set("maxmemory", 0)
        assert sweep_outbox(tick=8) == 1

    assert refused.count == 0
    assert refused.result is not None
    assert refused.result.startswith("the broker takes no event messages: ")
    assert (_swept(engine).result, _swept(engine).count) == ("ok", 1)
    assert _more(SWEEP, before) == {"failed": 1, "ok": 1}


def test_a_sweep_that_sends_but_cannot_clean_up_says_both(engine: Engine, broker: "redis.Redis") -> None:
    load(engine)
    run(engine, make_request())
    broker.execute_command("ACL", "SETUSER", "default", "-zrange")

    assert sweep_outbox(tick=7) == 1

    swept = _swept(engine)
    assert swept.count == 1
    assert swept.result is not None
    assert swept.result.startswith("the queues of ended subscribers were not deleted: ")


def test_a_sweep_says_what_the_database_lacks_and_the_next_one_ends_the_relay_s_trouble(
    engine: Engine,
) -> None:
    load(engine)
    run(engine, make_request())
    before = _runs(SWEEP)
    with TROUBLES["table missing"](engine):
        assert relay() == 0
        assert sweep_outbox(tick=7) == 0
        lacking = _swept(engine)
        assert lacking.result is not None
        assert lacking.result == breaker.reason

    assert _more(SWEEP, before) == {}  # the breaker tells of it
    assert "outbox" in lacking.result
    assert sweep_outbox(tick=8) == 1
    assert _swept(engine).result == "ok"
    assert breaker.reason is None
