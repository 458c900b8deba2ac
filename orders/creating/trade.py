"""The trade of a new order: owners of tickets, costs of purchases, and replaced orders."""

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
    """Return the trade row, or None for the usual order without any of its fields."""
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


def no_trade(order_id: str) -> TradeRow:
    """Return an empty trade row."""
    return TradeRow(order_id, False, False, None, None, None, None, None, None, None)


def check_owner(order: OrderRequest, picked: Pick) -> None:
    """Raise `Invalid` if the seller must own a line item's tickets and does not.

    The rules of Ticket Evolution: a purchase is from the office that owns the ticket group (Orders / Create,
    Orders Parameters), and a seller of several items owns them all (Shipped Items Parameters).
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
        # Inventory that a purchase creates has no owner yet.
        if item.ticket_group is None and offer.office not in (None, seller_id):
            raise Invalid(
                f"ticket class {offer.external_id} is owned by {offer.office}, not by {seller_id}",
                "seller_id",
            )


def at_cost(picked: Pick) -> Pick:
    """Return the pick at the costs of a purchase."""
    offers = tuple(
        offer if offer.cost is None else replace(offer, price=offer.cost) for offer in picked.offers
    )
    return picked._replace(offers=offers)


def replaced_order(world: World, request: CreateOrder) -> OrderState | None:
    """Return the order that the new one replaces, or None. Raises `UnknownOrder`."""
    named = request.body.substitutes
    if named is None:
        return None
    state = None if request.substitutes is None else world.order(request.substitutes)
    if state is None or state.row.tenant_id != request.tenant.id:
        raise UnknownOrder(f"there is no order {named}", "substitutes")
    return state


def group_of(original: OrderState) -> str:
    """Return the id of the group of orders that replace each other, and of a sale and its purchase order."""
    trade = original.trade
    if trade is None:
        return original.id
    # Older purchase orders have their group only through their sale.
    of_sale = trade.counterpart_id if trade.is_purchase else None
    return trade.order_group_id or of_sale or original.id


def with_parties(order: OrderRequest, original: OrderState, offers: Offers) -> OrderRequest:
    """Return a purchase that replaces another order, with parties if it names none.

    The buyer is the office of the replaced order; the seller owns the tickets (Ticket Evolution, HOW TO:
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
