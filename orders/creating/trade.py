"""Between whom a new order is: who owns what it sells, what a purchase costs, and what it replaces."""

from dataclasses import replace

from orders.catalogue.offers import Pick
from orders.errors import Invalid, UnknownOrder
from orders.requests import CreateOrder
from orders.rows import TradeRow
from orders.state import OrderState
from orders.world import World
from schemas.orders import OrderRequest


def trade_row(
    order_id: str,
    order: OrderRequest,
    group_id: str | None,
    substitutes: str | None,
    counterpart_id: str | None,
) -> TradeRow | None:
    """Return the row, or None for an order that says nothing of it: nearly every one."""
    row = TradeRow(
        order_id,
        order.is_purchase,
        order.consignment,
        order.seller_id,
        order.buyer_id,
        order.client_id,
        order.created_by_ip_address,
        group_id,
        substitutes,
        counterpart_id,
    )
    return None if not any(row[1:]) else row


def nobody(order_id: str) -> TradeRow:
    """Return the row of an order that says nothing of it."""
    return TradeRow(order_id, False, False, None, None, None, None, None, None, None)


def check_owner(order: OrderRequest, picked: Pick) -> None:
    """Raise `Invalid` where an order has a line item that its seller does not own, and must own.

    The rules of Ticket Evolution: a purchase is from the office that owns the ticket group (Orders /
    Create, Orders Parameters), and who sells several items owns them all (Shipped Items Parameters).
    """
    if order.seller_id is None:
        return
    if order.is_purchase:
        _check_purchased(order, order.seller_id, picked)
    if len(order.line_items) == 1:
        return
    for offer in picked.offers:
        if offer.office not in (None, order.seller_id):
            raise Invalid(
                f"ticket class {offer.external_id} is owned by {offer.office}: an order of several line "
                f"items sells only what {order.seller_id} owns",
                "line_items",
            )


def _check_purchased(order: OrderRequest, seller_id: str, picked: Pick) -> None:
    for item, offer in zip(order.line_items, picked.offers, strict=True):
        # What a purchase adds to the inventory belongs to nobody yet.
        if item.ticket_group is None and offer.office not in (None, seller_id):
            raise Invalid(
                f"ticket class {offer.external_id} is owned by {offer.office}, not by {seller_id}",
                "seller_id",
            )


def at_cost(picked: Pick) -> Pick:
    """Return the pick at what a purchase of it costs."""
    offers = tuple(
        offer if offer.cost is None else replace(offer, price=offer.cost) for offer in picked.offers
    )
    return picked._replace(offers=offers)


def replaced_order(world: World, request: CreateOrder) -> OrderState | None:
    """Return the order that the new one replaces, or None where it replaces none. Raises `UnknownOrder`."""
    named = request.body.substitutes
    if named is None:
        return None
    state = None if request.substitutes is None else world.order(request.substitutes)
    if state is None or state.row.tenant_id != request.tenant.id:
        raise UnknownOrder(f"there is no order {named}", "substitutes")
    return state


def group_of(original: OrderState) -> str:
    """Return what the order shares with those that replace it."""
    trade = original.trade
    return original.id if trade is None or trade.order_group_id is None else trade.order_group_id
