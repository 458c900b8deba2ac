"""Rendering an order in the ACME dialect (Order Object)."""

from typing import Final, Literal

from schemas.background import Authors, Background
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.orders import Order
from vendors.acme.extras import NAME, OrderEntry, entry_of
from vendors.acme.response_items import render_items
from vendors.acme.translate import NOTE_SEPARATOR
from vendors.acme.values import CheckInStatus, moment
from vendors.values import number

_CHECK_IN: Final[dict[Literal["not_checked_in", "partially_checked_in", "checked_in"], CheckInStatus]] = {
    "not_checked_in": "NotCheckedIn",
    "partially_checked_in": "PartiallyCheckedIn",
    "checked_in": "CheckedIn",
}


def answer(order: Order, background: Background) -> JsonObject:
    """Return every documented field of the order object."""
    entry = entry_of(order.extras)
    authors = background.authors.get(order.id, Authors())
    return {
        "id": str(order.id),
        "tenantId": background.alias(NAME),
        "accountId": _account_id(order, entry),
        "visitorId": entry.visitorId,
        "tempVisitorId": entry.tempVisitorId,
        "email": order.buyer.email,
        "contactFirstName": order.buyer.first_name,
        "contactLastName": order.buyer.last_name,
        "zipCode": order.billing_address and order.billing_address.postal_code,
        "phoneNumber": order.buyer.phone,
        "orderNumber": str(order.number) if entry.orderNumber is None else entry.orderNumber,
        **_amounts(order, background),
        "saleChannel": entry.saleChannel or "online",
        "checkInStatus": _CHECK_IN[order.check_in.status],
        "orderExceptionCodeId": entry.orderExceptionCodeId,
        "orderExceptionCodeName": entry.orderExceptionCodeName,
        "notes": _notes(order),
        "posUUID": entry.posUUID,
        "createdOn": moment(order.created_at),
        "createdBy": authors.created_by if entry.createdBy is None else entry.createdBy,
        "updatedOn": moment(order.updated_at),
        "updatedBy": authors.changed_by if entry.updatedBy is None else entry.updatedBy,
        "paymentDueDate": moment(order.payment_due_at),
        "ticketDelivery": entry.ticketDelivery or "print",
        "ticketExpireDays": entry.ticketExpireDays,
        "hideEventDate": bool(entry.hideEventDate),
        "legacy": bool(entry.legacy),
        "membershipId": entry.membershipId,
        "couponId": order.promo_code if entry.couponId is None else entry.couponId,
        "ccLastFourDigits": entry.ccLastFourDigits,
        "paymentId": entry.paymentId,
        "accountContactId": entry.accountContactId,
        "orderItems": render_items(order, background, entry),
    }


def _account_id(order: Order, entry: OrderEntry) -> str | int | None:
    seller_id = None if order.trade is None else order.trade.seller_id
    return seller_id if entry.accountId is None else entry.accountId


def _amounts(order: Order, background: Background) -> JsonObject:
    """Return the amounts of the order: each total before and after discounts."""
    totals = order.totals
    original = background.originals.get(order.id)
    original_total = totals.total if original is None else original.total
    original_discount = totals.discount if original is None else original.discount
    return {
        "discountedOriginalTotalAmount": number(original_total),
        "originalTotalAmount": number(original_total + original_discount),
        "discountedTotalAmount": number(totals.total),
        "totalAmount": number(totals.total + totals.discount),
        "paidAmount": number(totals.paid),
        "balanceAmount": number(totals.balance or ZERO),
        "refundAmount": number(totals.refunded),
    }


def _notes(order: Order) -> str | None:
    notes = [note.text for note in order.notes if note.kind == "external"]
    return NOTE_SEPARATOR.join(notes) if notes else None
