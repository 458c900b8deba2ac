"""Nothing is found in a system that is only busy: whatever others commit between two statements of a run."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from orders.upkeep.reconciliation import Discrepancy, reconcile_gently, walks
from schemas.requests import Request
from tests.factories import (
    NOW,
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    rows,
    run,
    scalar,
    send_events,
)
from willcall.kinds import CANCEL, CHECK_IN, PAY, RELEASE, TAKE, UPDATE

_SELLERS = 3
_BATCHES = 40
_CLASSES = ("standing", "stalls", "pit")


class Seller:
    """Asks for everything that a box office does, of its own orders and holds, a few requests a batch."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._random = random.Random(seed)
        self._orders: list[UUID] = []
        self._holds: list[UUID] = []

    def sell(self, is_over: Event) -> Counter[str]:
        """Return how many requests of each kind were processed."""
        processed: Counter[str] = Counter()
        for _ in range(_BATCHES):
            batch = [self._request() for _ in range(5)]
            for request, outcome in zip(batch, run(self._engine, *batch), strict=True):
                processed[request.kind] += outcome.status == "processed"
                if request.kind == TAKE and outcome.status == "processed":
                    self._holds.append(request.request_id)
                elif outcome.order_id is not None and outcome.order_id not in self._orders:
                    self._orders.append(outcome.order_id)
            with self._engine.begin() as connection:
                send_events(connection)
        is_over.set()
        return processed

    def _request(self) -> Request:
        ticket_class, quantity = self._random.choice(_CLASSES), self._random.randint(1, 3)
        kind = self._random.choice(["create", "create", TAKE, RELEASE, "use", UPDATE, CANCEL, PAY, CHECK_IN])
        if kind == TAKE:
            return make_change(TAKE, ticket_class_id=ticket_class, quantity=quantity)
        if kind in (RELEASE, "use") and self._holds:
            hold = str(self._holds.pop())
            return (
                make_change(RELEASE, hold_id=hold)
                if kind == RELEASE
                else make_request(line_items=[{"hold_id": hold}])
            )
        if kind in (UPDATE, CANCEL, PAY, CHECK_IN) and self._orders:
            return self._change(kind, self._random.choice(self._orders))
        lines = [{"ticket_class_id": name, "quantity": quantity} for name in {ticket_class, "pit"}]
        payments = [{"type": "cash", "amount": "10.00"}] if quantity == 1 else []
        return make_request(line_items=lines, payments=payments)

    def _change(self, kind: str, order_id: UUID) -> Request:
        named: dict[str, Any] = {"order_id": str(order_id)}
        if kind == UPDATE:
            lines = [{"ticket_class_id": "pit", "quantity": self._random.randint(1, 4)}]
            return make_change(kind, **named, patch={"line_items": lines, "shipping": "2.00"})
        if kind == PAY:
            return make_change(kind, **named, type="cash", is_refund=self._random.random() < 0.3)
        if kind == CHECK_IN:
            tickets = rows(self._engine, "SELECT id FROM tickets WHERE order_id = :id", id=order_id)
            return make_change(kind, ticket_id=str(self._random.choice(tickets)[0]))
        if self._random.random() < 0.5:
            named["lines"] = [{"line_number": 1}]
        return make_change(kind, **named)


def test_nothing_is_found_while_everything_happens(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "PAGE_ROWS", 20)
    tax = {"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "sum_by_net"}
    classes = [make_ticket_class(), make_seated_class(seats="1-400"), make_ticket_class("pit", price="9.99")]
    load(engine, make_event(ticket_classes=classes, tax=tax))
    ends = [Event() for _ in range(_SELLERS)]
    found: list[Discrepancy] = []
    runs = 0
    with ThreadPoolExecutor(_SELLERS) as pool:
        sellers = [pool.submit(Seller(engine, number).sell, end) for number, end in enumerate(ends)]
        while not all(end.is_set() or seller.done() for end, seller in zip(ends, sellers, strict=True)):
            found += reconcile_gently(engine, now=NOW)
            runs += 1
        processed = sum((seller.result() for seller in sellers), Counter[str]())

    assert found == []
    assert reconcile_gently(engine, now=NOW) == []
    assert runs  # a slow one may last as long as all sales
    assert set(processed) == {"orders.create", UPDATE, CANCEL, PAY, CHECK_IN, TAKE, RELEASE}
    assert min(processed.values()) > 0
    assert scalar(engine, "SELECT count(DISTINCT status) FROM orders") > 1

    with engine.begin() as connection:
        connection.execute(text("UPDATE ticket_classes SET sold = sold - 1 WHERE external_id = 'pit'"))
    assert [one.rule for one in reconcile_gently(engine, now=NOW)] == ["sold_differs_from_tickets"]
