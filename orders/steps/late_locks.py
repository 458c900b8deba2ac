"""Late locks: changes of orders lock ticket classes after the decisions, just before the write.

Deciding changes takes longer than counting tickets, and all buyers wait for the locks of the classes. So a
batch of changes reads the free inventory, decides, and then locks. Usually enough is still free, and nothing
was rejected. Otherwise all decisions are undone and made again under the locks.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from orders.batch_requests import Opened
from orders.inventory.lock import are_still_free, lock_late_holds, lock_levels, lock_promo_codes, lock_stock
from orders.steps.decide import decide
from orders.steps.load import take_in
from orders.world import World


def lock_late(connection: Connection, world: World, requests: Sequence[Opened], now: datetime) -> None:
    """Lock the ticket classes that were only read, and decide again if too little is free now."""
    needs = world.stock.read_only
    if needs is None:
        return
    free, held = lock_levels(connection, needs) if needs.ticket_classes else ({}, [])
    lock_promo_codes(connection, needs.promo_codes)  # changes give uses back, and take none
    if not world.stock.was_short and _is_enough(connection, world, free):
        return
    world.start_over()
    for request in requests:
        request.order_id, request.rejections, request.too_early = request.claimed_for, (), None
    lock_stock(connection, world.stock, needs)
    if held:
        take_in(world, lock_late_holds(connection, held, now))
    decide(world, requests, now)


def _is_enough(connection: Connection, world: World, free: dict[str, int]) -> bool:
    """Return whether the most that the batch took at any time is free."""
    stock = world.stock
    if any(seen - stock.levels[class_id].least > free[class_id] for class_id, seen in stock.seen.items()):
        return False
    return are_still_free(connection, list(stock.chosen_seats))
