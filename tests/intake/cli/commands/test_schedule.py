"""`willcall schedule`: jobs that can be seen, and run now."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from orders.upkeep.jobs import read_jobs
from orders.upkeep.ticks import claim_tick, finish_tick
from tasks.maintenance import END_HOLDS, end_holds
from tests.factories import load
from tests.intake.cli.conftest import Willcall
from tests.task_resources import fresh_resources

__all__ = ["fresh_resources"]

_AT = datetime(2027, 3, 1, 12, 0, 2, tzinfo=UTC)


def _ran(
    engine: Engine, name: str, began: datetime, *, seconds: float = 1.5, error: str | None = None
) -> None:
    tick = int(began.timestamp())
    with engine.begin() as connection:
        assert claim_tick(connection, name, tick, now=began)
        finish_tick(connection, name, tick, count=3, error=error, now=began + timedelta(seconds=seconds))


def test_a_job_says_when_it_ran_how_it_ended_and_when_it_is_due(engine: Engine) -> None:
    _ran(engine, "holds.sweep", _AT)
    _ran(engine, "outbox.sweep", _AT, error="the database is read-only")
    with engine.begin() as connection:
        claim_tick(connection, "outbox.sweep", 1, now=_AT + timedelta(seconds=5))
        found = read_jobs(
            connection,
            {"holds.sweep": 5, "outbox.sweep": 5, "documents.sweep": 300},
            _AT + timedelta(seconds=6),
        )

    held, sent, never = found
    assert (held.ran_at, held.took_seconds, held.count, held.result) == (_AT, 1.5, 3, "ok")
    assert held.due_at == _AT + timedelta(seconds=3)
    assert not held.is_running
    assert (sent.result, sent.is_running) == ("the database is read-only", True)
    assert (never.ran_at, never.result, never.is_late) == (None, None, False)
    assert never.due_at == _AT.replace(minute=5, second=0)


def test_the_last_finished_run_is_kept_when_old_ticks_are_forgotten(engine: Engine) -> None:
    _ran(engine, "holds.sweep", _AT - timedelta(hours=1))
    _ran(engine, "holds.sweep", _AT)
    with engine.begin() as connection:
        claim_tick(connection, "holds.sweep", 1, now=_AT + timedelta(hours=9))
        [job] = read_jobs(connection, {"holds.sweep": 5}, _AT + timedelta(hours=9))
        count = connection.exec_driver_sql("SELECT count(*) FROM ticks").scalar_one()

    assert job.ran_at == _AT
    assert count == 2


def test_the_list_shows_what_a_tick_has_done(willcall: Willcall, engine: Engine) -> None:
    load(engine)
    end_holds(tick=7)

    shown = {job["name"]: job for job in willcall("schedule", "list", "--json").json}
    people = willcall("schedule", "list").out

    assert shown[END_HOLDS]["result"] == "ok"
    assert shown[END_HOLDS]["count"] == 0
    assert shown["reconciliation.run"]["result"] is None
    assert "never" in people
    assert END_HOLDS in people


def test_a_tick_of_a_broken_job_says_why(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ValueError("quotes a buyer")

    monkeypatch.setattr("tasks.maintenance.end_late_holds", fail)
    with pytest.raises(ValueError, match="quotes"):
        end_holds(tick=7)

    with engine.begin() as connection:
        [job] = read_jobs(connection, {END_HOLDS: 5}, datetime.now(UTC))
    assert job.result == "ValueError: the worker's log says more"


def test_a_job_that_no_worker_takes_is_not_waited_for_longer_than_asked(
    willcall: Willcall, engine: Engine
) -> None:
    ran = willcall("schedule", "run", "holds.sweep", "--timeout", "0")

    assert ran.code == 1
    assert "no worker began holds.sweep within 0 s" in ran.err


def test_an_unknown_job_is_refused_with_the_names_of_those_there_are(willcall: Willcall) -> None:
    ran = willcall("schedule", "run", "tea")

    assert ran.code == 1
    assert "there is no job tea: use one of requests.retry, outbox.sweep" in ran.err


# Last: from here on a worker runs.
@pytest.mark.usefixtures("crew")
@pytest.mark.xdist_group("crew")
def test_a_job_runs_now_and_its_result_is_told(willcall: Willcall, engine: Engine) -> None:
    load(engine)

    ran = willcall("schedule", "run", "reconciliation.run", "--timeout", "300")
    swept = willcall("schedule", "run", "outbox.sweep", "--timeout", "300", "--json")

    assert (ran.code, ran.out) == (0, "reconciliation.run: ok, 0 done\n")
    assert swept.json == {"job": "outbox.sweep", "result": "ok", "count": 0}
