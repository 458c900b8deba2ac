"""What an update touches, refuses and waits for, decided on a world made by hand."""

from decimal import Decimal

import pytest

from orders.changing.update import update
from orders.errors import NotYet, SoldOut, VersionConflict
from orders.steps.decide import decide
from tests.factories import NOW, make_change, make_event, make_request, make_ticket_class
from tests.orders.deciding import ask, net, on
from tests.orders.lives.plans import make_id
from tests.orders.worlds import Ids, make_existing_order, make_offers, make_tenant, make_world
from willcall.kinds import CANCEL, UPDATE


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
