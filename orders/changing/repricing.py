"""What an order costs after a change: its lines as they are now, priced by the function that priced it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from orders.catalogue.offers import Pick, PromoCodeOffer, TicketClassOffer
from orders.changing.change import Change
from orders.money.pricing import TOTALS, PricedOrder, price_order
from orders.order_state import Row
from schemas.changes import OrderTerms
from schemas.money import ZERO, round_money
from schemas.orders import LineItemRequest, OrderRequest


def reprice(change: Change, terms: OrderTerms) -> None:
    """Set the amounts of the order and of its lines that have tickets.

    A line's `unit_price` is what was agreed for it; `terms` say the rest. Raises what pricing raises.
    """
    if terms.total_discount is not None:
        terms = _with_total_discount(change, terms, terms.total_discount)
    _set(change, _priced(change, terms), terms, _open_lines(change))


def _with_total_discount(change: Change, terms: OrderTerms, total: Decimal) -> OrderTerms:
    """Return terms that take off so much in all. A promo code that would take off more is given up.

    The total is rounded half up: it comes of prices that are quotients.
    """
    total = round_money(total, change.state.row["currency"])
    of_promo_code = _priced(change, terms.model_copy(update={"discount": ZERO})).discount
    if of_promo_code > total:
        change.state.row["promo_code"] = None
        of_promo_code = ZERO
    return terms.model_copy(update={"discount": total - of_promo_code})


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
    full = terms.model_copy(update={"tax": tax, "discount": ZERO})
    return full.model_copy(update={"discount": min(terms.discount, _priced(change, full).total)})


def _open_lines(change: Change) -> list[Row]:
    return [line for line in change.state.lines if line["quantity"]]


def _priced(change: Change, terms: OrderTerms) -> PricedOrder:
    lines = _open_lines(change)
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
    picked = Pick(offers, change.state.row["currency"], None)
    promo_code = _promo_code(change, offers)
    if promo_code is not None and promo_code.amount is not None:
        # What is left of the order may cost less than its promo code takes off.
        full = price_order(order.model_copy(update={"discount": ZERO}), picked, may_set_price=True)
        promo_code = replace(promo_code, amount=min(promo_code.amount, full.total))
    return price_order(order, picked._replace(promo_code=promo_code), may_set_price=True)


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
    return None  # the lines that it was for are gone


def _set(change: Change, priced: PricedOrder, terms: OrderTerms, lines: Sequence[Row]) -> None:
    row = change.state.row
    for name in TOTALS:
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
