"""What an order costs after a change: its lines as they are now, priced by the function that priced it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from orders.change import Change
from orders.errors import UnknownPromoCode
from orders.offers import Pick, PromoCodeOffer, TicketClassOffer
from orders.order_state import Row
from orders.pricing import PricedOrder, price_order
from schemas.changes import OrderTerms
from schemas.money import ZERO, round_money
from schemas.orders import LineItemRequest, OrderRequest

_TOTALS = (
    "subtotal",
    "shipping",
    "service_fee",
    "additional_expense",
    "tax",
    "included_tax",
    "discount",
    "total",
)


def reprice(change: Change, terms: OrderTerms) -> None:
    """Set the amounts of the order and of its lines that have tickets.

    A line's `unit_price` is what was agreed for it; `terms` say the rest. Raises what pricing raises.
    """
    state = change.state
    lines = [line for line in state.lines if line["quantity"]]
    order = OrderRequest.model_construct(
        buyer=terms.buyer,
        line_items=tuple(_item(line) for line in lines),
        shipping=terms.shipping,
        service_fee=terms.service_fee,
        additional_expense=terms.additional_expense,
        tax=terms.tax,
        discount=terms.discount,
        payments=(),
    )
    offers = tuple(_agreed(change.offer_of(line["external_id"]), line) for line in lines)
    picked = Pick(offers, state.row["currency"], _promo_code(change, offers))
    _set(change, price_order(order, picked, may_set_price=True), terms, lines)


def reduced(change: Change, terms: OrderTerms) -> OrderTerms:
    """Return terms that fit an order of which a part was cancelled.

    A tax that the producer gave shrinks with the lines, rounded half up; a discount takes off no more
    than there is.
    """
    row = change.state.row
    before: Decimal = row["subtotal"]
    after = sum((line["unit_price"] * line["quantity"] for line in change.state.lines), ZERO)
    tax = terms.tax
    if tax is not None and before:
        tax = round_money(tax * after / before, row["currency"])
    fees = terms.shipping + terms.service_fee + terms.additional_expense
    discount = min(terms.discount, after + fees + (tax or ZERO))
    return terms.model_copy(update={"tax": tax, "discount": discount})


def _item(line: Row) -> LineItemRequest:
    return LineItemRequest.model_construct(
        ticket_class_id=line["external_id"], quantity=line["quantity"], unit_price=line["unit_price"]
    )


def _agreed(offer: TicketClassOffer, line: Row) -> TicketClassOffer:
    return replace(offer, price=line["unit_price"])


def _promo_code(change: Change, offers: Sequence[TicketClassOffer]) -> PromoCodeOffer | None:
    code = change.state.row["promo_code"]
    if code is None:
        return None
    events = {offer.event.id for offer in offers}
    for promo_code in change.offers.promo_codes.get(code, ()):
        if promo_code.event_id in events:
            return promo_code
    raise UnknownPromoCode(f"promo code {code} is of none of the order's events", "line_items")


def _set(change: Change, priced: PricedOrder, terms: OrderTerms, lines: Sequence[Row]) -> None:
    row = change.state.row
    for name in _TOTALS:
        row[name] = getattr(priced, name)
    row["given_tax"] = terms.tax
    row["given_discount"] = None if terms.discount == priced.discount else terms.discount
    for line, amounts in zip(lines, priced.lines, strict=True):
        line["unit_price"], line["amount"] = amounts.unit_price, amounts.amount
        line["tax"], line["rounding"] = amounts.tax, amounts.rounding
    nothing = round_money(ZERO, row["currency"])
    for line in change.state.lines:
        if not line["quantity"]:
            line["amount"] = line["tax"] = line["rounding"] = nothing
