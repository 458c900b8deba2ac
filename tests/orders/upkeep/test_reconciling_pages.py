"""A run reads everything, page by page, by key, and is in nobody's way."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from orders.upkeep.reconciliation import reconcile, reconcile_gently, walks
from orders.upkeep.reconciliation.rules import Look
from orders.upkeep.reconciliation.run import WALKS
from tests.databases import fresh_database
from tests.factories import NOW, load, make_event, make_ticket_class, place, rows

_SMALL = {"events", "tenants", "ticket_classes", "delayed_requests"}


@pytest.fixture
def sold(engine: Engine) -> Engine:
    load(engine, make_event(ticket_classes=[make_ticket_class()]))
    for quantity in (1, 5, 1, 1, 3, 1):
        place(engine, quantity=quantity)
    return engine


def test_every_page_is_read(sold: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "PAGE_ROWS", 2)
    with sold.begin() as connection:
        connection.execute(text("UPDATE orders SET payment_status = 'paid'"))
    pages: Counter[str] = Counter()

    found = reconcile_gently(sold, now=NOW, progress=lambda name, page: pages.update([name]))

    assert {one.subject for one in found} == {id_ for (id_,) in rows(sold, "SELECT id FROM orders")}
    assert len(found) == 6
    assert pages["orders"] > 3


def test_a_run_locks_nothing(sold: Engine) -> None:
    others = """
        SELECT DISTINCT relation::regclass::text FROM pg_locks
        WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode <> 'AccessShareLock'
    """
    with sold.begin() as connection:
        reconcile(connection, now=NOW)
        # Reading takes the weakest lock; this is what the run writes.
        assert set(connection.scalars(text(others))) == {"discrepancies", "discrepancies_pkey"}


@pytest.fixture(scope="module")
def never_analyzed(migrated: Engine) -> Iterator[Engine]:
    """Return a database without statistics: where a table is known to be tiny, it is read whole."""
    with fresh_database(migrated, "never_analyzed") as engine:
        yield engine


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(look, id=look.rules[0].name)
        for walk in WALKS
        if not isinstance(walk, walks.AtOnce)
        for look in walk.looks
    ],
)
def test_a_page_reads_no_whole_table(never_analyzed: Engine, look: Look) -> None:
    names = iter(range(1, 100))
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], next(names))}"

    statement = re.sub(r"(?<!:):(\w+)", number, look.statement.text)
    with never_analyzed.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}").scalars()
    read = [node for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name", "events") not in _SMALL]
    assert read
    for node in read:
        assert "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan", node


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
