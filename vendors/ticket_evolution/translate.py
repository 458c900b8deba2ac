"""Translating orders of Ticket Evolution to canonical requests."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from schemas.dialects import DialectName
from schemas.json import JsonObject
from schemas.outcomes import Rejection, rejections_of
from schemas.text import parse_uuid
from vendors.dialect import NotTranslatable
from vendors.ticket_evolution.extras import extras_of
from vendors.ticket_evolution.people import billing_address_of, buyer_of
from vendors.ticket_evolution.request_models import Item, OrderCall, Payment, TicketGroup
from vendors.values import without_none
from willcall.kinds import CREATE

NAME: Final[DialectName] = "ticket_evolution"

_AMOUNTS: Final = ("shipping", "service_fee", "additional_expense", "tax", "discount")
_BLANK: Final = "can't be blank"


def translate(kind: str, body: Mapping[str, Any]) -> JsonObject:
    """Return the canonical body of one order."""
    if kind != CREATE:
        raise NotTranslatable(
            [Rejection("invalid", "dialect", f"the dialect {NAME} does not support {kind}")]
        )
    try:
        call = OrderCall.model_validate(body)
    except ValidationError as error:
        raise NotTranslatable(rejections_of(error)) from error
    missing = list(_missing(call))
    if missing:
        raise NotTranslatable([Rejection("invalid", field, _BLANK) for field in missing])
    return without_none(_canonical(call))


def _canonical(call: OrderCall) -> JsonObject:
    items = [item for shipment in call.shipped_items for item in shipment.items]
    return {
        "idempotency_key": call.idempotency_key,
        "buyer": buyer_of(call),
        "billing_address": billing_address_of(call),
        "line_items": [_line(item) for item in items],
        # "The total amount will be calculated as …": omitted amounts are not part of it, nor is the event's
        # own tax.
        **{name: _amount(getattr(call, name)) for name in _AMOUNTS},
        "payments": [_payment(payment) for payment in call.payments],
        "reference": call.reference if call.seller_reference_number is None else call.seller_reference_number,
        "internal_notes": call.internal_notes,
        "external_notes": call.external_notes,
        "instructions": call.instructions,
        "check_fraud": call.check_fraud,
        "created_by_ip_address": call.created_by_ip_address,
        "is_purchase": call.buys,
        "consignment": bool(call.consignment),
        "seller_id": call.seller_id,
        "buyer_id": call.buyer_id,
        "client_id": call.client_id,
        "substitutes": _replaced(call),
        "extras": extras_of(call),
    }


def _amount(value: Decimal | None) -> str:
    return "0" if value is None else format(value, "f")


def _line(item: Item) -> JsonObject:
    line: JsonObject = {
        "ticket_class_id": item.ticket_group_id,
        "quantity": item.quantity,
        "unit_price": item.price,
        "low_seat": item.low_seat,
        "seat_order": item.seat_order,
        "ticket_group_signature": item.ticket_group_signature,
        "hold_id": item.ticket_hold_id,
    }
    if item.ticket_hold_id is not None:
        # "If supplied, quantity, price and low_seat from the Hold/Take will be used."
        line |= {"quantity": None, "low_seat": None, "seat_order": None}
    elif item.ticket_group is not None:
        line |= {"low_seat": None, "seat_order": None, "ticket_group": _group(item, item.ticket_group)}
    return _plain(line)


def _group(item: Item, group: TicketGroup) -> JsonObject:
    """Return the inventory that a purchase creates; it is sold at its retail price if the call states one."""
    prices = (group.retail_price_override, group.retail_price, group.price, group.wholesale_price, item.price)
    return _plain(
        {
            "id": group.id,
            "event_id": group.event_id,
            "name": group.name,
            "section": group.section,
            "row": group.row,
            "low_seat": group.low_seat if item.low_seat is None else item.low_seat,
            "seat_order": item.seat_order or group.seat_order,
            "price": next(price for price in prices if price is not None),
        }
    )


def _payment(payment: Payment) -> JsonObject:
    return _plain(
        {
            "type": payment.type,
            "amount": payment.amount,
            "status": "completed" if payment.is_completed else "pending",
            "is_refund": bool(payment.is_refund),
        }
    )


def _plain(body: JsonObject) -> JsonObject:
    return {
        name: format(value, "f") if isinstance(value, Decimal) else value
        for name, value in body.items()
        if value is not None
    }


def _replaced(call: OrderCall) -> Any:
    name = call.substitute_order_link_id
    if name is None:
        return None
    if name.isascii() and name.isdecimal() and 0 < int(name) < 2**40:
        return int(name)
    if parse_uuid(name) is None:
        raise NotTranslatable(
            [Rejection("invalid", "substitute_order_link_id", "must be the number or the UUID of an order")]
        )
    return name


def _missing(call: OrderCall) -> Iterator[str]:
    """Yield the required fields that the call omits."""
    if call.substitute_order_link_id is None:
        yield from _missing_parties(call)
    for place, shipment in enumerate(call.shipped_items):
        for index, item in enumerate(shipment.items):
            for name in _missing_in(item, call):
                yield f"shipped_items.{place}.items.{index}.{name}"


def _missing_parties(call: OrderCall) -> Iterator[str]:
    if call.seller_id is None:
        yield "seller_id"
    if call.buys and call.buyer_id is None:
        yield "buyer_id"
    if not call.buys and call.client_id is None and call.buyer_id is None:
        yield "client_id"


def _missing_in(item: Item, call: OrderCall) -> Iterator[str]:
    if item.ticket_hold_id is not None:
        return
    if item.ticket_group_id is None and item.ticket_group is None:
        yield "ticket_group" if call.buys else "ticket_group_id"
    if item.price is None:
        yield "price"
    if item.quantity is None:
        yield "quantity"
