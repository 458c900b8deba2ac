"""Random lives of orders, against a real PostgreSQL and a model of plain dictionaries."""

from datetime import timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text

from orders.reading.order_reading import get_order
from orders.upkeep.expiry import end_late_holds, propose_expiries
from schemas.json import JsonObject
from schemas.orders import Order
from tests.orders.lives.life_changes import Changes
from tests.orders.lives.life_model import Model
from tests.orders.lives.life_money import balance
from tests.orders.lives.life_terms import CLASSES
from tests.orders.lives.life_tickets import valid
from tests.orders.lives.life_words import (
    class_names,
    fees,
    lately,
    line_lists,
    minutes,
    numbers,
    promo_codes,
    seat_lists,
    small_money,
)
from willcall.kinds import EXTEND, RELEASE, TAKE


class Life(Changes):
    """The rules that create orders and holds, repeat requests, and let time pass."""

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

    @precondition(lambda self: self.sent)
    @rule(waits=st.booleans(), which=numbers, change=st.sampled_from(["", "id", "body"]))
    def repeat(self, waits: bool, which: int, change: str) -> None:
        """The same once more: as it was, under another id, or with another body."""
        request = self.sent[which % len(self.sent)]
        if change:
            request = request._replace(request_id=self.new_id())
        if change == "body":
            request = request._replace(body={**request.body, "reason": "another"})
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

    @invariant()
    def both_agree(self) -> None:
        if not self.batch and not self.is_compared:
            self._compare()

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
