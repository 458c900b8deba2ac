"""Random lives of orders, against a real PostgreSQL and a model of plain dictionaries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, text

from db import tables
from db.ids import new_id
from orders.process import process
from orders.reading.orders import get_order
from orders.recovery.delayed import forget
from orders.upkeep.expiry import end_late_holds
from orders.upkeep.reconciliation import reconcile
from schemas.orders import Order
from schemas.requests import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE, Request
from tests.factories import (
    NOW,
    load,
    make_body,
    make_change,
    make_event,
    make_seated_class,
    make_ticket_class,
)
from tests.orders import life_model
from tests.orders.life_model import CLASSES, FEES, PATIENCE, WAITING, Model, Words, money, valid

# What time alone makes of rows that nobody fetches here.
_OF_TIME = {"event_message_stuck", "request_stuck"}

numbers = st.integers(0, 1_000)
small_money = st.integers(0, 700).map(money)
names = st.sampled_from(["Ada", "Bob", "Cyd"])
class_names = st.sampled_from(sorted(CLASSES))
seat_lists = st.lists(st.sampled_from([*"123456789", "99"]), min_size=1, max_size=3)
fees = st.dictionaries(st.sampled_from([*FEES, "discount", "tax"]), small_money, max_size=2)
# What an update expects: nothing, what is there, or another version, counted from what is there.
versions = st.sampled_from([None, None, None, 0, 0, 0, -1, 1, 2])
minutes = st.one_of(st.none(), st.integers(1, 8))


@st.composite
def items(draw: st.DrawFn, name: str) -> Words:
    """A line item of a class: so many, sometimes at a price, for somebody, on seats."""
    quantity = draw(st.integers(1, 4))
    item: Words = {"ticket_class_id": name, "quantity": quantity}
    if draw(st.booleans()):
        item["unit_price"] = money(draw(st.integers(0, 3_000)))
    if draw(st.booleans()):
        people = draw(st.lists(names | st.none(), max_size=quantity))
        item["attendees"] = [{"first_name": name} if name else {} for name in people]
    if name == "stalls" and draw(st.booleans()):
        item["seats"] = draw(seat_lists)
        item["quantity"] = len(item["seats"])
        item.pop("attendees", None)
    return item


def wishes(request: Request) -> bool:
    """Say whether seats are named; the model does not know which seats others of the batch are given."""
    return '"seats"' in repr(request.body).replace("'", '"')


def _given(**words: Any) -> Words:
    """Return those of the words that are not None."""
    return {name: word for name, word in words.items() if word is not None}


class Life(RuleBasedStateMachine):
    """Requests go into the model and into the database, alone or as batches, and both must agree."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(NOW)
        self.batch: list[Request] = []
        self.sent: list[Request] = []
        self.waiting: dict[Any, Request] = {}
        self.keys: list[str] = []
        self.is_compared = False

    @initialize()
    def an_empty_database(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                text("TRUNCATE " + ", ".join(one.name for one in tables.metadata.sorted_tables))
            )
        standing = make_ticket_class("standing", price="10.00", capacity=CLASSES["standing"]["capacity"])
        stalls = make_seated_class("stalls", "1-9", price="20.00")
        pit = make_ticket_class("pit", price="11.99", capacity=CLASSES["pit"]["capacity"])
        load(
            self.engine,
            make_event(
                ticket_classes=[standing, stalls],
                promo_codes=[
                    {"code": "TEN", "percent": "10"},
                    {"code": "FIVE", "amount": "5.00", "max_uses": 3},
                ],
            ),
            make_event("opera", ticket_classes=[pit], tax={"name": "VAT", "rate": "0.19"}),
        )

    # Sending.

    def ask(self, request: Request, waits: bool) -> None:
        """Send the request now, or with the next ones."""
        is_alone = wishes(request) or any(wishes(one) for one in self.batch)
        if is_alone:
            self.flush()
        self.batch.append(request)
        if is_alone or not waits or len(self.batch) >= 8:
            self.flush()

    def flush(self) -> None:
        batch, self.batch = self.batch, []
        if not batch:
            return
        with self.engine.begin() as connection:
            outcomes = process(connection, batch, now=self.model.now, patience=PATIENCE)
            for outcome in outcomes:
                if outcome.status != "waiting":
                    forget(connection, outcome.request_id)
            connection.execute(text("DELETE FROM outbox"))
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
        line_items=st.lists(class_names, min_size=1, max_size=3, unique=True).flatmap(
            lambda names: st.tuples(*(items(name) for name in names))
        ),
        fees=fees,
        promo_code=st.sampled_from([None, None, "TEN", "FIVE"]),
        payments=st.lists(st.none() | small_money, max_size=2),
    )
    def create(
        self,
        waits: bool,
        line_items: tuple[Words, ...],
        fees: dict[str, str],
        promo_code: str | None,
        payments: list[str | None],
    ) -> None:
        self._create(waits, line_items=list(line_items), promo_code=promo_code, payments=payments, **fees)

    def _create(
        self, waits: bool, *, payments: list[str | None], promo_code: str | None, **words: Any
    ) -> None:
        body = make_body(**words)
        if promo_code:
            body["promo_code"] = promo_code
        body["payments"] = [{"type": "cash"} | ({"amount": one} if one else {}) for one in payments]
        self.keys.append(body["idempotency_key"])
        self.ask(Request(CREATE, new_id(), "demo", True, body), waits)

    @precondition(lambda self: self.model.holds)
    @rule(waits=st.booleans(), which=st.lists(numbers, min_size=1, max_size=2), price=st.none() | small_money)
    def create_with_holds(self, waits: bool, which: list[int], price: str | None) -> None:
        ids = {self._hold(number) for number in which}
        line_items = [{"hold_id": id} | ({"unit_price": price} if price else {}) for id in sorted(ids)]
        self._create(waits, line_items=line_items, promo_code=None, payments=[])

    @rule(
        waits=st.booleans(),
        name=class_names,
        quantity=st.integers(1, 4),
        seats=seat_lists,
        price=st.none() | small_money,
        minutes=minutes,
        is_wish=st.booleans(),
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
    ) -> None:
        body: Words = {"ticket_class_id": name, **self._until(minutes)}
        body |= {"seats": seats} if is_wish and name == "stalls" else {"quantity": quantity}
        if price:
            body["unit_price"] = price
        self.ask(make_change(TAKE, **body), waits)

    def _until(self, minutes: int | None) -> Words:
        if minutes is None:
            return {}
        return {"expires_at": (self.model.now + timedelta(minutes=minutes)).isoformat()}

    @precondition(lambda self: self.model.holds)
    @rule(waits=st.booleans(), which=numbers, minutes=minutes, extends=st.booleans())
    def change_hold(self, waits: bool, which: int, minutes: int | None, extends: bool) -> None:
        hold_id = self._hold(which)
        if extends:
            self.ask(make_change(EXTEND, hold_id=hold_id, **self._until(minutes)), waits)
        else:
            self.ask(make_change(RELEASE, hold_id=hold_id), waits)

    def _hold(self, which: int) -> str:
        """Return a hold; mostly one that has not ended."""
        running = [id for id, hold in self.model.holds.items() if self.model.runs(hold)]
        held = sorted(running if running and which % 4 else self.model.holds)
        return held[which // 4 % len(held)]

    @precondition(lambda self: self.keys)
    @rule(waits=st.booleans(), which=numbers, ahead=versions, fees=fees, buyer=names)
    def update_words(
        self, waits: bool, which: int, ahead: int | None, fees: dict[str, str], buyer: str
    ) -> None:
        patch: Words = {"buyer": {"first_name": buyer}, **fees}
        if "tax" in fees and fees["tax"].endswith("0"):
            patch["tax"] = None
        self._change(UPDATE, waits, which, ahead, patch=patch)

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        ahead=versions,
        kept=st.lists(numbers, max_size=3),
        line_items=st.lists(class_names, min_size=1, max_size=3, unique=True).flatmap(
            lambda names: st.tuples(*(items(name) for name in names))
        ),
        fees=fees,
    )
    def update_lines(
        self,
        waits: bool,
        which: int,
        ahead: int | None,
        kept: list[int],
        line_items: tuple[Words, ...],
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
        self._change(UPDATE, waits, which, ahead, patch={"line_items": wanted, **fees})

    def _key(self, which: int) -> str:
        """Return the key of an order; mostly of one that stands, or is about to be made."""
        standing = [
            key
            for key in self.keys
            if key not in self.model.answers or self.model.orders.get(key, {}).get("status") == "placed"
        ]
        keys = standing if standing and which % 5 else self.keys
        return keys[which // 5 % len(keys)]

    def _change(self, kind: str, waits: bool, which: int, ahead: int | None = None, **body: Any) -> None:
        key = self._key(which)
        order = self.model.orders.get(key)
        if ahead is not None and order is not None:
            body["expected_version"] = max(order["version"] + ahead, 1)
        # By its id, or by the key of its creator.
        name = {"order_id": order["id"]} if order is not None and which % 2 else {"order_key": key}
        self.ask(make_change(kind, **name, **body), waits)

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        ahead=versions,
        part=st.sampled_from(["line", "line", "tickets", "tickets", "whole"]),
        line=st.integers(1, 3),
        quantity=st.none() | st.integers(1, 2),
        others=st.lists(numbers, max_size=1),
    )
    def cancel(
        self,
        waits: bool,
        which: int,
        ahead: int | None,
        part: str,
        line: int,
        quantity: int | None,
        others: list[int],
    ) -> None:
        words: Words = {}
        if part == "line":
            words["lines"] = [{"line_number": line, **_given(quantity=quantity)}]
        elif part == "tickets":
            order = self.model.orders.get(self._key(which), {"tickets": []})
            ids = [ticket["id"] for ticket in order["tickets"]][line - 1 : line + 1]
            words["ticket_ids"] = ids + [
                self._ticket(other)["id"] for other in others if ids and other % 5 == 0
            ]
        self._change(CANCEL, waits, which, ahead, **words)

    def _ticket(self, which: int) -> Words:
        issued = [ticket for order in self.model.orders.values() for ticket in order["tickets"]]
        ticket: Words = issued[which % len(issued)]
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
        words: Words = {"type": "cash", "is_refund": is_refund}
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
        words: Words = {"code": ticket["code"]} if by_code else {"ticket_id": ticket["id"]}
        self.ask(make_change(CHECK_IN, **words, **_given(nonce=nonce), undo=undo), waits)

    @precondition(lambda self: self.sent)
    @rule(waits=st.booleans(), which=numbers, change=st.sampled_from(["", "id", "body"]))
    def repeat(self, waits: bool, which: int, change: str) -> None:
        """The same once more: as it was, under another id, or with another body."""
        request = self.sent[which % len(self.sent)]
        if change:
            request = replace(request, request_id=new_id())
        if change == "body":
            request = replace(request, body={**request.body, "reason": "another"})
        self.ask(request, waits)

    @precondition(lambda self: self.waiting)
    @rule(which=numbers)
    def try_again(self, which: int) -> None:
        """What waits is tried again, alone, as the schedule does it."""
        self.flush()
        if self.waiting:
            waiting = list(self.waiting.values())
            self.ask(waiting[which % len(waiting)], waits=False)

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
            self._compare_orders(connection)
            self._compare_tickets(connection)
            self._compare_inventory(connection)
            found = reconcile(connection, now=self.model.now)
            assert [one for one in found if one.rule not in _OF_TIME] == []

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection
            connection.rollback()

    def _compare_orders(self, connection: Connection) -> None:
        rows = connection.execute(text("SELECT * FROM orders")).mappings().all()
        assert {row["idempotency_key"] for row in rows} == self.model.orders.keys()
        by_id: dict[Any, Words] = {}
        for row in rows:
            order = self.model.orders[row["idempotency_key"]]
            order["id"] = str(row["id"])
            by_id[row["id"]] = order
            paid, refunded = life_model.paid_and_refunded(order)
            expected: Words = {
                "status": order["status"],
                "version": order["version"],
                "last_sequence": order["sequence"],
                "payment_status": life_model.payment_status(order),
                "buyer_first_name": order["buyer"],
            }
            amounts = {
                **{name: order[name] for name in ("subtotal", "tax", "discount", "total")},
                **order["fees"],
                "paid": paid,
                "refunded": refunded,
            }
            expected |= {name: money(amount) for name, amount in amounts.items()}
            assert {
                name: row[name] if type(row[name]) is int else str(row[name]) for name in expected
            } == expected
            parts = sum(row[name] for name in ("subtotal", *FEES, "tax"))
            assert row["total"] == parts - row["discount"]
        self._compare_parts(connection, by_id)

    def _compare_parts(self, connection: Connection, orders: dict[Any, Words]) -> None:
        lines: dict[Any, Words] = {id: {} for id in orders}
        query = """SELECT order_id, line_number, external_id, quantity, unit_price
            FROM order_lines JOIN ticket_classes c ON c.id = ticket_class_id"""
        for row in connection.execute(text(query)):
            lines[row.order_id][row.line_number] = {
                "class": row.external_id,
                "quantity": row.quantity,
                "price": life_model.cents(row.unit_price),
            }
        payments: dict[Any, Words] = {id: {} for id in orders}
        for row in connection.execute(text("SELECT * FROM payments")):
            payments[row.order_id][row.payment_number] = {
                "cents": life_model.cents(row.amount),
                "status": row.status,
                "is_refund": row.is_refund,
            }
        sequences: dict[Any, list[int]] = {id: [] for id in orders}
        for row in connection.execute(text("SELECT subject, sequence FROM event_messages ORDER BY 1, 2")):
            sequences.get(row.subject, []).append(row.sequence)  # a rejection has a subject of its own
        for id, order in orders.items():
            assert lines[id] == order["lines"]
            assert payments[id] == order["payments"]
            assert sequences[id] == list(range(1, order["sequence"] + 1))

    def _compare_tickets(self, connection: Connection) -> None:
        query = """SELECT t.*, s.label, c.external_id FROM tickets t
            JOIN ticket_classes c ON c.id = t.ticket_class_id LEFT JOIN seats s ON s.id = seat_id
            ORDER BY t.line_number, t.id"""
        found: dict[str, list[Any]] = {}
        for row in connection.execute(text(query)):
            found.setdefault(str(row.order_id), []).append(row)
        for order in self.model.orders.values():
            tickets = sorted(order["tickets"], key=lambda ticket: (ticket["line"], ticket["number"]))
            for ticket, row in zip(tickets, found[order["id"]], strict=True):
                if ticket["id"] is None:
                    assert row.code not in {one["code"] for one in tickets}
                    ticket["id"], ticket["code"] = str(row.id), row.code
                    ticket["seat"] = ticket["seat"] or row.label
                assert (ticket["id"], ticket["code"]) == (str(row.id), row.code)
                assert ticket["seat"] == row.label
                assert (ticket["line"], ticket["class"]) == (row.line_number, row.external_id)
                assert (ticket["status"], ticket["name"]) == (row.status, row.attendee_first_name)
            for number, line in order["lines"].items():
                assert sum(ticket["line"] == number for ticket in valid(order)) == line["quantity"]

    def _compare_inventory(self, connection: Connection) -> None:
        seats: dict[str, list[str]] = {}
        for row in connection.execute(text("SELECT hold_id, label FROM seats WHERE hold_id IS NOT NULL")):
            seats.setdefault(str(row.hold_id), []).append(row.label)
        late = dict.fromkeys(CLASSES, 0)
        holds = connection.execute(text("SELECT * FROM holds")).all()
        assert {str(row.id) for row in holds} == self.model.holds.keys()
        for row in holds:
            hold = self.model.holds[str(row.id)]
            is_late = row.status == "held" and not self.model.runs(hold)
            late[hold["class"]] += row.quantity * is_late
            assert hold["status"] == row.status or (hold["status"], row.status) == ("held", "expired")
            if hold["class"] == "stalls" and self.model.runs(hold):
                hold["seats"] = hold["seats"] or tuple(sorted(seats[str(row.id)]))
                assert sorted(hold["seats"]) == sorted(seats[str(row.id)])
        for row in connection.execute(text("SELECT * FROM ticket_classes")):
            name = row.external_id
            assert row.sold == self.model.sold(name)
            # What is over is given back as soon as somebody asks for the class.
            assert row.held == self.model.held(name) + late[name]
            assert row.sold + self.model.held(name) + self.model.free(name) == row.capacity
        taken = self.model.taken_seats("stalls")
        assert len(set(taken)) == len(taken)

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
                assert whole.totals.balance * 100 == life_model.balance(order)
                assert whole.check_in.tickets == len(list(valid(order)))


def test_random_lives_agree_with_the_model(engine: Engine) -> None:
    life = type("Life", (Life,), {"engine": engine})
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=40,
            stateful_step_count=50,
            deadline=None,
            # Making a failing life smaller takes longer than a test may: it is shown as it was found.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
