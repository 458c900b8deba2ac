"""Each decision by itself, on a world made by hand: no database, no batch."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from orders.changing.cancel import cancel
from orders.changing.check_in import check_in
from orders.changing.expire import expire
from orders.changing.pay import pay
from orders.creating.create import create
from orders.errors import (
    AlreadyCheckedIn,
    Invalid,
    NotAllowedInStatus,
    NotYet,
    SoldOut,
    UnknownOrder,
    UnknownPromoCode,
)
from orders.steps.decide import DECIDE
from schemas.requests import EXPIRE
from tests.factories import NOW, make_change, make_event, make_request, make_seated_class, make_ticket_class
from tests.orders.deciding import ask, level, make_hold, net, on
from tests.orders.worlds import make_existing_order, make_tenant, make_world
from willcall.kinds import CANCEL, CHECK_IN, KINDS, PAY, UPDATE


class TestCreate:
    def test_an_order_takes_its_tickets_and_tells_of_itself_once(self) -> None:
        world = make_world(make_event(ticket_classes=[make_ticket_class(capacity=3)]))
        request = ask(world, make_request(quantity=2))

        create(world, request, NOW)

        assert level(world) == (1, 2, 0)
        assert [(one.type, one.sequence) for one in world.messages.values()] == [("order.confirmed", 1)]
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
