"""Buy and sell: a sale of what another office owns makes the order by which the seller buys it."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace

from sqlalchemy import Connection, text

from db.ids import new_ids
from orders.catalogue.offers import Pick
from orders.changing.cancel import cancel
from orders.changing.change import Change
from orders.creating.trading import at_cost
from orders.draft import Draft
from orders.money.pricing import price_order
from orders.order_state import OrderState
from schemas.changes import CancelRequest
from schemas.money import ZERO
from schemas.orders import LineItemRequest, OrderRequest

_NUMBERS = text("SELECT nextval('order_numbers') FROM generate_series(1, :count)")


def open_purchases(connection: Connection, drafts: Sequence[Draft]) -> dict[str, Draft]:
    """Return the purchase orders that priced sales make, by the id of the sale.

    They take no inventory and have no tickets: the sale takes and has them.
    """
    sales = [(draft, owner) for draft in drafts if (owner := _owner(draft)) is not None]
    if not sales:
        return {}
    numbers = connection.scalars(_NUMBERS, {"count": len(sales)})
    return {
        sale.order_id: _purchase(sale, owner, order_id, number)
        for (sale, owner), order_id, number in zip(sales, new_ids(len(sales)), numbers, strict=True)
    }


def _owner(draft: Draft) -> str | None:
    """Return the office from which the seller has to buy, or None."""
    order, picked = draft.order, draft.picked
    if order is None or picked is None or order.is_purchase or order.seller_id is None:
        return None
    owner = picked.offers[0].office
    return None if owner == order.seller_id else owner


def _purchase(sale: Draft, owner: str, order_id: str, number: int) -> Draft:
    assert sale.order is not None  # noqa: S101 - a sale has both
    assert sale.picked is not None  # noqa: S101
    order = OrderRequest(
        event_id=sale.order.event_id,
        currency=sale.order.currency,
        # An office has no name here: the order says for whom it buys.
        buyer=sale.order.buyer,
        line_items=tuple(
            LineItemRequest(ticket_class_id=item.ticket_class_id, quantity=item.quantity)
            for item in sale.order.line_items
        ),
        # Whoever names the sale's tax computes taxes himself, and named none for the purchase.
        tax=None if sale.order.tax is None else ZERO,
        is_purchase=True,
        seller_id=owner,
        buyer_id=sale.order.seller_id,
        # For both sides to see; what is internal stays with the office that wrote it.
        external_notes=sale.order.external_notes,
        instructions=sale.order.instructions,
    )
    picked = at_cost(Pick(sale.picked.offers, sale.picked.currency, None))
    sale.counterpart_id = order_id
    return Draft(
        request=sale.request,
        request_id=sale.request_id,
        tenant_id=sale.tenant_id,
        idempotency_key=f"{sale.idempotency_key}/purchase",
        body_hash=sale.body_hash,
        order_id=order_id,
        order_number=number,
        order=order,
        picked=picked,
        priced=price_order(order, picked, may_set_price=True),
        has_tickets=False,
        counterpart_id=sale.order_id,
    )


def cancel_purchase(change: Change, states: Mapping[str, OrderState]) -> list[tuple[Change, OrderState]]:
    """Cancel the purchase order of a sale that was cancelled whole; return it, and how it was before.

    Where there is none, or it was cancelled by itself, nothing is returned.
    """
    asked, trade = change.draft.asked, change.state.trade
    if not isinstance(asked, CancelRequest) or trade is None or trade["is_purchase"]:
        return []
    purchase = states.get(str(trade["counterpart_id"]))
    if change.state.row["status"] != "cancelled" or purchase is None or purchase.row["status"] != "placed":
        return []
    before = deepcopy(purchase)
    also = replace(change, state=purchase, told=[])
    cancel(also, CancelRequest(order_id=purchase.row["id"], reason=asked.reason))
    return [(also, before)]
