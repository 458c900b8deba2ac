"""Answers for all waiting callers: one thread polls for outcomes, and makes many answers at once."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar
from uuid import UUID

from fastapi import Response
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from db.failures import Fault, fault_of
from intake.clock import utc_now
from intake.requests.answer_plans import Plan
from intake.requests.look_times import LookTimes
from intake.requests.turns import Turns
from orders.reading.outcomes import RequestRow, count_tickets, find_requests
from orders.reading.safe_rendering import is_of_the_database, showing
from orders.reading.snapshots import Snapshot, Wanted, read_published, read_snapshot

log = logging.getLogger(__name__)

_AFTER_ERROR_SECONDS: Final = 0.5

_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class _Waiter:
    ids: Sequence[UUID]
    plan: Plan
    answer: "asyncio.Future[Response | None]"
    tenant_id: UUID
    since: float
    outcomes: dict[UUID, RequestRow] = field(default_factory=dict)
    weight: int = 0
    """The number of tickets in its answer; 0 while it is unknown."""
    is_due: bool = False
    """Whether all outcomes are known: from then on the answer comes, whatever the deadline."""


_Done = tuple[_Waiter, Response | BaseException | None]


class BulkAnswers:
    """A thread that owns a connection, and answers all callers of one event loop.

    It polls for outcomes every few milliseconds, for all waiting callers. The data of the answers is then
    read in groups, each in one transaction that sees a single moment, with the same few statements for
    any number of answers. Groups are small, and the tenants take turns: see `Turns`.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        # A single statement needs no transaction around it, which would be two more round trips.
        self._looking = engine.execution_options(isolation_level="AUTOCOMMIT")
        # An answer is made of several statements: an order's version must fit its tickets.
        self._reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._new: deque[_Waiter] = deque()
        self._waiting: list[_Waiter] = []
        self._turns: Turns[_Waiter] = Turns()
        self._wake = threading.Event()
        self._is_idle = False
        self._is_stopped = False
        self._is_closing = False
        self._next_look = 0.0
        self._times = LookTimes()
        # A daemon: a database that never answers must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; called inside the event loop of the callers."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def wait(
        self, ids: Sequence[UUID], tenant_id: UUID, plan: Plan, deadline: float
    ) -> Response | None:
        """Return the answer when all requests have an outcome, or None if they have none by the deadline.

        The deadline is one of `time.monotonic`; an answer that is being made is waited for. Raises what the
        plan raises, and `SQLAlchemyError`.
        """
        waiter = _Waiter(ids, plan, self._loop.create_future(), tenant_id, time.monotonic())
        if self._is_stopped:
            return None
        timer = self._loop.call_later(deadline - waiter.since, _give_up, waiter)
        try:
            return await self._answer(waiter)
        finally:
            timer.cancel()

    async def answer(self, outcome: RequestRow, plan: Plan) -> Response | None:
        """Return the answer to a single outcome that is known already. Raises as `wait`."""
        waiter = _Waiter([outcome.request_id], plan, self._loop.create_future(), outcome.tenant_id, 0.0)
        waiter.outcomes[outcome.request_id] = outcome
        waiter.is_due = True
        return await self._answer(waiter)

    async def _answer(self, waiter: _Waiter) -> Response | None:
        self._new.append(waiter)
        # The thread polls at intervals; it is woken for answers that can be made at once.
        if self._is_idle or waiter.is_due:
            self._wake.set()
        return await waiter.answer

    def stop(self) -> None:
        """Answer all waiting callers with None, except those whose answers are made; accept no others."""
        self._is_stopped = True
        for waiter in [*self._new, *self._waiting]:
            _give_up(waiter)

    async def close(self) -> None:
        """Stop, and return when the last answer is made."""
        self.stop()
        self._is_closing = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)

    # The thread.

    def _run(self) -> None:
        while True:
            self._take_new()
            try:
                if self._waiting and time.monotonic() >= self._next_look:
                    self._look()
            except Exception as error:  # noqa: BLE001 - the thread must live on
                log.warning("outcomes cannot be read", extra={"error": type(error).__name__})
                self._next_look = time.monotonic() + _AFTER_ERROR_SECONDS
            if self._turns:
                self._deliver(self._made_or_failed(self._turns.take()))
            elif self._is_closing:
                return
            else:
                self._rest()

    def _take_new(self) -> None:
        due: list[_Waiter] = []
        if self._new and not self._waiting:
            self._next_look = max(self._next_look, time.monotonic() + self._times.until_first())
        while self._new:
            waiter = self._new.popleft()
            (due if waiter.is_due else self._waiting).append(waiter)
        if due:
            self._weigh(due)

    def _rest(self) -> None:
        self._wake.clear()
        self._is_idle = not self._waiting
        if not self._new and not self._is_closing:
            self._wake.wait(self._next_look - time.monotonic() if self._waiting else None)
        self._is_idle = False

    def _look(self) -> None:
        """Find the known outcomes, and queue the callers that wait for no others."""
        self._waiting = [waiter for waiter in self._waiting if not waiter.answer.done()]
        if self._is_stopped:  # also callers that came in this moment
            for waiter in self._waiting:
                self._loop.call_soon_threadsafe(_give_up, waiter)
        if not self._waiting:
            return
        started = time.monotonic()
        missing = [id_ for waiter in self._waiting for id_ in waiter.ids if id_ not in waiter.outcomes]
        found = _read(self._looking, lambda connection: find_requests(connection, missing))
        for waiter in self._waiting if found else ():
            waiter.outcomes.update((id_, found[id_]) for id_ in waiter.ids if id_ in found)
            if len(waiter.outcomes) == len(waiter.ids):
                waiter.is_due = True
                self._times.note(time.monotonic() - waiter.since)
                waiter.weight = sum(max(1, one.tickets) for one in waiter.outcomes.values())
                self._turns.add(waiter)
        self._waiting = [waiter for waiter in self._waiting if not waiter.is_due]
        now = time.monotonic()
        youngest = now - max((waiter.since for waiter in self._waiting), default=now)
        self._next_look = now + self._times.until_next(len(self._waiting), youngest, now - started)

    def _weigh(self, due: Sequence[_Waiter]) -> None:
        orders = [one.order_id for waiter in due for one in waiter.outcomes.values() if one.order_id]
        try:
            counts = _read(self._looking, lambda connection: count_tickets(connection, orders))
        except Exception:  # noqa: BLE001 - reading them will say what it is
            counts = {}
        for waiter in due:
            ids = [one.order_id for one in waiter.outcomes.values()]
            waiter.weight = sum(max(1, counts.get(id_, 1)) if id_ else 1 for id_ in ids)
            self._turns.add(waiter)

    def _made_or_failed(self, group: Sequence[_Waiter]) -> list[_Done]:
        wanted = [waiter for waiter in group if not waiter.answer.done()]  # the others have hung up
        try:
            return self._made(wanted) if wanted else []
        except Exception as error:  # noqa: BLE001 - the thread must live on, and its callers be answered
            return [(waiter, error) for waiter in wanted]

    def _made(self, group: Sequence[_Waiter]) -> list[_Done]:
        wanted = [waiter.plan.wanted([waiter.outcomes[id_] for id_ in waiter.ids]) for waiter in group]
        try:
            snapshot = self._snapshot(wanted)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            if _is_for_all(error):
                return [(waiter, error) for waiter in group]
            if len(group) == 1:
                return [(group[0], self._named(group[0].plan, wanted[0], error))]
            middle = len(group) // 2
            return [*self._made(group[:middle]), *self._made(group[middle:])]
        return [(waiter, _make(waiter, snapshot)) for waiter in group]

    def _snapshot(self, wanted: Sequence[Wanted]) -> Snapshot:
        # New orders in canonical format are a single statement, which sees one moment without a transaction.
        if all(one.is_order_alone for one in wanted):
            published = _read(self._looking, lambda connection: read_published(connection, wanted))
            if published is not None:
                return published
        return _read(self._reading, lambda connection: read_snapshot(connection, wanted, now=utc_now()))

    def _named(self, plan: Plan, wanted: Wanted, error: Exception) -> Exception:
        """Return the error that names the unreadable order; errors of the database stay as they are."""
        for outcome in wanted.outcomes:
            if outcome.order_id is None or is_of_the_database(error):
                continue
            try:
                with showing(outcome.order_id, plan.dialect):
                    self._snapshot([replace(wanted, outcomes=[outcome])])
            except Exception as its_own:  # noqa: BLE001 - as above
                return its_own
        return error

    def _deliver(self, done: Sequence[_Done]) -> None:
        with suppress(RuntimeError):  # the loop was closed: no caller waits any more
            self._loop.call_soon_threadsafe(_answer_all, done)


def _give_up(waiter: _Waiter) -> None:
    if not waiter.is_due and not waiter.answer.done():
        waiter.answer.set_result(None)


def _make(waiter: _Waiter, snapshot: Snapshot) -> Response | BaseException | None:
    try:
        return waiter.plan.make(snapshot, [waiter.outcomes[id_] for id_ in waiter.ids])
    except Exception as error:  # noqa: BLE001 - raised where the call is answered
        return error


def _answer_all(done: Sequence[_Done]) -> None:
    for waiter, answer in done:
        if waiter.answer.done():
            continue
        if isinstance(answer, BaseException):
            waiter.answer.set_exception(answer)
        else:
            waiter.answer.set_result(answer)


def _read(engine: Engine, read: Callable[[Connection], _T]) -> _T:
    """Return the result of `read`; a connection that died while idle is replaced, so none needs a ping."""
    try:
        with engine.connect() as connection:
            return read(connection)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    with engine.connect() as connection:
        return read(connection)


def _is_for_all(error: Exception) -> bool:
    """Say whether all other answers would fail in the same way."""
    return isinstance(error, SQLAlchemyError) and fault_of(error) is Fault.SYSTEM
