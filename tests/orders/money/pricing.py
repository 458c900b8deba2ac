"""Offers made by hand, and the price of an order for them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from orders.catalogue.prices import (
    EventOffer,
    Offers,
    PromoCodeOffer,
    TaxRule,
    TicketClassOffer,
    pick,
    with_event,
)
from orders.errors import RejectedRequest
from orders.money.pricing import PricedOrder, price_order
from schemas.catalogue import promo_code_key
from schemas.order_requests import OrderRequest


def make_id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


def make_rule(rate: str = "0.19", *, is_included: bool = False, rounding: Any = "line") -> TaxRule:
    return TaxRule(Decimal(rate), is_included, rounding)


def make_event(name: str = "concert", currency: str = "USD", tax: TaxRule | None = None) -> EventOffer:
    return EventOffer(make_id(name), name, currency, tax)


def make_class(
    name: str = "standing", price: str = "45.50", event: EventOffer | None = None
) -> TicketClassOffer:
    return TicketClassOffer(make_id(name), name, event or make_event(), Decimal(price), has_seats=False)


def percent_off(percent: str, event: str = "concert", code: str = "SPRING") -> PromoCodeOffer:
    return PromoCodeOffer(make_id(code), make_id(event), code, Decimal(percent), None)


def amount_off(amount: str, event: str = "concert", code: str = "FIVE") -> PromoCodeOffer:
    return PromoCodeOffer(make_id(code), make_id(event), code, None, Decimal(amount))


def make_offers(*classes: TicketClassOffer, promo_codes: Sequence[PromoCodeOffer] = ()) -> Offers:
    return Offers(
        ticket_classes={offer.external_id: offer for offer in classes},
        promo_codes={
            key: [promo for promo in promo_codes if promo_code_key(promo.code) == key]
            for key in {promo_code_key(promo.code) for promo in promo_codes}
        },
        event_ids={offer.event.external_id: offer.event.external_id for offer in classes},
    )


def line(ticket_class: str = "standing", quantity: int = 1, **changes: Any) -> dict[str, Any]:
    return {"ticket_class_id": ticket_class, "quantity": quantity} | changes


def price(
    *classes: TicketClassOffer,
    promo_codes: Sequence[PromoCodeOffer] = (),
    may_set_price: bool = True,
    **request: Any,
) -> PricedOrder:
    classes = classes or (make_class(),)
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
    order = OrderRequest.model_validate(
        {"buyer": buyer, "line_items": [line(classes[0].external_id)]} | request
    )
    offers = make_offers(*classes, promo_codes=promo_codes)
    picked = pick(with_event(order, offers), offers)
    return price_order(order, picked, may_set_price=may_set_price)


def why_rejected(
    error: type[RejectedRequest], *classes: TicketClassOffer, **request: Any
) -> tuple[str, str | None]:
    with pytest.raises(error) as caught:
        price(*classes, **request)
    return caught.value.rejection.code, caught.value.rejection.field


def taxes(priced: PricedOrder) -> list[str]:
    return [str(line.tax) for line in priced.lines]


def amounts(priced: PricedOrder) -> list[str]:
    return [str(line.amount) for line in priced.lines]


def roundings(priced: PricedOrder) -> list[str]:
    return [str(line.rounding) for line in priced.lines]
