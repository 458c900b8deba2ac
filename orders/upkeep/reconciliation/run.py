"""A run of all rules: walk by walk, page by page; findings are published on the way."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, Engine, Row, text

from db.bulk import array
from orders.upkeep.jobs import late_before
from orders.upkeep.reconciliation import inventory, jobs, messages, money, outbox, requests, tickets
from orders.upkeep.reconciliation.findings import Discrepancy, began, forget, remember
from orders.upkeep.reconciliation.rules import Rule
from orders.upkeep.reconciliation.walks import AtOnce, ByEvent, ById, Parameters, Walk
from schemas.money import minor_units

STUCK_AFTER: Final = timedelta(minutes=10)
"""The time after which an unsent event message or an overdue retry is a discrepancy."""

NO_JOBS: Final[Mapping[str, float]] = {}

AT_WORK: Final = 0.2
"""The share of its time in which a gentle run uses the database; otherwise it rests."""

WALKS: Final[Sequence[Walk]] = (
    ById(
        "orders",
        (("orders", "id"), ("order_lines", "order_id"), ("tickets", "order_id"), ("payments", "order_id")),
        (money.MONEY, tickets.ORDERS, tickets.TICKETS, requests.ORDERS),
    ),
    ById(
        "event messages",
        (("orders", "id"), ("event_messages", "subject"), ("outbox", "subject")),
        (messages.SEQUENCES, messages.PUBLISHED_AMOUNTS, messages.NAMELESS, outbox.UNSENT, outbox.EMPTY),
    ),
    ById("requests", (("requests", "id"),), (requests.REQUESTS,)),
    ById("seats", (("seats", "id"),), (inventory.SEATS,)),
    ById("holds", (("holds", "id"),), (inventory.HOLDS,)),
    ByEvent("events", (inventory.COUNTERS, inventory.USES)),
    AtOnce("what waits", (outbox.STUCK, requests.DELAYED, jobs.LATE)),
)
"""The walks of a run, in this order."""

RULES: Final[Mapping[str, Rule]] = {
    rule.name: rule for walk in WALKS for look in walk.looks for rule in look.rules
}
"""All rules by their names."""

_PUBLISHED: Final = frozenset(rule.name for rule in RULES.values() if rule.is_published)

_JOB: Final = UUID("5e0f3c53-8f5b-4f0e-9a3c-6f8f4c1d2b77")
"""Jobs have no rows of their own: a job's subject is derived from this and its name."""

# A plan made while a table was small would read the whole table for each page.
_BY_KEY: Final = text("SET LOCAL enable_seqscan = off")

_CURRENCIES: Final = text("SELECT DISTINCT currency FROM events")

Progress = Callable[[str, int], None]
"""Receives, after each page, the name of the walk and the number of its pages."""

Transaction = Callable[[], AbstractContextManager[Connection]]


def reconcile(
    connection: Connection, *, now: datetime, job_intervals: Mapping[str, float] = NO_JOBS
) -> list[Discrepancy]:
    """Run every rule in the caller's transaction, without a rest; return all that is found.

    `job_intervals` are the scheduled jobs, each with the seconds between two runs.
    """
    return _Run(lambda: nullcontext(connection), now, job_intervals).finish(
        lambda worked: None, lambda name, page: None
    )


def reconcile_gently(
    engine: Engine,
    *,
    now: datetime,
    job_intervals: Mapping[str, float] = NO_JOBS,
    progress: Progress | None = None,
) -> list[Discrepancy]:
    """Run every rule, each page in its own transaction, with a rest after it; return all that is found."""
    return _Run(engine.begin, now, job_intervals).finish(_rest, progress or (lambda name, page: None))


def _rest(worked: float) -> None:
    """Leave the database to sales: the rest is proportional to the work, on any machine."""
    time.sleep(worked / AT_WORK - worked)


class _Run:
    """One run: its connection, parameters and findings."""

    def __init__(self, transaction: Transaction, now: datetime, job_intervals: Mapping[str, float]) -> None:
        self._transaction = transaction
        self._now = now
        with transaction() as connection:
            self._began = began(connection)
            currencies = list(connection.scalars(_CURRENCIES))
        self._parameters: Parameters = {
            "stuck_before": now - STUCK_AFTER,
            "currencies": array(currencies),
            "digits": array(map(minor_units, currencies)),
            "job_subjects": array(uuid5(_JOB, name) for name in job_intervals),
            "job_names": array(job_intervals),
            "late_before": array(late_before(seconds, now) for seconds in job_intervals.values()),
        }

    def finish(self, rest: Callable[[float], None], progress: Progress) -> list[Discrepancy]:
        found: list[Discrepancy] = []
        for walk in WALKS:
            since = time.monotonic()
            for number, page in enumerate(walk.pages(self._ask), 1):
                found += self._look(walk, page)
                worked = time.monotonic() - since
                progress(walk.name, number)
                rest(worked)
                since = time.monotonic()
        with self._transaction() as connection:
            forget(connection, self._began)
        return found

    def _ask(self, statement: Any, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        with self._transaction() as connection:
            connection.execute(_BY_KEY)
            return connection.execute(statement, parameters or {}).all()

    def _look(self, walk: Walk, page: Parameters) -> list[Discrepancy]:
        with self._transaction() as connection:
            connection.execute(_BY_KEY)
            found = [
                (row.rule, row.subject, row.tenant_id, row.detail)
                for look in walk.looks
                for row in connection.execute(look.statement, {**self._parameters, **page})
            ]
            return remember(connection, found, _PUBLISHED, self._now)
