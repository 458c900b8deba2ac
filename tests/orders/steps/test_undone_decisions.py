"""What a decision did can be undone, and what is refused leaves no trace: in any world, of any requests."""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from orders.batch_requests import CreateOrder, Opened
from orders.errors import NotYet, RejectedRequest
from orders.journal import Journal, Table
from orders.running_hold import end_late
from orders.steps.decide import DECIDE, decide
from orders.world import World
from tests.factories import NOW
from tests.orders.deciding import ask, on
from tests.orders.lives.drawn_plans import plans
from tests.orders.lives.plans import STEP, Actor, KnownOrder, Plan, make_events
from tests.orders.worlds import make_existing_order, make_tenant, make_world, opened, states
from willcall.kinds import UPDATE


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
        world.messages,
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
