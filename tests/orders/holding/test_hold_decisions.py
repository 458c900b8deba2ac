"""What holds take and give back, decided on a world made by hand."""

from datetime import timedelta
from uuid import UUID

import pytest

from orders.errors import HoldExpired, SeatUnavailable
from orders.holding.extend import extend
from orders.holding.release import release
from orders.running_hold import end_late
from tests.factories import NOW, make_change, make_event, make_seated_class
from tests.orders.deciding import ask, level, make_hold, net
from tests.orders.worlds import make_world
from willcall.kinds import EXTEND, RELEASE


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
