"""An order in the words of the wire: the same for the event message, the intake and the command line."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import RowMapping

from orders.money.pricing import TOTALS

Words = dict[str, Any]
Row = RowMapping | Mapping[str, Any]
"""A row of a table, read or about to be written."""

BUYER = ("first_name", "last_name", "email", "company", "phone")
"""The parts of a buyer; the columns of an order have them with `buyer_` before."""

_TOTALS = (*TOTALS, "paid", "refunded")
_TRADE = (
    "is_purchase",
    "consignment",
    "seller_id",
    "buyer_id",
    "client_id",
    "created_by_ip_address",
    "order_group_id",
    "substitutes_id",
    "counterpart_id",
)


def render_order(
    order: Row,
    *,
    tenant: str,
    lines: Sequence[Words],
    tickets: Sequence[Words],
    payments: Sequence[Words],
    notes: Sequence[Words],
    trade: Row | None,
) -> Words:
    """Return the whole order; `order` is its row, the lists are rendered already, in their order."""
    totals = {name: str(order[name]) for name in _TOTALS}
    totals["balance"] = str(_balance(totals))
    return {
        "id": order["id"],
        "number": order["number"],
        "code": order["code"],
        "tenant": tenant,
        "status": order["status"],
        "payment_status": order["payment_status"],
        "version": order["version"],
        "idempotency_key": order["idempotency_key"],
        "event_id": order["event_id"],
        "currency": order["currency"],
        "buyer": {name: order["buyer_" + name] for name in BUYER},
        "billing_address": order["billing_address"],
        "line_items": lines,
        "totals": totals,
        "tickets": tickets,
        "payments": payments,
        "notes": notes,
        "check_in": _check_in(tickets),
        "payment_due_at": order["payment_due_at"],
        "cancellation": _cancellation(order),
        "fraud_check": order.get("fraud_check"),
        "trade": render_trade(trade),
        "promo_code": order["promo_code"],
        "reference": order["reference"],
        "extras": order.get("extras"),
        "created_at": order["created_at"],
        "updated_at": order["updated_at"],
    }


def render_line(
    line: Row,
    *,
    ticket_class_id: str,
    event_id: str,
    attendees: Sequence[Words],
) -> Words:
    """Return one line; its ids are the catalogue's."""
    return {
        "line_number": line["line_number"],
        "ticket_class_id": ticket_class_id,
        "event_id": event_id,
        "quantity": line["quantity"],
        "unit_price": str(line["unit_price"]),
        "amount": str(line["amount"]),
        "tax": str(line["tax"]),
        "rounding": str(line["rounding"]),
        "attendees": attendees,
    }


def render_ticket(ticket: Row, *, ticket_class_id: str, seat: str | None) -> Words:
    """Return one ticket; its attendee is null where nobody was named."""
    return {
        "id": ticket["id"],
        "line_number": ticket["line_number"],
        "ticket_class_id": ticket_class_id,
        "seat": seat,
        "attendee": render_attendee(ticket),
        "status": ticket["status"],
        "code": ticket["code"],
        "created_at": ticket["created_at"],
        "checked_in_at": ticket.get("checked_in_at"),
    }


def render_attendee(ticket: Row) -> Words | None:
    """Return whose ticket it is, or None."""
    first_name, last_name = ticket["attendee_first_name"], ticket["attendee_last_name"]
    email = ticket["attendee_email"]
    if first_name is None and last_name is None and email is None:
        return None
    return {"first_name": first_name, "last_name": last_name, "email": email}


def render_payment(payment: Row) -> Words:
    """Return one payment, or one refund."""
    return {
        "payment_number": payment["payment_number"],
        "type": payment["type"],
        "amount": str(payment["amount"]),
        "status": payment["status"],
        "is_refund": payment.get("is_refund", False),
        "reference": payment.get("reference"),
        "created_at": payment["created_at"],
    }


def render_note(note: Row) -> Words:
    """Return one note."""
    return {"kind": note["kind"], "text": note["text"]}


def render_trade(trade: Row | None) -> Words | None:
    """Return between whom the order is, or None where nobody said."""
    return None if trade is None else {name: trade[name] for name in _TRADE}


def _check_in(tickets: Sequence[Words]) -> Words:
    used = sum(ticket["status"] == "checked_in" for ticket in tickets)
    left = sum(ticket["status"] == "valid" for ticket in tickets)
    status = "not_checked_in" if used == 0 else "partially_checked_in" if left else "checked_in"
    return {"status": status, "checked_in": used, "tickets": used + left}


def _cancellation(order: Row) -> Words | None:
    cancelled_at = order.get("cancelled_at")
    return cancelled_at and {"cancelled_at": cancelled_at, "reason": order["cancel_reason"]}


def _balance(totals: Mapping[str, str]) -> Decimal:
    """Return what is still owed; negative when more was paid than the order costs."""
    return Decimal(totals["total"]) - Decimal(totals["paid"]) + Decimal(totals["refunded"])


def to_json(words: Any) -> bytes:
    """Return the JSON of rendered words; moments are RFC 3339 in UTC."""
    return orjson.dumps(words, option=orjson.OPT_UTC_Z)
