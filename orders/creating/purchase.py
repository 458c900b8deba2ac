"""Purchase orders of sales: to sell another office's tickets, the seller first buys them."""

from datetime import datetime

from orders.batch_requests import CreateOrder
from orders.catalogue.prices import Pick
from orders.creating.make import make_order
from orders.creating.trade import at_cost, trade_row
from orders.money.pricing import price_order
from orders.new_order import NewOrder, Quote
from schemas.money import ZERO
from schemas.order_requests import LineItemRequest, OrderRequest


def owner_of(quote: Quote) -> str | None:
    """Return the office from which the seller must buy, or None."""
    order = quote.order
    if order.is_purchase or order.seller_id is None:
        return None
    owner = quote.picked.offers[0].office
    return None if owner == order.seller_id else owner


def make_purchase(
    request: CreateOrder, sale: Quote, owner: str, purchase_id: str, group_id: str, now: datetime
) -> NewOrder:
    """Return the purchase order of a sale, in the sale's group.

    It takes no inventory and has no tickets: the sale takes and has them.
    """
    order = OrderRequest(
        event_id=sale.order.event_id,
        currency=sale.order.currency,
        # An office has no name here: its id stands in for it.
        buyer=sale.order.buyer,
        line_items=tuple(
            LineItemRequest(ticket_class_id=item.ticket_class_id, quantity=item.quantity)
            for item in sale.order.line_items
        ),
        # A producer that states the sale's tax computes taxes itself, and stated none for the purchase.
        tax=None if sale.order.tax is None else ZERO,
        is_purchase=True,
        seller_id=owner,
        buyer_id=sale.order.seller_id,
        # Visible to both parties; internal notes stay with the office that wrote them.
        external_notes=sale.order.external_notes,
        instructions=sale.order.instructions,
    )
    picked = at_cost(Pick(sale.picked.offers, sale.picked.currency))
    priced = price_order(order, picked, may_set_price=True)
    return make_order(
        Quote(order, picked, priced, {}),
        order_id=purchase_id,
        number=request.purchase_number,
        key=f"{request.key}/purchase",
        tenant=request.tenant,
        ticket_ids=(),
        now=now,
        trade=trade_row(purchase_id, order, group_id, None, request.new_order_id),
    )
