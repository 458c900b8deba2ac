"""A finding is told once, whatever comes after it, and is never the subject of another finding."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, text

from orders.upkeep.reconciliation import RULES, Discrepancy, reconcile, reconcile_gently
from tests.factories import NOW, load, make_event, make_seated_class, make_ticket_class, place, rows, scalar

_TOLD = "SELECT count(*) FROM event_messages WHERE type = 'reconciliation.discrepancy_found'"


@pytest.fixture
def sold(engine: Engine) -> Engine:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class()]))
    place(engine, quantity=2)
    place(engine, ticket_class="stalls")
    return engine


def _run(engine: Engine, later: timedelta = timedelta()) -> list[Discrepancy]:
    with engine.begin() as connection:
        return reconcile(connection, now=NOW + later)


def _execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def _damage(engine: Engine, by: int) -> None:
    _execute(engine, f"UPDATE ticket_classes SET sold = sold + {by} WHERE external_id = 'stalls'")


def test_a_discrepancy_is_told_once_and_again_when_it_comes_back(sold: Engine) -> None:
    _damage(sold, 1)
    assert [one.is_new for one in _run(sold)] == [True]
    assert [one.is_new for one in _run(sold)] == [False]
    assert scalar(sold, _TOLD) == 1
    _damage(sold, -1)
    assert _run(sold) == []
    _damage(sold, 1)
    _run(sold)
    assert scalar(sold, _TOLD) == 2


def test_another_detail_is_no_other_finding(sold: Engine) -> None:
    _damage(sold, 1)
    _run(sold)
    _damage(sold, 1)
    (found,) = _run(sold)
    assert not found.is_new
    assert rows(sold, "SELECT detail FROM discrepancies") == [(found.detail,)]
    assert scalar(sold, _TOLD) == 1


def test_runs_that_cross_tell_of_a_finding_once(sold: Engine) -> None:
    _execute(sold, "UPDATE orders SET payment_status = 'paid'")
    _damage(sold, 1)
    together = Barrier(4)

    def run(number: int) -> int:
        together.wait()
        return len(reconcile_gently(sold, now=NOW + timedelta(seconds=number)))

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(run, range(4))) == [3] * 4
    assert scalar(sold, _TOLD) == 3


def test_a_run_forgets_nothing_that_another_found_since_it_began(sold: Engine) -> None:
    seen: list[str] = []

    def meanwhile(name: str, page: int) -> None:
        # The first run has read the orders by now, when they are damaged, and the second finds it.
        if not seen:
            _execute(sold, "UPDATE orders SET payment_status = 'paid'")
            seen.extend(one.rule for one in _run(sold))

    assert reconcile_gently(sold, now=NOW, progress=meanwhile) == []
    assert seen == ["wrong_payment_status"] * 2
    assert [one.is_new for one in _run(sold)] == [False, False]
    assert scalar(sold, _TOLD) == 2


def test_what_is_stuck_adds_nothing_to_the_outbox(sold: Engine) -> None:
    late = timedelta(hours=1)
    for _ in range(3):
        (found,) = _run(sold, late)
        assert (found.rule, found.subject) == ("event_message_stuck", found.tenant_id)
        assert found.detail.startswith("2 event messages are unsent")
    assert scalar(sold, "SELECT count(*) FROM outbox") == 2
    assert scalar(sold, "SELECT count(*) FROM discrepancies") == 1


def test_what_the_outbox_lost_is_not_told_through_it(sold: Engine) -> None:
    _execute(sold, "DELETE FROM outbox")
    assert [one.rule for one in _run(sold)] == ["event_message_never_sent"] * 2
    assert scalar(sold, "SELECT count(*) FROM outbox") == 0


def test_no_finding_is_made_of_what_tells_of_findings(sold: Engine) -> None:
    _execute(sold, "UPDATE orders SET payment_status = 'paid'")
    assert len(_run(sold)) == 2
    _execute(sold, "UPDATE orders SET payment_status = 'unpaid'")
    # Neither while they are stuck, nor when the outbox has lost them.
    assert [one.rule for one in _run(sold, timedelta(hours=1))] == ["event_message_stuck"]
    _execute(
        sold,
        "DELETE FROM outbox USING event_messages m WHERE outbox.subject = m.subject"
        " AND m.type = 'reconciliation.discrepancy_found'",
    )
    assert _run(sold) == []


def test_what_is_found_of_the_outbox_is_never_told_through_it() -> None:
    untold = {rule.name for rule in RULES.values() if not rule.is_published}
    assert untold == {
        "event_message_never_sent",
        "event_message_stuck",
        "outbox_row_without_event_message",
        "scheduled_job_not_run",
    }
