"""Orders drained while a million are reconciled, against the same drain alone."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from benchmarks.loads.orders import make_orders
from benchmarks.measurements.filled import filled_crew
from benchmarks.results import Row, Target, compared
from benchmarks.running.crew import Crew
from benchmarks.running.database import Database
from benchmarks.running.lab import REDIS, Lab
from benchmarks.running.racing import race
from db.engine import make_engine
from orders.upkeep.reconciliation import reconcile_gently

TITLE: Final = "orders drained while others are reconciled; drained alone"
TARGET: Final = Target(0.8)


def run(lab: Lab) -> Sequence[Row]:
    """Return the rate of a drain during a reconciliation, compared with a drain alone."""
    (empty,) = lab.crews(REDIS, "willcall")
    with filled_crew(lab, "reconciled", empty) as crew, _reconciling(crew.system.database) as beside:
        alone, both = race(
            lab,
            {
                "alone": LongDrain(lab, crew),
                "beside a reconciliation": LongDrain(lab, crew, beside),
            },
        ).values()
    note = (
        f"{lab.sizes.filled_orders:,} orders in the tables; {beside.pages:,} pages read meanwhile; Redis, "
        f"{crew.workers} process(es)"
    )
    return [compared(TITLE, TARGET, both, alone, note)]


@dataclass(slots=True)
class Reconciliation:
    """Runs again and again, page by page, while it may."""

    database: Database
    pages: int = 0
    may_run: threading.Event = field(default_factory=threading.Event)
    is_over: bool = False

    def work(self) -> None:
        """Reconcile until it is over."""
        engine = make_engine(self.database.url, is_by_key=True)
        try:
            while True:
                reconcile_gently(engine, now=datetime.now(UTC), progress=self._go_on)
        except _Over:
            engine.dispose()

    def _go_on(self, name: str, number: int) -> None:
        self.pages += 1
        self.may_run.wait()
        if self.is_over:
            raise _Over


class _Over(Exception):
    """The measurement has ended."""


@contextmanager
def _reconciling(database: Database) -> Iterator[Reconciliation]:
    """Have a reconciliation ready, which waits for its turn after each page."""
    one = Reconciliation(database)
    thread = threading.Thread(target=one.work, name="reconciliation")
    thread.start()
    try:
        yield one
    finally:
        one.is_over = True
        one.may_run.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class LongDrain:
    """One run: a queue is emptied, alone or during a reconciliation; orders per second."""

    lab: Lab
    crew: Crew
    beside: Reconciliation | None = None

    def __call__(self) -> float:
        orders = make_orders(self.crew.orders_for(self.lab.sizes.reconcile_seconds))
        if self.beside is not None:
            self.beside.may_run.set()
        try:
            return self.crew.drain(orders, 100).rate
        finally:
            if self.beside is not None:
                self.beside.may_run.clear()
