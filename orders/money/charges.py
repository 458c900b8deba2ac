"""The terms of sale of an order, as stored in its rows."""

from decimal import Decimal

from orders.catalogue.prices import EventOffer, TaxRule, TicketClassOffer
from orders.money.pricing import Charges, PricedLine
from orders.money.promo_terms import promo_codes_of
from orders.rows import LineRow, OrderRow
from schemas.money import quantum, zero


def charges_of(row: OrderRow) -> Charges:
    """Return the order's charges: the amounts that determine its total besides the lines."""
    return Charges(
        shipping=row.shipping,
        service_fee=row.service_fee,
        additional_expense=row.additional_expense,
        tax=row.given_tax,
        discount=given_discount(row),
        promo_codes=promo_codes_of(row.promo_code, row.promo_terms),
    )


def given_discount(row: OrderRow) -> Decimal:
    """Return the producer's discount, without the promo code's."""
    return row.discount if row.given_discount is None else row.given_discount


def sold_line(line: LineRow, currency: str) -> PricedLine:
    """Return the line at its price and tax rule of the sale, to be taxed again."""
    unit = quantum(currency)
    return PricedLine(
        offer=TicketClassOffer(
            id=line.ticket_class_id,
            external_id="",
            event=EventOffer(line.event_id, "", currency, tax_rule_of(line)),
            price=line.unit_price,
            has_seats=False,
        ),
        quantity=line.quantity,
        unit_price=line.unit_price.quantize(unit),
        amount=(line.unit_price * line.quantity).quantize(unit),
        tax=zero(currency),
        rounding=zero(currency),
    )


def tax_rule_of(line: LineRow) -> TaxRule | None:
    """Return the tax rule of the line's sale."""
    if line.tax_rate is None or line.tax_is_included is None or line.tax_rounding is None:
        return None
    return TaxRule(line.tax_rate, line.tax_is_included, line.tax_rounding)
