"""Building orders ahead: independent orders of a batch are built before the inventory is locked."""

from collections.abc import Sequence
from datetime import datetime

from db.ids import ids_of_request
from orders.batch_requests import CreateOrder
from orders.creating.make import make_order, render_new
from orders.creating.quote import quote_order
from orders.errors import RejectedRequest
from orders.new_order import Quote
from orders.world import World
from schemas.order_requests import OrderRequest


def make_ahead(world: World, creations: Sequence[CreateOrder], now: datetime) -> None:
    """Build the orders that the inventory read with the catalogue can serve.

    The check is made without a lock, and saves rows and signed codes for orders that come too late.
    """
    free: dict[str, int] = {}
    likely: list[tuple[CreateOrder, Quote]] = []
    for request in creations:
        if not _stands_alone(request.body):
            continue
        try:
            quote = quote_order(request, request.body, world.offers[request.tenant.id], {}, now)
        except RejectedRequest:
            continue  # its turn comes, and with it the answer
        left = {line.offer.id: free.get(line.offer.id, line.offer.free) for line in quote.priced.lines}
        for line in quote.priced.lines:
            left[line.offer.id] -= line.quantity
        if min(left.values()) >= 0:
            free |= left
            likely.append((request, quote))
    for request, quote in likely:
        new = make_order(
            quote,
            order_id=request.new_order_id,
            number=request.number,
            key=request.key,
            tenant=request.tenant,
            ticket_ids=ids_of_request(request.id, now, "tickets"),
            now=now,
        )
        has_seats = any(line.offer.has_seats for line in quote.priced.lines)
        if not has_seats:
            new.message_json = render_new(new)
        request.ahead = new


def _stands_alone(order: OrderRequest) -> bool:
    """Return whether the order depends neither on other orders nor on holds."""
    if order.substitutes is not None or order.seller_id is not None or order.check_fraud:
        return False
    return all(item.hold_id is None and item.ticket_group is None for item in order.line_items)
