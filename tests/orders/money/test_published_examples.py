"""Worked examples that other systems have published: the same tax to the cent."""

from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

import pytest

from orders.catalogue.prices import EventOffer, Pick, TaxRule, TicketClassOffer
from orders.money.pricing import PricedOrder, price_order
from schemas.catalogue import TaxRounding
from schemas.order_requests import OrderRequest

PRETIX = "docs.pretix.eu: pricing algorithms, rounding of taxes"
ZUORA = "docs.zuora.com: rounding rule for inclusive tax mode, rounding net amount"
WAFEQ = "developer.wafeq.com: calculations and rounding"
DOLIBARR = "wiki.dolibarr.org: VAT setup, calculation and rounding rules"
CLOUDCART = "help.cloudcart.com: how taxes are calculated"

Line = tuple[str, str]
"""A price, and the rate of its tax."""


def _price(rounding: TaxRounding, lines: list[Line], *, is_included: bool) -> PricedOrder:
    offers = tuple(
        TicketClassOffer(
            str(index),
            str(index),
            # A rule is an event's: lines of another rate are of another event.
            EventOffer(
                str(uuid5(NAMESPACE_URL, rate)), rate, "EUR", TaxRule(Decimal(rate), is_included, rounding)
            ),
            Decimal(price),
            has_seats=False,
        )
        for index, (price, rate) in enumerate(lines)
    )
    order = OrderRequest.model_validate(
        {
            "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
            "line_items": [{"ticket_class_id": offer.external_id, "quantity": 1} for offer in offers],
        }
    )
    return price_order(order, Pick(offers, "EUR"), may_set_price=False)


@pytest.mark.parametrize(
    ("source", "rounding", "lines", "tax", "total"),
    [
        (PRETIX, "line", [("100.00", "0.19")] * 5, "79.85", "500.00"),
        (PRETIX, "sum_by_net", [("100.00", "0.19")] * 5, "79.83", "499.98"),
        (PRETIX, "sum_by_net_keep_gross", [("100.00", "0.19")] * 5, "79.83", "500.00"),
        # The document names it as a gross that no net comes to.
        (PRETIX, "sum_by_net_keep_gross", [("99.99", "0.19")], "15.96", "99.99"),
        (ZUORA, "line", [("2.99", "0.04")], "0.11", "2.99"),
    ],
)
def test_tax_in_the_price(
    source: str, rounding: TaxRounding, lines: list[Line], tax: str, total: str
) -> None:
    priced = _price(rounding, lines, is_included=True)

    assert (str(priced.included_tax), str(priced.total)) == (tax, total), source


@pytest.mark.parametrize(
    ("source", "rounding", "lines", "tax"),
    [
        (WAFEQ, "line", [("45.30", "0.05"), ("33.45", "0.10")], "5.62"),
        (DOLIBARR, "line", [("1.24", "0.10")] * 2, "0.24"),
        (DOLIBARR, "sum_by_net", [("1.24", "0.10")] * 2, "0.25"),
        (CLOUDCART, "line", [("6.99", "0.20")] * 3, "4.20"),
        (CLOUDCART, "sum_by_net", [("6.99", "0.20")] * 3, "4.19"),
    ],
)
def test_tax_on_top(source: str, rounding: TaxRounding, lines: list[Line], tax: str) -> None:
    priced = _price(rounding, lines, is_included=False)

    assert str(priced.tax) == tax, source
    assert priced.total == sum(Decimal(price) for price, _ in lines) + Decimal(tax)
