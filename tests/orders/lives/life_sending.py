"""Sends requests to the database and to the model of lives, and compares both."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis.stateful import (
    initialize,
)
from sqlalchemy import Connection, text

from db import tables
from orders.catalogue.loading import load_catalogue
from orders.process import process
from orders.recovery.delayed_requests import forget
from orders.upkeep.reconciliation import reconcile
from schemas.catalogue import Catalogue
from schemas.json import JsonObject
from schemas.requests import Request
from tests.factories import (
    NOW,
    make_body,
    make_change,
    make_event,
    make_seated_class,
    make_ticket_class,
    send_events,
)
from tests.orders.lives.life_comparison import Compared
from tests.orders.lives.life_model import Model
from tests.orders.lives.life_terms import CLASSES, PATIENCE, WAITING, money
from tests.orders.lives.life_words import (
    SOMEBODY,
    Sender,
    wishes,
)
from tests.orders.lives.plans import make_id, version_words
from tests.orders.lives.pure_core import PureCore
from tests.orders.worlds import make_tenant
from willcall.kinds import CREATE, TAKE, UPDATE

# Time alone leads to these findings: no relay and no worker runs here.
_OF_TIME = {"event_message_stuck", "request_stuck"}


class Sending(Compared):
    """Requests go into the model and into the database, alone or as batches, and both must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(NOW)
        self.batch: list[Request] = []
        self.late: list[Request] = []
        """What was asked, and is still on its way."""
        self.sent: list[Request] = []
        self.waiting: dict[Any, Request] = {}
        self.keys: list[str] = []
        self.is_compared = False
        self._ids = count(1)

    @initialize()
    def an_empty_database(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                text("TRUNCATE " + ", ".join(one.name for one in tables.metadata.sorted_tables))
            )
        self._load_catalogue()
        self.pure = PureCore(self._events(), make_tenant(cancels_unpaid=True))
        firsts: list[tuple[str, str | None, JsonObject]] = [
            ("standing", "FIVE", {"discount": "3.00"}),
            ("pit", None, {"tax": "1.00"}),
            ("pit", None, self._until(3, "payment_due_at")),
        ]
        for name, promo_code, words in firsts:
            line = {"ticket_class_id": name, "quantity": 2}
            self._create(True, line_items=[line], promo_code=promo_code, payments=[], **words)
        self.ask(self._request(TAKE, ticket_class_id="stalls", quantity=2), waits=False)

    def _events(self) -> list[JsonObject]:
        model = self.model
        price = {name: money(amount) for name, amount in model.prices.items()}
        capacity = {name: one["capacity"] for name, one in CLASSES.items()}
        standing = make_ticket_class("standing", price=price["standing"], capacity=capacity["standing"])
        stalls = make_seated_class("stalls", "1-9", price=price["stalls"])
        pit = make_ticket_class("pit", price=price["pit"], capacity=capacity["pit"])
        ten, five = model.promo_codes["TEN"], model.promo_codes["FIVE"]
        promo_codes = [
            {"code": "TEN", "percent": str(ten["percent"])},
            {"code": "FIVE", "amount": money(five["cents"]), "max_uses": five["max_uses"]},
        ]
        tax = None if model.opera_tax is None else {"name": "VAT", "rate": f"0.{model.opera_tax:02}"}
        return [
            make_event(ticket_classes=[standing, stalls], promo_codes=promo_codes),
            make_event("opera", ticket_classes=[pit], tax=tax),
        ]

    def _load_catalogue(self) -> None:
        catalogue = {"tenant": "demo", "settings": {"cancels_unpaid": True}, "events": self._events()}
        load_catalogue(self.engine, Catalogue.model_validate(catalogue), now=self.model.now)

    def new_id(self, seconds_old: int = 0, *, is_dated: bool = True) -> UUID:
        """Return an id that says that a request was accepted so long ago, or one that says nothing."""
        id_ = make_id(self.model.now - timedelta(seconds=seconds_old), next(self._ids))
        return id_ if is_dated else UUID(int=id_.int, version=4)

    def ask(self, request: Request, waits: bool) -> None:
        """Send the request now, or with the next ones."""
        is_alone = self._wishes(request) or any(self._wishes(one) for one in self.batch)
        if is_alone:
            self.flush()
        self.batch.append(request)
        if is_alone or not waits or len(self.batch) >= 8:
            self.flush()

    def _wishes(self, request: Request) -> bool:
        """Say whether seats are named, by the request or by what is to be applied after it once more."""
        order = self.model.orders.get(request.body.get("order_key", "")) or next(
            (one for one in self.model.orders.values() if one.get("id") == request.body.get("order_id", "")),
            None,
        )
        changes = [] if order is None or request.kind != UPDATE else order["changes"]
        return wishes(request.body) or any(wishes(change.get("patch")) for change in changes)

    def flush(self) -> None:
        batch, self.batch = self.batch, []
        if not batch:
            return
        with self.engine.begin() as connection:
            outcomes = process(connection, batch, now=self.model.now, patience=PATIENCE)
            for outcome in outcomes:
                if outcome.status != "waiting":
                    forget(connection, outcome.request_id)
            send_events(connection)
        decided = self.pure.process(batch, self.model.now, PATIENCE)
        for request, outcome, pure in zip(batch, outcomes, decided, strict=True):
            errors = [(rejection.code, rejection.field) for rejection in outcome.errors]
            assert (outcome.status, errors) == pure, (request, outcome, pure)
        answers = self.model.take_batch(batch)
        for request, outcome, answer in zip(batch, outcomes, answers, strict=True):
            codes = {rejection.code for rejection in outcome.errors}
            assert outcome.status == answer.status, (request, outcome, answer)
            assert codes <= answer.codes, (request, outcome, answer)
            self.waiting.pop(request.request_id, None)
            if answer == WAITING:
                self.waiting[request.request_id] = request
            else:
                self.sent.append(request)
        # Now the model hears which seats were given to whom.
        self._compare()

    def _create(
        self,
        waits: bool,
        *,
        payments: list[str | None],
        promo_code: str | None,
        is_late: bool = False,
        **words: Any,
    ) -> None:
        body = make_body(**words)
        if promo_code:
            body["promo_code"] = promo_code
        body["payments"] = [{"type": "cash"} | ({"amount": one} if one else {}) for one in payments]
        self.keys.append(body["idempotency_key"])
        self._send(Request(CREATE, self.new_id(), "demo", True, body), waits, is_late)

    def _send(self, request: Request, waits: bool, is_late: bool) -> None:
        if is_late:
            self.late.append(request)
        else:
            self.ask(request, waits)

    def _request(self, kind: str, request_id: UUID | None = None, **body: Any) -> Request:
        return make_change(kind, request_id=request_id or self.new_id(), **body)

    def _until(self, minutes: int | None, name: str = "expires_at") -> JsonObject:
        if minutes is None:
            return {}
        return {name: (self.model.now + timedelta(minutes=minutes)).isoformat()}

    def _key(self, which: int) -> str:
        """Return the key of an order; mostly of one that stands, or is about to be made."""
        standing = [
            key
            for key in self.keys
            if key not in self.model.answers or self.model.orders.get(key, {}).get("status") == "placed"
        ]
        keys = standing[:3] if standing and which % 5 else self.keys
        return keys[which // 5 % len(keys)]

    def _change(self, kind: str, waits: bool, which: int, sender: Sender = SOMEBODY, **body: Any) -> None:
        key = self._key(which)
        order = self.model.orders.get(key)
        seen = None
        if order is not None:
            if sender.ahead is not None:
                body |= version_words(order["version"], sender.ahead, sender.also)
            if sender.seen is not None:
                seen = max(order["version"] - sender.seen, 1)
        # By its id, or by the key of its creator.
        name = {"order_id": order["id"]} if order is not None and which % 2 else {"order_key": key}
        id_ = self.new_id(sender.seconds_old, is_dated=sender.is_dated)
        request = self._request(kind, id_, **name, **body)._replace(seen_version=seen)
        self._send(request, waits, sender.is_late)

    def _ticket(self, which: int) -> JsonObject:
        issued = [ticket for order in self.model.orders.values() for ticket in order["tickets"]]
        ticket: JsonObject = issued[which % len(issued)]
        return ticket

    def _compare(self) -> None:
        self.is_compared = True
        with self._reading() as connection:
            self.compare_orders(connection)
            self.compare_tickets(connection)
            self.compare_inventory(connection)
            self.compare_pure(connection)
            found = reconcile(connection, now=self.model.now)
            assert [one for one in found if one.rule not in _OF_TIME] == []

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection
            connection.rollback()
