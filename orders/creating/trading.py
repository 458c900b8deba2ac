"""Between whom an order is: who owns what it sells, what a purchase costs, and what belongs to what."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, text

from db.bulk import array
from orders.catalogue.offers import Pick
from orders.draft import Draft
from orders.errors import Invalid, UnknownOrder
from orders.order_state import OrderState, Row
from schemas.orders import OrderRequest
from schemas.requests import CANCEL

# What a sale and its purchase order have in common never changes: it may be read before they are locked.
_PURCHASES_OF = text("""
    SELECT counterpart_id::text FROM order_trades
    WHERE order_id = ANY(CAST(:ids AS uuid[])) AND counterpart_id IS NOT NULL AND NOT is_purchase
""")

_NUMBERED = text("""
    SELECT tenant_id::text, number, id FROM orders
    WHERE (tenant_id, number) IN (
        SELECT * FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:numbers AS bigint[])))
""")

_NOBODY: Final[Row] = {
    "is_purchase": False,
    "consignment": False,
    "seller_id": None,
    "buyer_id": None,
    "client_id": None,
    "created_by_ip_address": None,
    "order_group_id": None,
    "substitutes_id": None,
    "counterpart_id": None,
}


def trade_row(draft: Draft, order: OrderRequest) -> Row | None:
    """Return the row, or None for an order that says nothing of it: nearly every one."""
    row = {
        "is_purchase": order.is_purchase,
        "consignment": order.consignment,
        "seller_id": order.seller_id,
        "buyer_id": order.buyer_id,
        "client_id": order.client_id,
        "created_by_ip_address": order.created_by_ip_address,
        "order_group_id": draft.order_group_id,
        "substitutes_id": order.substitutes,
        "counterpart_id": draft.counterpart_id,
    }
    return None if row == _NOBODY else {"order_id": draft.order_id, **row}


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


def find_replaced(connection: Connection, creations: Iterable[Draft]) -> None:
    """Let each draft that names the order which it replaces by its number name it by its id, or reject it."""
    numbered = [
        (draft, draft.order, draft.order.substitutes)
        for draft in creations
        if draft.order is not None and isinstance(draft.order.substitutes, int)
    ]
    if not numbered:
        return
    names = {
        "tenant_ids": array(draft.tenant_id for draft, _, _ in numbered),
        "numbers": array(number for _, _, number in numbered),
    }
    ids = {(row.tenant_id, row.number): row.id for row in connection.execute(_NUMBERED, names)}
    for draft, order, number in numbered:
        id_ = ids.get((draft.tenant_id, number))
        if id_ is None:
            draft.reject(UnknownOrder(f"there is no order {number}", "substitutes"))
        else:
            draft.order = order.model_copy(update={"substitutes": id_})


def orders_beside(connection: Connection, creations: Iterable[Draft], changes: Iterable[Draft]) -> set[str]:
    """Return the orders that have to be locked beside those that the drafts change.

    They are those that new orders replace, and the purchase orders of the sales that are cancelled.
    """
    beside = {
        str(draft.order.substitutes)
        for draft in creations
        if draft.order is not None and draft.order.substitutes is not None
    }
    cancelled = [draft.order_id for draft in changes if draft.request.kind == CANCEL]
    if cancelled:
        beside.update(connection.scalars(_PURCHASES_OF, {"ids": array(cancelled)}))
    return beside


def join_groups(drafts: Sequence[Draft], states: dict[str, OrderState]) -> None:
    """Give each draft that replaces an order the group of that order, or reject it."""
    for draft in drafts:
        if draft.order is None or draft.order.substitutes is None:
            continue
        original = states.get(str(draft.order.substitutes))
        if original is None or str(original.row["tenant_id"]) != draft.tenant_id:
            draft.reject(UnknownOrder(f"there is no order {draft.order.substitutes}", "substitutes"))
        else:
            draft.order_group_id = _group(original)


def replace_order(state: OrderState) -> bool:
    """Let an order know the group that it shares with the one that replaces it; say whether that is new."""
    trade: dict[str, Any] = state.trade or {"order_id": state.row["id"], **_NOBODY}
    if trade["order_group_id"] is not None:
        return False
    state.trade = trade | {"order_group_id": state.row["id"]}
    return True


def _group(original: OrderState) -> str:
    group = original.trade and original.trade["order_group_id"]
    return str(group or original.row["id"])
