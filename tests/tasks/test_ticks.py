from sqlalchemy import Engine

from orders.upkeep.ticks import is_alone
from tasks.maintenance import RECONCILE, run_reconciliation, sweep_outbox
from tasks.ticks import is_mine
from tests.factories import load, make_request, run, scalar


def test_a_tick_is_one_task_s_and_one_time_s(engine: Engine) -> None:
    assert [is_mine("a", 1), is_mine("a", 1), is_mine("b", 1), is_mine("a", 2)] == [True, False, True, True]


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
    with engine.begin() as running:
        assert is_alone(running, RECONCILE)
        assert run_reconciliation() == 0
    assert run_reconciliation() == 1
