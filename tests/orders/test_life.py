"""Random lives of orders, against a real PostgreSQL and a model of plain dictionaries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, text

from db import tables
from orders.catalogue.loading import load_catalogue
from orders.process import process
from orders.reading.order_reading import get_order
from orders.recovery.delayed_requests import forget
from orders.upkeep.expiry import end_late_holds, propose_expiries
from orders.upkeep.reconciliation import reconcile
from schemas.catalogue import Catalogue
from schemas.json import JsonObject
from schemas.orders import Order
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
from tests.orders.life_comparison import Compared
from tests.orders.life_model import Model
from tests.orders.life_money import balance
from tests.orders.life_terms import CLASSES, PATIENCE, WAITING, money
from tests.orders.life_tickets import valid
from tests.orders.life_updates import asked_at
from tests.orders.life_words import (
    SOMEBODY,
    Sender,
    class_names,
    fees,
    lately,
    line_lists,
    minutes,
    names,
    numbers,
    promo_codes,
    seat_lists,
    senders,
    small_money,
    wishes,
)
from tests.orders.plans import make_id, version_words
from tests.orders.pure_core import PureCore
from tests.orders.worlds import make_tenant
from willcall.kinds import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE

# What time alone makes of rows that nobody fetches here.
_OF_TIME = {"event_message_stuck", "request_stuck"}


def _given(**words: Any) -> JsonObject:
    """Return those of the words that are not None."""
    return {name: word for name, word in words.items() if word is not None}


class Life(Compared):
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

    # Sending.

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

    # What is asked.

    @rule(
        waits=st.booleans(),
        line_items=line_lists,
        fees=fees,
        promo_code=promo_codes,
        payments=st.lists(st.none() | small_money, max_size=2),
        due=minutes,
        is_late=lately,
    )
    def create(
        self,
        waits: bool,
        line_items: tuple[JsonObject, ...],
        fees: dict[str, str],
        promo_code: str | None,
        payments: list[str | None],
        due: int | None,
        is_late: bool,
    ) -> None:
        self._create(
            waits,
            is_late=is_late,
            line_items=list(line_items),
            promo_code=promo_code,
            payments=payments,
            **fees,
            **self._until(due, "payment_due_at"),
        )

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

    @precondition(lambda self: self.late)
    @rule(waits=st.booleans(), which=numbers)
    def arrive(self, waits: bool, which: int) -> None:
        """What was on its way is there, after others that were sent later."""
        self.ask(self.late.pop(which % len(self.late)), waits)

    @precondition(lambda self: self._holds())
    @rule(
        waits=st.booleans(),
        which=st.lists(numbers, min_size=1, max_size=2),
        price=st.none() | small_money,
        promo_code=promo_codes,
    )
    def create_with_holds(
        self, waits: bool, which: list[int], price: str | None, promo_code: str | None
    ) -> None:
        ids = {self._hold(number) for number in which}
        line_items = [{"hold_id": id} | ({"unit_price": price} if price else {}) for id in sorted(ids)]
        self._create(waits, line_items=line_items, promo_code=promo_code, payments=[])

    @rule(
        waits=st.booleans(),
        name=class_names,
        quantity=st.integers(1, 4),
        seats=seat_lists,
        price=st.none() | small_money,
        minutes=minutes,
        is_wish=st.booleans(),
        is_late=lately,
    )
    def take_hold(
        self,
        waits: bool,
        name: str,
        quantity: int,
        seats: list[str],
        price: str | None,
        minutes: int | None,
        is_wish: bool,
        is_late: bool,
    ) -> None:
        body: JsonObject = {"ticket_class_id": name, **self._until(minutes)}
        body |= {"seats": seats} if is_wish and name == "stalls" else {"quantity": quantity}
        if price:
            body["unit_price"] = price
        self._send(self._request(TAKE, **body), waits, is_late)

    def _request(self, kind: str, request_id: UUID | None = None, **body: Any) -> Request:
        return make_change(kind, request_id=request_id or self.new_id(), **body)

    def _until(self, minutes: int | None, name: str = "expires_at") -> JsonObject:
        if minutes is None:
            return {}
        return {name: (self.model.now + timedelta(minutes=minutes)).isoformat()}

    @precondition(lambda self: self._holds())
    @rule(waits=st.booleans(), which=numbers, minutes=minutes, extends=st.booleans())
    def change_hold(self, waits: bool, which: int, minutes: int | None, extends: bool) -> None:
        hold_id = self._hold(which)
        if extends:
            self.ask(self._request(EXTEND, hold_id=hold_id, **self._until(minutes)), waits)
        else:
            self.ask(self._request(RELEASE, hold_id=hold_id), waits)

    def _holds(self) -> list[str]:
        """Return all holds, and those that were asked for."""
        asked = [str(one.request_id) for one in [*self.batch, *self.late] if one.kind == TAKE]
        return [*self.model.holds, *asked]

    def _hold(self, which: int) -> str:
        """Return a hold; mostly one that has not ended."""
        ended = [id for id, hold in self.model.holds.items() if not self.model.runs(hold)]
        running = [id for id in self._holds() if id not in ended]
        held = sorted(running if running and which % 4 else self._holds())
        return held[which // 4 % len(held)]

    @precondition(lambda self: self.keys)
    @rule(waits=st.booleans(), which=numbers, sender=senders, fees=fees, buyer=names, due=minutes)
    def update_words(
        self, waits: bool, which: int, sender: Sender, fees: dict[str, str], buyer: str, due: int | None
    ) -> None:
        patch: JsonObject = {"buyer": {"first_name": buyer}, **fees}
        if "tax" in fees and fees["tax"].endswith("0"):
            patch["tax"] = None
        if buyer == "Cyd":
            patch["payment_due_at"] = self._until(due).get("expires_at")
        self._change(UPDATE, waits, which, sender, patch=patch)

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        sender=senders,
        kept=st.lists(numbers, max_size=3),
        line_items=line_lists,
        fees=fees,
    )
    def update_lines(
        self,
        waits: bool,
        which: int,
        sender: Sender,
        kept: list[int],
        line_items: tuple[JsonObject, ...],
        fees: dict[str, str],
    ) -> None:
        """Lines of other classes come, those that are not named go, some are named by their number."""
        order = self.model.orders.get(self._key(which))
        wanted = [dict(item) for item in line_items]
        lines = dict(order["lines"]) if order else {}
        for item in wanted[: len(kept)]:
            same = [number for number, line in lines.items() if line["class"] == item["ticket_class_id"]]
            if same:
                item["line_number"] = same[kept[0] % len(same)]
        self._change(UPDATE, waits, which, sender, patch={"line_items": wanted, **fees})

    @precondition(lambda self: self._changed())
    @rule(
        waits=st.booleans(),
        which=numbers,
        line_items=st.none() | line_lists,
        fees=fees,
        seconds=st.sampled_from([1, 40, 300]),
    )
    def update_late(
        self,
        waits: bool,
        which: int,
        line_items: tuple[JsonObject, ...] | None,
        fees: dict[str, str],
        seconds: int,
    ) -> None:
        """It was accepted before what was decided already, and its sender knew nothing of that."""
        key, places = self._changed()[which % len(self._changed())]
        moment = asked_at(UUID(int=places[-(which % 2)])) - timedelta(seconds=seconds)
        id_ = make_id(moment, next(self._ids))
        patch: JsonObject = {**fees, **_given(line_items=line_items and list(line_items))}
        self.ask(self._request(UPDATE, id_, order_key=key, patch=patch), waits)

    @precondition(lambda self: self.keys)
    @rule(waits=st.booleans(), which=numbers, name=class_names, quantity=st.integers(1, 2))
    def swap_class(self, waits: bool, which: int, name: str, quantity: int) -> None:
        """The order is to have another class instead, mostly one that it had before."""
        lines = self.model.orders.get(self._key(which), {"lines": {}})["lines"].values()
        emptied = sorted({line["class"] for line in lines if not line["quantity"]})
        item = {"ticket_class_id": emptied[0] if emptied and which % 3 else name, "quantity": quantity}
        self._change(UPDATE, waits, which, patch={"line_items": [item]})

    def _changed(self) -> list[tuple[str, list[int]]]:
        """Return the keys of orders that were changed, with the places of the changes that have a time."""
        placed = {
            order["key"]: sorted(change["place"] for change in order["changes"] if change["place"] >> 80)
            for order in self.model.orders.values()
            if order["status"] == "placed"
        }
        return [(key, places) for key, places in placed.items() if places]

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
        request = replace(self._request(kind, id_, **name, **body), seen_version=seen)
        self._send(request, waits, sender.is_late)

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        sender=senders,
        part=st.sampled_from(["line", "line", "line", "tickets", "tickets", "tickets", "whole"]),
        line=st.integers(1, 3),
        quantity=st.none() | st.integers(1, 2),
        others=st.lists(numbers, max_size=1),
    )
    def cancel(
        self,
        waits: bool,
        which: int,
        sender: Sender,
        part: str,
        line: int,
        quantity: int | None,
        others: list[int],
    ) -> None:
        words: JsonObject = {}
        if part == "line":
            words["lines"] = [{"line_number": line, **_given(quantity=quantity)}]
        elif part == "tickets":
            order = self.model.orders.get(self._key(which), {"tickets": []})
            ids = [ticket["id"] for ticket in order["tickets"]][line - 1 : line + 1]
            words["ticket_ids"] = ids + [
                self._ticket(other)["id"] for other in others if ids and other % 5 == 0
            ]
        self._change(CANCEL, waits, which, sender, **words)

    def _ticket(self, which: int) -> JsonObject:
        issued = [ticket for order in self.model.orders.values() for ticket in order["tickets"]]
        ticket: JsonObject = issued[which % len(issued)]
        return ticket

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        amount=st.none() | small_money,
        status=st.sampled_from(["completed", "pending"]),
        is_refund=st.booleans(),
        number=st.none() | st.integers(1, 3),
    )
    def pay(
        self,
        waits: bool,
        which: int,
        amount: str | None,
        status: str,
        is_refund: bool,
        number: int | None,
    ) -> None:
        """Money comes or goes, or what was pending of it is completed."""
        words: JsonObject = {"type": "cash", "is_refund": is_refund}
        words |= {"payment_number": number} if number else {"status": status, **_given(amount=amount)}
        self._change(PAY, waits, which, **words)

    @precondition(lambda self: self.model.orders)
    @rule(
        waits=st.booleans(),
        which=numbers,
        by_code=st.booleans(),
        nonce=st.sampled_from([None, "scan-1", "scan-2"]),
        undo=st.booleans(),
    )
    def check_in(self, waits: bool, which: int, by_code: bool, nonce: str | None, undo: bool) -> None:
        ticket = self._ticket(which)
        words: JsonObject = {"code": ticket["code"]} if by_code else {"ticket_id": ticket["id"]}
        self.ask(self._request(CHECK_IN, **words, **_given(nonce=nonce), undo=undo), waits)

    @precondition(lambda self: self.sent)
    @rule(waits=st.booleans(), which=numbers, change=st.sampled_from(["", "id", "body"]))
    def repeat(self, waits: bool, which: int, change: str) -> None:
        """The same once more: as it was, under another id, or with another body."""
        request = self.sent[which % len(self.sent)]
        if change:
            request = replace(request, request_id=self.new_id())
        if change == "body":
            request = replace(request, body={**request.body, "reason": "another"})
        self.ask(request, waits)

    @precondition(lambda self: self.waiting)
    @rule(waits=st.booleans(), which=numbers)
    def try_again(self, waits: bool, which: int) -> None:
        """What waits is tried again, as the schedule does it."""
        waiting = list(self.waiting.values())
        self.ask(waiting[which % len(waiting)], waits)

    @rule(waits=st.booleans())
    def expire(self, waits: bool) -> None:
        """The schedule proposes what is overdue, once in each version of an order."""
        with self.engine.begin() as connection:
            proposals = propose_expiries(connection, now=self.model.now)
        overdue = [self.model.orders[key] for key in self.model.overdue()]
        keys = {f"willcall:expire:{order['id']}:{order['version']}" for order in overdue}
        assert {Model.key(one) for one in proposals} == keys - self.model.answers.keys()
        for proposal in proposals:
            self.ask(proposal, waits)

    @rule(
        name=class_names,
        price=st.integers(0, 3_000),
        tax=st.sampled_from([None, 7, 19]),
        percent=st.sampled_from([5, 10, 50]),
        amount=st.sampled_from([100, 500, 5_000]),
    )
    def change_catalogue(self, name: str, price: int, tax: int | None, percent: int, amount: int) -> None:
        """Orders that stand keep what they were sold on."""
        self.flush()
        self.model.prices[name] = price
        self.model.opera_tax = tax
        self.model.promo_codes["TEN"]["percent"] = percent
        self.model.promo_codes["FIVE"]["cents"] = amount
        self._load_catalogue()
        self.pure.change_catalogue(self._events())

    @rule(seconds=st.sampled_from([1, 30, 61, 200]))
    def time_passes(self, seconds: int) -> None:
        self.flush()
        self.model.now += timedelta(seconds=seconds)
        self.is_compared = False

    @rule()
    def sweep(self) -> None:
        self.flush()
        self.is_compared = False
        with self.engine.begin() as connection:
            end_late_holds(connection, now=self.model.now)
            found = connection.execute(text("SELECT external_id, held FROM ticket_classes"))
            held = {row.external_id: row.held for row in found}
        assert held == {name: self.model.held(name) for name in CLASSES}

    # What must be so after every step.

    @invariant()
    def both_agree(self) -> None:
        if not self.batch and not self.is_compared:
            self._compare()

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

    def teardown(self) -> None:
        self.flush()
        if not self.model.orders:
            return
        self.both_agree()
        with self.engine.connect() as connection:
            for order in self.model.orders.values():
                words = get_order(connection, order["id"])
                assert words is not None
                whole = Order.model_validate(words, strict=False)
                assert whole.totals.balance * 100 == balance(order)
                assert whole.check_in.tickets == len(list(valid(order)))


def test_random_lives_agree_with_the_model(engine: Engine) -> None:
    life = type("Life", (Life,), {"engine": engine})
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=9,
            stateful_step_count=50,
            deadline=None,
            # Making a failing life smaller takes longer than a test may: it is shown as it was found.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
