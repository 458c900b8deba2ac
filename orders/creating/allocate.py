"""Allocating tickets and seats under the locks of the stock. An order is served whole or not at all."""

from collections.abc import Mapping
from datetime import datetime

from orders.errors import HoldExpired
from orders.inventory.seating import Seat, check_alike, check_wish, wants_alike, wished_labels
from orders.new_order import Quote
from orders.running_hold import use_hold
from orders.world import World
from schemas.order_requests import LineItemRequest


def allocate(world: World, quote: Quote, order_id: str, now: datetime) -> Mapping[int, list[Seat]]:
    """Take all inventory that the order needs; return the seats of its lines, by the line's index.

    Raises `SoldOut`, `SeatUnavailable`, `HoldExpired`, `UnknownPromoCode` or `Invalid`.
    """
    stock = world.stock
    _check(world, quote)
    stock.check_uses(quote.priced.promo_codes)
    chosen: dict[int, list[Seat]] = {}
    if any(line.offer.has_seats for line in quote.priced.lines):
        chosen = _choose_seats(world, quote)
    for promo_code in quote.priced.promo_codes:
        stock.use(promo_code.id)
    for index, line in enumerate(quote.priced.lines):
        hold = quote.holds.get(index)
        if hold is None:
            stock.sell(line.offer.id, line.quantity)
        else:
            seats = use_hold(world, hold, order_id, now)
            if seats:
                chosen[index] = seats
    return chosen


def _check(world: World, quote: Quote) -> None:
    wanted: dict[str, int] = {}
    for index, line in enumerate(quote.priced.lines):
        hold = quote.holds.get(index)
        if hold is not None:
            if hold.status != "held":
                raise HoldExpired(f"hold {hold.id} is {hold.status}", f"line_items.{index}.hold_id")
            continue
        wish = quote.order.line_items[index]
        check_alike(wish, line.offer, f"line_items.{index}.seat_order")
        labels = wished_labels(wish, line.quantity)
        if labels:
            check_wish(labels, line.offer, line.quantity, f"line_items.{index}.seats")
        wanted[line.offer.id] = wanted.get(line.offer.id, 0) + line.quantity
        world.stock.check(line.offer, wanted[line.offer.id], f"line_items.{index}.quantity")


def _choose_seats(world: World, quote: Quote) -> dict[int, list[Seat]]:
    """Take the seats of each seated line: first requested seats, then seats that must be all odd or even."""
    chosen: dict[int, list[Seat]] = {}
    seated = [
        (index, line, quote.order.line_items[index])
        for index, line in enumerate(quote.priced.lines)
        if line.offer.has_seats and index not in quote.holds
    ]
    for index, line, wish in sorted(seated, key=lambda one: _how_open(one[2])):
        is_alike = wants_alike(wish)
        chosen[index] = world.stock.choose_seats(
            line.offer.id,
            line.quantity,
            labels=wished_labels(wish, line.quantity),
            is_alike=is_alike,
            field=f"line_items.{index}.{'seat_order' if is_alike else 'seats'}",
        )
    return chosen


def _how_open(wish: LineItemRequest) -> int:
    if wish.seats or wish.low_seat is not None:
        return 0
    return 1 if wants_alike(wish) else 2
