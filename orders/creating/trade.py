"""Between whom a new order is: who owns what it sells, what a purchase costs, and what it replaces."""

from dataclasses import replace

from orders.batch_requests import CreateOrder
from orders.catalogue.prices import Offers, Pick
from orders.errors import Invalid, UnknownOrder
from orders.rows import TradeRow
from orders.state import OrderState
from orders.world import World
from schemas.order_requests import OrderRequest


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
    """Return what the order shares with those that replace it; a sale shares it with its purchase order."""
    trade = original.trade
    if trade is None:
        return original.id
    # Purchase orders of before knew their group by their sale only.
    of_sale = trade.counterpart_id if trade.is_purchase else None
    return trade.order_group_id or of_sale or original.id


def with_parties(order: OrderRequest, original: OrderState, offers: Offers) -> OrderRequest:
    """Return a purchase that replaces another order with its parties, where it names none.

    The buyer is the office whose order it replaces; the seller owns the tickets (Ticket Evolution, HOW TO:
    Process a Substitution, whose call names no parties).
    """
    trade = original.trade
    is_open = order.seller_id is None and order.buyer_id is None and order.client_id is None
    if trade is None or not order.is_purchase or not is_open:
        return order
    sold = offers.ticket_classes.get(order.line_items[0].ticket_class_id)
    parties = {
        "seller_id": None if sold is None else sold.office,
        "buyer_id": trade.buyer_id if trade.is_purchase else trade.seller_id,
    }
    return order.model_copy(update=parties)
