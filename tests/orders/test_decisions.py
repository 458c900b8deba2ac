"""Each decision by itself, on a world made by hand: no database, no batch."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from orders.batch_requests import CreateOrder, Opened
from orders.changing.cancel import cancel
from orders.changing.check_in import check_in
from orders.changing.expire import expire
from orders.changing.pay import pay
from orders.changing.update import update
from orders.creating.create import create
from orders.errors import (
    AlreadyCheckedIn,
    HoldExpired,
    Invalid,
    NotAllowedInStatus,
    NotYet,
    RejectedRequest,
    SeatUnavailable,
    SoldOut,
    UnknownOrder,
    UnknownPromoCode,
    VersionConflict,
)
from orders.holding.extend import extend
from orders.holding.release import release
from orders.holding.take import take
from orders.journal import Change, Journal, Table
from orders.rows import HoldRow
from orders.running_hold import end_late
from orders.state import OrderState
from orders.steps.decide import DECIDE, decide
from orders.world import World
from schemas.requests import CANCEL, CHECK_IN, EXPIRE, EXTEND, KINDS, PAY, RELEASE, TAKE, UPDATE, Request
from tests.factories import (
    NOW,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
)
from tests.orders.plans import STEP, Actor, KnownOrder, Plan, make_events, make_id, plans
from tests.orders.worlds import Ids, make_existing_order, make_offers, make_tenant, make_world, opened, states


def net(world: World, mark: int) -> dict[str, list[Change]]:
    """Return what was changed since, but for the seat maps: they are never written."""
    found = world.journal.net(mark)
    found.pop("seat maps", None)
    return found


def make_hold(world: World, **words: Any) -> HoldRow:
    body: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 2} | words
    request: Any = opened(world, make_change(TAKE, **body))
    take(world, request, NOW)
    return world.holds[request.id]


def on(order: OrderState, kind: str, **words: Any) -> Request:
    return make_change(kind, order_id=order.id, **words)


def ask(world: World, request: Request, **changes: Any) -> Any:
    return opened(world, request, tenant=make_tenant(**changes) if changes else None)


def level(world: World) -> tuple[int, int, int]:
    """Return what is free, sold and held of the only ticket class."""
    (found,) = world.stock.levels.values()
    return found.free, found.sold, found.held


class TestCreate:
    def test_an_order_takes_its_tickets_and_tells_of_itself_once(self) -> None:
        world = make_world(make_event(ticket_classes=[make_ticket_class(capacity=3)]))
        request = ask(world, make_request(quantity=2))

        create(world, request, NOW)

        assert level(world) == (1, 2, 0)
        assert [(one.type, one.sequence) for one in world.events.values()] == [("order.confirmed", 1)]
        order = world.order(request.new_order_id)
        assert order is not None
        assert [ticket.status for ticket in order.tickets.values()] == ["valid", "valid"]
        assert order.row.total == Decimal("91.00")

    def test_it_is_sold_out_for_who_wants_more_than_is_left(self) -> None:
        world = make_world(make_event(ticket_classes=[make_ticket_class(capacity=1)]))

        with pytest.raises(SoldOut):
            create(world, ask(world, make_request(quantity=2)), NOW)

    def test_a_hold_is_sold_to_the_order_that_names_it(self) -> None:
        world = make_world(make_event(ticket_classes=[make_seated_class(seats="1-4")]))
        hold = make_hold(world, ticket_class_id="stalls", quantity=3)
        request = ask(world, make_request(line_items=[{"hold_id": hold.id}]))

        create(world, request, NOW)

        assert (world.holds[hold.id].status, world.holds[hold.id].order_id) == ("used", request.new_order_id)
        assert level(world) == (1, 3, 0)
        order = world.order(request.new_order_id)
        assert order is not None
        seats = [order.seats[ticket.seat_id or ""].label for ticket in order.tickets.values()]
        assert seats == ["1", "2", "3"]

    def test_it_waits_for_a_hold_that_is_asked_for_in_its_batch(self) -> None:
        world = make_world()
        hold_id = str(UUID(int=77))
        world.begin({hold_id: None})

        with pytest.raises(NotYet):
            create(world, ask(world, make_request(line_items=[{"hold_id": hold_id}])), NOW)

    def test_a_used_up_promo_code_is_refused(self) -> None:
        world = make_world(make_event(promo_codes=[{"code": "FIVE", "amount": "5.00", "max_uses": 1}]))
        create(world, ask(world, make_request(promo_code="FIVE")), NOW)

        with pytest.raises(UnknownPromoCode):
            create(world, ask(world, make_request(promo_code="FIVE")), NOW)

    def test_a_purchase_of_a_ticket_group_puts_it_on_sale(self) -> None:
        world = make_world()
        tenant_id = make_tenant().id
        event = world.offers[tenant_id].ticket_classes["standing"].event
        world.events_by_name = {(tenant_id, "concert"): event}
        group = {
            "event_id": "concert",
            "id": "A3",
            "section": "A",
            "row": "3",
            "low_seat": "5",
            "price": "9.00",
        }
        line = {"ticket_group": group, "quantity": 2, "unit_price": "7.00"}

        create(world, ask(world, make_request(is_purchase=True, line_items=[line])), NOW)

        offer = world.offer(tenant_id, "A3")
        assert offer is not None
        assert (offer.price, world.stock.free(offer.id)) == (Decimal("9.00"), 2)
        assert [seat.label for seat in world.new_seats.values()] == ["5", "6"]


class TestUpdate:
    def test_other_words_touch_the_order_and_nothing_else(self) -> None:
        world = make_world()
        order = make_existing_order(world, quantity=3)
        mark = world.journal.mark()

        update(world, ask(world, on(order, UPDATE, patch={"reference": "PO-1"})), NOW)

        found = net(world, mark)
        assert found.keys() == {"orders", "order_changes"}
        assert {name: len(changes) for name, changes in found.items()} == dict.fromkeys(found, 1)
        assert order.row.reference == "PO-1"

    def test_a_name_touches_one_ticket(self) -> None:
        world = make_world()
        order = make_existing_order(world, quantity=3)
        line = {"ticket_class_id": "standing", "quantity": 3, "attendees": [{"first_name": "Eve"}]}
        mark = world.journal.mark()

        update(world, ask(world, on(order, UPDATE, patch={"line_items": [line]})), NOW)

        found = net(world, mark)
        assert found.keys() == {"orders", "tickets", "order_changes"}
        assert [one.after.attendee_first_name for one in found["tickets"]] == ["Eve"]

    def test_more_tickets_touch_their_line_and_none_that_was_there(self) -> None:
        world = make_world()
        order = make_existing_order(world, quantity=2)
        line = {"ticket_class_id": "standing", "quantity": 3}
        mark = world.journal.mark()

        update(world, ask(world, on(order, UPDATE, patch={"line_items": [line]})), NOW)

        found = net(world, mark)
        assert [(one.before, one.after.status) for one in found["tickets"]] == [(None, "valid")]
        assert [one.key for one in found["order_lines"]] == [1]

    def test_the_line_that_stays_is_not_touched(self) -> None:
        pit = make_ticket_class("pit", price="9.00")
        world = make_world(make_event(ticket_classes=[make_ticket_class(), pit]))
        order = make_existing_order(world)
        lines = [
            {"ticket_class_id": "standing", "quantity": 1},
            {"ticket_class_id": "pit", "quantity": 1},
        ]
        mark = world.journal.mark()

        update(world, ask(world, on(order, UPDATE, patch={"line_items": lines})), NOW)

        assert [one.key for one in net(world, mark)["order_lines"]] == [2]

    def test_what_it_cannot_have_is_refused(self) -> None:
        world = make_world(make_event(ticket_classes=[make_ticket_class(capacity=2)]))
        order = make_existing_order(world)
        line = {"ticket_class_id": "standing", "quantity": 3}

        with pytest.raises(SoldOut):
            update(world, ask(world, on(order, UPDATE, patch={"line_items": [line]})), NOW)

    def test_an_old_version_is_refused_and_a_future_one_awaited(self) -> None:
        world = make_world()
        order = make_existing_order(world)
        update(world, ask(world, on(order, UPDATE, patch={"reference": "PO-1"})), NOW)

        with pytest.raises(VersionConflict):
            update(world, ask(world, on(order, UPDATE, patch={}, expected_version=1)), NOW)
        with pytest.raises(NotYet):
            update(world, ask(world, on(order, UPDATE, patch={}, expected_version=3)), NOW)

    def test_an_order_that_nobody_asked_for_yet_is_awaited(self) -> None:
        with pytest.raises(NotYet):
            update(world := make_world(), ask(world, make_change(UPDATE, order_key="no-key", patch={})), NOW)

    def test_an_order_that_was_refused_is_not_awaited(self) -> None:
        world = make_world(make_event(ticket_classes=[make_ticket_class(capacity=1)]))
        request = ask(world, make_request(quantity=2))
        change = ask(world, make_change(UPDATE, order_key=request.key, patch={}))

        decide(world, [request, change], NOW)

        assert [one.code for one in change.rejections] == ["unknown_order"]

    def test_a_late_update_of_which_all_was_cancelled_leaves_the_lines_of_the_one_after_it(self) -> None:
        pit = make_ticket_class("pit", price="9.00")
        world = make_world(make_event(ticket_classes=[make_ticket_class(), pit]))
        lines = [{"ticket_class_id": name, "quantity": 1} for name in ("standing", "pit")]
        order = make_existing_order(world, line_items=lines)
        first, second, third = (make_id(NOW, count) for count in range(3))
        more = {"line_items": [{"ticket_class_id": "pit", "quantity": 3}]}
        late = ask(world, on(order, UPDATE, request_id=first, patch={"line_items": lines[:1]}))
        part = ask(world, on(order, CANCEL, request_id=second, lines=[{"line_number": 1}]))
        last = ask(world, on(order, UPDATE, request_id=third, patch=more))

        decide(world, [part, last, late], NOW)

        assert [one.rejections for one in (part, last, late)] == [(), (), ()]
        assert [line.quantity for line in order.lines.values()] == [0, 3]

    def test_a_late_update_brings_no_cancelled_ticket_back(self) -> None:
        world = make_world()
        order = make_existing_order(world, quantity=3)
        first, second = (make_id(NOW, count) for count in range(2))
        lines = [{"ticket_class_id": "standing", "quantity": 5}]
        late = ask(world, on(order, UPDATE, request_id=first, patch={"line_items": lines}))
        part = ask(world, on(order, CANCEL, request_id=second, lines=[{"line_number": 1, "quantity": 1}]))

        decide(world, [part, late], NOW)

        assert [line.quantity for line in order.lines.values()] == [4]
        assert sum(ticket.status == "voided" for ticket in order.tickets.values()) == 1

    def test_a_class_that_comes_back_is_sold_anew_in_its_old_line(self) -> None:
        tax = {"name": "VAT", "rate": "0.19"}
        pit = make_ticket_class("pit", price="9.00")
        ids: Ids = {}
        world = make_world(make_event(ticket_classes=[make_ticket_class(price="10.00"), pit]), ids=ids)
        order = make_existing_order(world)
        dearer = make_event(ticket_classes=[make_ticket_class(price="12.00"), pit], tax=tax)
        world.offers = {make_tenant().id: make_offers([dearer], ids)}

        for name in ("pit", "standing", "pit", "standing"):
            lines = [{"ticket_class_id": name, "quantity": 1}]
            update(world, ask(world, on(order, UPDATE, patch={"line_items": lines})), NOW)

        assert [(line.line_number, line.quantity) for line in order.lines.values()] == [(1, 1), (2, 0)]
        line = order.lines[1]
        assert (line.unit_price, line.tax_rate, line.tax) == (
            Decimal("12.00"),
            Decimal("0.19"),
            Decimal("2.28"),
        )


class TestCancel:
    def test_the_whole_order_gives_everything_back(self) -> None:
        world = make_world(make_event(ticket_classes=[make_seated_class(seats="1-4")]))
        order = make_existing_order(world, ticket_class="stalls", quantity=3)

        cancel(world, ask(world, on(order, CANCEL, reason="rain")), NOW)

        assert level(world) == (4, 0, 0)
        assert (order.row.status, order.row.cancel_reason) == ("cancelled", "rain")
        assert order.row.total == Decimal("0.00")
        assert {ticket.status for ticket in order.tickets.values()} == {"voided"}

    def test_a_second_time_changes_nothing(self) -> None:
        world = make_world()
        order = make_existing_order(world)
        cancel(world, ask(world, on(order, CANCEL)), NOW)
        mark = world.journal.mark()

        cancel(world, ask(world, on(order, CANCEL)), NOW)

        assert net(world, mark) == {}

    def test_a_ticket_touches_itself_and_its_line(self) -> None:
        world = make_world()
        order = make_existing_order(world, quantity=3)
        ticket_id = list(order.tickets)[1]
        mark = world.journal.mark()

        cancel(world, ask(world, on(order, CANCEL, ticket_ids=[ticket_id])), NOW)

        found = net(world, mark)
        assert [one.key for one in found["tickets"]] == [ticket_id]
        assert [one.after.quantity for one in found["order_lines"]] == [2]

    def test_what_is_left_never_costs_less_than_nothing(self) -> None:
        tax = {"name": "VAT", "rate": "0.19"}
        world = make_world(make_event(ticket_classes=[make_ticket_class(price="10.00")], tax=tax))
        order = make_existing_order(world, quantity=2, discount="23.80")

        cancel(world, ask(world, on(order, CANCEL, lines=[{"line_number": 1, "quantity": 1}])), NOW)

        # Half of 20.00, and the 3.80 that were taken off the tax of two, of which 1.90 are left.
        row = order.row
        assert (row.subtotal, row.tax, row.discount) == (Decimal("10.00"), Decimal("1.90"), Decimal("11.90"))
        assert row.total == Decimal("0.00")

    def test_a_used_ticket_is_not_cancelled(self) -> None:
        world = make_world()
        order = make_existing_order(world)
        check_in(world, ask(world, make_change(CHECK_IN, ticket_id=next(iter(order.tickets)))), NOW)

        with pytest.raises(NotAllowedInStatus):
            cancel(world, ask(world, on(order, CANCEL)), NOW)


class TestPay:
    def test_a_payment_touches_itself_and_the_order(self) -> None:
        world = make_world()
        order = make_existing_order(world, quantity=2)
        mark = world.journal.mark()

        pay(world, ask(world, on(order, PAY, type="cash")), NOW)

        found = net(world, mark)
        assert found.keys() == {"orders", "payments", "order_changes"}
        assert (order.row.payment_status, order.row.paid_in_full_at) == ("paid", NOW)

    def test_the_last_payment_issues_what_waits_for_it(self) -> None:
        world = make_world()
        tenant = make_tenant(issues_on_payment=True)
        order = make_existing_order(world, quantity=2, tenant=tenant)
        assert {ticket.code for ticket in order.tickets.values()} == {None}
        mark = world.journal.mark()

        pay(world, ask(world, on(order, PAY, type="cash"), issues_on_payment=True), NOW)

        found = net(world, mark)
        assert [one.after.code is not None for one in found["tickets"]] == [True, True]

    def test_nothing_is_owed_to_who_paid(self) -> None:
        world = make_world()
        order = make_existing_order(world, payments=[{"type": "cash"}])

        with pytest.raises(Invalid):
            pay(world, ask(world, on(order, PAY, type="cash")), NOW)


class TestCheckIn:
    @pytest.mark.parametrize("quantity", [1, 50])
    def test_it_puts_exactly_one_ticket_whatever_the_size_of_the_order(self, quantity: int) -> None:
        world = make_world()
        order = make_existing_order(world, quantity=quantity)
        ticket_id = list(order.tickets)[quantity // 2]
        mark = world.journal.mark()

        check_in(world, ask(world, make_change(CHECK_IN, ticket_id=ticket_id)), NOW)

        changed = net(world, mark)
        assert [one.key for one in changed["tickets"]] == [ticket_id]
        assert changed.keys() == {"tickets", "orders", "order_changes"}

    def test_it_needs_nothing_of_the_order_but_its_row_and_the_ticket(self) -> None:
        world = make_world()
        whole = make_existing_order(world, quantity=2)
        other = make_world()
        partial = other.orders.open(whole.row, whole.tenant, None, is_whole=False)
        ticket = next(iter(whole.tickets.values()))
        partial.tickets.add_loaded(ticket.id, ticket)
        other.orders.names.update(world.orders.names)

        check_in(other, ask(other, make_change(CHECK_IN, code=ticket.code)), NOW)

        assert partial.tickets[ticket.id].status == "checked_in"

    def test_a_ticket_is_used_once(self) -> None:
        world = make_world()
        ticket_id = next(iter(make_existing_order(world).tickets))
        check_in(world, ask(world, make_change(CHECK_IN, ticket_id=ticket_id, nonce="scan-1")), NOW)
        mark = world.journal.mark()

        check_in(world, ask(world, make_change(CHECK_IN, ticket_id=ticket_id, nonce="scan-1")), NOW)

        assert net(world, mark) == {}
        with pytest.raises(AlreadyCheckedIn):
            check_in(world, ask(world, make_change(CHECK_IN, ticket_id=ticket_id, nonce="scan-2")), NOW)


class TestExpire:
    @pytest.mark.parametrize(
        ("changes", "cancels_unpaid", "status"),
        [
            ({"payment_due_at": NOW.isoformat()}, True, "cancelled"),
            ({"payment_due_at": NOW.isoformat()}, False, "placed"),
            ({"payment_due_at": NOW.isoformat(), "payments": [{"type": "cash"}]}, True, "placed"),
            ({"payment_due_at": (NOW + timedelta(seconds=1)).isoformat()}, True, "placed"),
            ({}, True, "placed"),
        ],
    )
    def test_only_what_is_overdue_and_was_never_paid_is_cancelled(
        self, changes: dict[str, Any], cancels_unpaid: bool, status: str
    ) -> None:
        world = make_world()
        order = make_existing_order(world, **changes)

        expire(world, ask(world, on(order, EXPIRE), cancels_unpaid=cancels_unpaid), NOW)

        assert order.row.status == status


class TestHolds:
    def test_a_hold_takes_neighbours_and_counts_them(self) -> None:
        world = make_world(make_event(ticket_classes=[make_seated_class(seats="1-4")]))
        mark = world.journal.mark()

        hold = make_hold(world, ticket_class_id="stalls")

        assert level(world) == (2, 0, 2)
        found = net(world, mark)
        assert {name: len(changes) for name, changes in found.items()} == {
            "seats": 2,
            "ticket_classes": 1,
            "holds": 1,
        }
        assert {one.after.hold_id for one in found["seats"]} == {hold.id}

    def test_a_seat_is_held_once(self) -> None:
        world = make_world(make_event(ticket_classes=[make_seated_class(seats="1-4")]))
        make_hold(world, ticket_class_id="stalls", quantity=1, seats=["2"])

        with pytest.raises(SeatUnavailable):
            make_hold(world, ticket_class_id="stalls", quantity=1, seats=["2"])

    def test_an_extension_touches_the_hold_and_nothing_else(self) -> None:
        world = make_world()
        hold = make_hold(world)
        until = NOW + timedelta(minutes=5)
        mark = world.journal.mark()

        extend(world, ask(world, make_change(EXTEND, hold_id=hold.id, expires_at=until.isoformat())), NOW)

        assert net(world, mark).keys() == {"holds"}
        assert world.holds[hold.id].expires_at == until

    def test_a_release_gives_back_once(self) -> None:
        world = make_world()
        hold = make_hold(world)
        free = level(world)[0] + 2

        for _ in range(2):
            release(world, ask(world, make_change(RELEASE, hold_id=hold.id)), NOW)

        assert level(world) == (free, 0, 0)

    def test_what_is_over_cannot_be_extended(self) -> None:
        world = make_world()
        hold = make_hold(world, expires_at=(NOW + timedelta(seconds=1)).isoformat())
        later = NOW + timedelta(seconds=1)

        with pytest.raises(HoldExpired):
            extend(world, ask(world, make_change(EXTEND, hold_id=hold.id)), later)
        end_late(world, later)
        assert (world.holds[hold.id].status, level(world)[2]) == ("expired", 0)

    def test_another_tenant_has_no_such_hold(self) -> None:
        world = make_world()
        hold = make_hold(world)

        with pytest.raises(HoldExpired):
            release(world, ask(world, make_change(RELEASE, hold_id=hold.id), id=str(UUID(int=2))), NOW)


class TestNobodyElse:
    @pytest.mark.parametrize("kind", [UPDATE, CANCEL, PAY, EXPIRE])
    def test_another_tenant_has_no_such_order(self, kind: str) -> None:
        world = make_world()
        order = make_existing_order(world)
        bodies: dict[str, dict[str, Any]] = {UPDATE: {"patch": {}}, PAY: {"type": "cash"}}
        words = bodies.get(kind, {})

        with pytest.raises(UnknownOrder):
            DECIDE[kind](world, ask(world, on(order, kind, **words), id=str(UUID(int=2))), NOW)

    def test_every_kind_has_a_decision(self) -> None:
        assert DECIDE.keys() == KINDS | {EXPIRE}


class TestJournal:
    def test_undoing_brings_back_what_was_removed_changed_and_added(self) -> None:
        journal = Journal()
        table: Table[int, str] = Table("things", journal, {1: "one", 2: "two"})
        mark = journal.mark()
        table.put(1, "another")
        table.remove(2)
        table.put(3, "three")
        table.put(3, "another three")

        journal.undo(mark)

        assert dict(table.items()) == {1: "one", 2: "two"}
        assert journal.net() == {}

    def test_what_comes_and_goes_is_no_change(self) -> None:
        journal = Journal()
        table: Table[int, str] = Table("things", journal, {1: "one"})
        table.put(2, "two")
        table.remove(2)
        table.put(1, "another")
        table.put(1, "one")

        assert journal.net() == {}

    def test_a_refused_update_leaves_the_notes_that_it_took_out(self) -> None:
        world = make_world()
        order = make_existing_order(world, internal_notes=["call", "mail"])
        before = copy_of(world)
        patch = {"internal_notes": ["call"], "discount": "1000.00"}
        request = ask(world, on(order, UPDATE, patch=patch))

        decide(world, [request], NOW)

        assert [one.code for one in request.rejections] == ["negative_total"]
        assert copy_of(world) == before


# Any world, any requests.


def tables_of(world: World) -> list[Table[Any, Any]]:
    tables: list[Table[Any, Any]] = [
        world.orders.rows,
        world.orders.trades,
        world.holds,
        world.stock.levels,
        world.stock.uses,
        world.fraud_counts,
        world.new_orders,
        world.new_classes,
        world.new_seats,
        world.events,
    ]
    for state in states(world):
        tables += [state.lines, state.tickets, state.payments, state.notes, state.changes]
    return tables


def copy_of(world: World) -> list[list[tuple[Any, Any]]]:
    """Return the rows of every table, in their order."""
    free = sorted(
        (class_id, [seat.label for seat in world.stock._seat_maps[class_id].free])
        for class_id in world.stock._seat_maps
    )
    return [*(list(table.items()) for table in tables_of(world)), list(world.stock._seats.items()), free]


def known_of(world: World) -> dict[str, KnownOrder]:
    return {
        state.row.idempotency_key: KnownOrder(state.id, state.row.version, list(state.tickets))
        for state in states(world)
    }


def requests_of(world: World, plan: Plan, actor: Actor, number: int) -> list[Opened]:
    """Return the requests of a batch, each of another key, as the steps before the decision make them."""
    found: dict[str, Opened] = {}
    for request in actor.requests(number, known_of(world)):
        one = opened(world, request, tenant=make_tenant(**settings_of(plan)))
        if one.key not in {state.row.idempotency_key for state in states(world)}:
            found.setdefault(one.key, one)
    return [one for one in found.values() if not one.rejections]


def settings_of(plan: Plan) -> dict[str, bool]:
    return {
        "issues_on_payment": plan.settings["issues_tickets"] == "on_payment",
        "cancels_unpaid": plan.settings["cancels_unpaid"],
    }


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(plans())
def test_what_is_refused_leaves_no_trace(plan: Plan) -> None:
    world, actor = make_world(*make_events()), Actor(plan, "demo", number=1)
    for number in range(len(plan.batches)):
        now = NOW + number * STEP
        end_late(world, now)
        for request in requests_of(world, plan, actor, number):
            before, written, mark = copy_of(world), world.journal.net(), world.journal.mark()
            decide(world, [request], now)
            if request.rejections or request.too_early:
                assert copy_of(world) == before
                assert world.journal.net() == written
                assert world.journal.mark() == mark


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(plans())
def test_whatever_a_decision_does_can_be_undone(plan: Plan) -> None:
    world, actor = make_world(*make_events()), Actor(plan, "demo", number=1)
    for number in range(len(plan.batches)):
        now = NOW + number * STEP
        end_late(world, now)
        requests = requests_of(world, plan, actor, number)
        for request in requests:
            if not isinstance(request, CreateOrder):
                before, mark = copy_of(world), world.journal.mark()
                with suppress(RejectedRequest, NotYet, ValidationError):
                    DECIDE[request.request.kind](world, request, now)
                world.journal.undo(mark)
                assert copy_of(world) == before
            decide(world, [request], now)
