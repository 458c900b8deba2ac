"""Holds that an order uses, and holds that end."""

from datetime import datetime

from orders.errors import HoldExpired, Invalid, NotYet
from orders.inventory.seating import Seat
from orders.rows import HoldRow
from orders.world import World
from schemas.order_requests import LineItemRequest, OrderRequest


def fill_in(
    world: World, order: OrderRequest, tenant_id: str, now: datetime
) -> tuple[OrderRequest, dict[int, HoldRow]]:
    """Return the order with its lines completed from their holds, and the holds by the index of the line.

    Raises `HoldExpired`, `NotYet` for a hold that may still be taken, or `Invalid` for a line that
    contradicts its hold.
    """
    used: dict[int, HoldRow] = {}
    items = list(order.line_items)
    for index, item in enumerate(items):
        if item.hold_id is not None:
            field = f"line_items.{index}.hold_id"
            if world.is_hold_underway(str(item.hold_id), now):
                answer = HoldExpired("the hold was not taken in time", "line_items")
                raise NotYet(answer, str(item.hold_id))
            hold = world.running_hold(str(item.hold_id), tenant_id, now, field)
            if hold in used.values():
                raise Invalid(f"hold {hold.id} is named twice", field)
            used[index] = hold
            items[index] = _filled(item, hold, world.class_ids[hold.ticket_class_id], index)
    return (order.model_copy(update={"line_items": tuple(items)}) if used else order), used


def _filled(item: LineItemRequest, hold: HoldRow, external_id: str, index: int) -> LineItemRequest:
    if item.ticket_class_id not in ("", external_id):
        raise Invalid(
            f"hold {hold.id} is of ticket class {external_id}", f"line_items.{index}.ticket_class_id"
        )
    if item.quantity not in (0, hold.quantity):
        raise Invalid(f"hold {hold.id} is for {hold.quantity} tickets", f"line_items.{index}.quantity")
    if len(item.attendees) > hold.quantity:
        raise Invalid(
            f"{len(item.attendees)} attendees for {hold.quantity} tickets", f"line_items.{index}.attendees"
        )
    if item.seats or item.low_seat is not None:
        raise Invalid("the seats are those of the hold", f"line_items.{index}.seats")
    return item.model_copy(update={"ticket_class_id": external_id, "quantity": hold.quantity})


def use_hold(world: World, hold: HoldRow, order_id: str, now: datetime) -> list[Seat]:
    """Count the held tickets as sold; return their seats."""
    world.holds.put(hold.id, hold._replace(status="used", order_id=order_id, updated_at=now))
    world.stock.sell_held(hold.ticket_class_id, hold.quantity)
    seats = world.hold_seats.get(hold.id, [])
    world.stock.mark_seats(seats)
    return list(seats)


def end_late(world: World, now: datetime) -> None:
    """End the loaded holds that have expired, and free their inventory."""
    for hold in list(world.holds.values()):
        if (
            hold.status == "held"
            and hold.expires_at is not None
            and hold.expires_at <= now
            and hold.ticket_class_id in world.stock.levels
        ):
            give_back(world, hold._replace(status="expired", updated_at=now))


def give_back(world: World, ended: HoldRow) -> None:
    """End a hold with this status, and free its inventory."""
    world.holds.put(ended.id, ended)
    world.stock.hold(ended.ticket_class_id, -ended.quantity)
    seats = world.hold_seats.get(ended.id, [])
    if seats:
        world.stock.free_seats(ended.ticket_class_id, seats)
