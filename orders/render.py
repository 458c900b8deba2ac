"""Rendering orders in wire format, for event messages, the intake and the command line."""

from collections.abc import Sequence
from typing import Any

import orjson

from orders.addresses import shown_address
from orders.rows import LineRow, NoteRow, OrderRow, PaymentRow, TicketRow, TradeRow
from schemas.json import JsonObject

BUYER = ("first_name", "last_name", "email", "company", "phone")
"""The fields of a buyer; the columns of an order are named `buyer_` and the field."""


def render_order(
    order: OrderRow,
    *,
    tenant: str,
    lines: Sequence[JsonObject],
    tickets: Sequence[JsonObject],
    payments: Sequence[JsonObject],
    notes: Sequence[JsonObject],
    trade: TradeRow | None,
    fraud_check: JsonObject | None,
) -> JsonObject:
    """Return the whole order; the lists are already rendered, in order."""
    return {
        "id": order.id,
        "number": order.number,
        "code": order.code,
        "tenant": tenant,
        "status": order.status,
        "payment_status": order.payment_status,
        "version": order.version,
        "idempotency_key": order.idempotency_key,
        "event_id": order.event_id,
        "currency": order.currency,
        "buyer": render_buyer(order),
        "billing_address": order.billing_address,
        "line_items": lines,
        "totals": render_totals(order),
        "tickets": tickets,
        "payments": payments,
        "notes": notes,
        "check_in": _check_in(tickets),
        "payment_due_at": order.payment_due_at,
        "cancellation": render_cancellation(order),
        "fraud_check": fraud_check,
        "trade": render_trade(trade),
        "promo_code": order.promo_code,
        "reference": order.reference,
        "extras": order.extras,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }


def render_buyer(order: OrderRow) -> JsonObject:
    """Return the buyer."""
    return {
        "first_name": order.buyer_first_name,
        "last_name": order.buyer_last_name,
        "email": shown_address(order.buyer_email),
        "company": order.buyer_company,
        "phone": order.buyer_phone,
    }


def render_totals(order: OrderRow) -> JsonObject:
    """Return the order's totals, including the paid amounts, as decimal strings."""
    return {
        "subtotal": str(order.subtotal),
        "shipping": str(order.shipping),
        "service_fee": str(order.service_fee),
        "additional_expense": str(order.additional_expense),
        "tax": str(order.tax),
        "included_tax": str(order.included_tax),
        "discount": str(order.discount),
        "total": str(order.total),
        "paid": str(order.paid),
        "refunded": str(order.refunded),
        "balance": str(order.balance),
    }


def render_line(
    line: LineRow, *, ticket_class_id: str, event_id: str, attendees: Sequence[JsonObject]
) -> JsonObject:
    """Return one line; its ids are the catalogue's."""
    return {
        "line_number": line.line_number,
        "ticket_class_id": ticket_class_id,
        "event_id": event_id,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
        "amount": str(line.amount),
        "tax": str(line.tax),
        "rounding": str(line.rounding),
        "attendees": attendees,
    }


def render_ticket(ticket: TicketRow, *, ticket_class_id: str, seat: str | None) -> JsonObject:
    """Return one ticket; its attendee is null if none was named."""
    return {
        "id": ticket.id,
        "line_number": ticket.line_number,
        "ticket_class_id": ticket_class_id,
        "seat": seat,
        "attendee": render_attendee(ticket),
        "status": ticket.status,
        "code": ticket.code,
        "created_at": ticket.created_at,
        "checked_in_at": ticket.checked_in_at,
    }


def render_attendee(ticket: TicketRow) -> JsonObject | None:
    """Return the attendee, or None."""
    first_name, last_name = ticket.attendee_first_name, ticket.attendee_last_name
    email = ticket.attendee_email
    if first_name is None and last_name is None and email is None:
        return None
    return {"first_name": first_name, "last_name": last_name, "email": email}


def render_payment(payment: PaymentRow) -> JsonObject:
    """Return one payment or refund."""
    return {
        "payment_number": payment.payment_number,
        "type": payment.type,
        "amount": str(payment.amount),
        "status": payment.status,
        "is_refund": payment.is_refund,
        "reference": payment.reference,
        "created_at": payment.created_at,
    }


def render_note(note: NoteRow) -> JsonObject:
    """Return one note."""
    return {"kind": note.kind, "text": note.text}


def render_trade(trade: TradeRow | None) -> JsonObject | None:
    """Return the parties and related orders of the order, or None without any."""
    if trade is None:
        return None
    body = trade._asdict()
    del body["order_id"]
    return body


def render_cancellation(order: OrderRow) -> JsonObject | None:
    """Return the time and the reason of the order's cancellation, or None."""
    if order.cancelled_at is None:
        return None
    return {"cancelled_at": order.cancelled_at, "reason": order.cancel_reason}


def _check_in(tickets: Sequence[JsonObject]) -> JsonObject:
    used = sum(ticket["status"] == "checked_in" for ticket in tickets)
    left = sum(ticket["status"] == "valid" for ticket in tickets)
    status = "not_checked_in" if used == 0 else "partially_checked_in" if left else "checked_in"
    return {"status": status, "checked_in": used, "tickets": used + left}


def to_json(body: Any) -> bytes:
    """Return the JSON of a rendered object; moments are RFC 3339 in UTC."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
