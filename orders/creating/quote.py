"""Quoting a new order: the offers that it picks from the catalogue, and its price."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from orders.batch_requests import CreateOrder
from orders.catalogue.prices import Offers, Pick, pick, with_event
from orders.creating.ticket_groups import makes_ticket_groups
from orders.creating.trade import at_cost, check_owner
from orders.inventory.signatures import check_signature
from orders.money.expected_total import check_expected_total
from orders.money.payments import check_payments
from orders.money.price_floor import check_new_total
from orders.money.pricing import price_order
from orders.new_order import Quote
from orders.rows import HoldRow
from schemas.order_requests import OrderRequest


def quote_order(
    request: CreateOrder, order: OrderRequest, offers: Offers, holds: Mapping[int, HoldRow], now: datetime
) -> Quote:
    """Return the order's quote; `holds` are those that its lines use, by the line's index.

    Raises the rejections of names, prices, signatures and totals.
    """
    order = with_event(order, offers)
    picked = pick(order, offers)
    check_owner(order, picked)
    _check_on_sale(order, picked, holds, now)
    _check_signatures(request, order, picked)
    if order.is_purchase and request.may_set_price:
        picked = at_cost(picked)
    if holds:
        picked = _at_held_prices(picked, holds)
    priced = price_order(order, picked, may_set_price=request.may_set_price)
    if not request.may_set_price:
        check_new_total(order, priced)
    check_expected_total(order.expected_total, priced)
    check_payments(order, priced)
    return Quote(order, picked, priced, holds)


def _check_on_sale(order: OrderRequest, picked: Pick, holds: Mapping[int, HoldRow], now: datetime) -> None:
    """Raise `SalesClosed` outside the sale. Tickets that were held in time may still be bought."""
    if makes_ticket_groups(order):
        return  # tickets of another office are bought before they are sold
    for index, offer in enumerate(picked.offers):
        if index not in holds:
            offer.event.check_on_sale(now, f"line_items.{index}.ticket_class_id")


def _at_held_prices(picked: Pick, holds: Mapping[int, HoldRow]) -> Pick:
    """Return the pick with the hold's price for each line that uses a hold."""
    offers = tuple(
        replace(offer, price=holds[index].unit_price) if index in holds else offer
        for index, offer in enumerate(picked.offers)
    )
    return picked._replace(offers=offers)


def _check_signatures(request: CreateOrder, order: OrderRequest, picked: Pick) -> None:
    """Refuse an order with an outdated price signature, also if its tickets are held or purchased."""
    for index, (item, offer) in enumerate(zip(order.line_items, picked.offers, strict=True)):
        if item.ticket_group_signature is not None:
            field = f"line_items.{index}.ticket_group_signature"
            check_signature(item.ticket_group_signature, request.tenant.group_secret, offer, field)
