"""Rendering orders in the EventBookings dialect: in a list, and alone, with texts instead of lists."""

from collections.abc import Sequence
from typing import Any, Final

from schemas.background import Background, EventFacts
from schemas.json import JsonObject
from schemas.orders import Order, Payment
from vendors.eventbookings.amounts import Sums, sums_of
from vendors.eventbookings.events import render_event, render_instruction, render_organisation, tax_percent
from vendors.eventbookings.lines import line_items
from vendors.eventbookings.links import Links, NoLinks
from vendors.eventbookings.pages import Page, Query
from vendors.eventbookings.tickets import given
from vendors.eventbookings.values import address, amount, attributes, customer_id, in_both_zones
from vendors.values import moment

BOOKING_TYPE: Final = "online"


def answer_list(orders: Sequence[Any], page: Page) -> JsonObject:
    """Return the answer with a page of orders, each rendered by `answer_listed`."""
    return {"statusCode": 200, "result": {"orders": orders, "pagination": page.pagination()}}


def answer_listed(
    order: Order, background: Background, links: Links, event_id: str, query: Query
) -> JsonObject:
    """Return one order of an event's list; `event_id` is the catalogue's."""
    is_complete = query.all_additional_info == "1"
    return _order(order, background, links, event_id, is_complete=is_complete)


def answer(order: Order, background: Background, links: Links) -> JsonObject:
    """Return the answer with one order; the event is that of its first line."""
    event_id = order.event_id or order.line_items[0].event_id
    body = _order(order, background, links, event_id, is_complete=False)
    return {"statusCode": 200, "result": {"orders": _alone(body)}}


def answer_without_links(order: Order, background: Background) -> JsonObject:
    """Return the answer with one order, for callers without an intake to link to."""
    return answer(order, background, NoLinks())


def _alone(order: JsonObject) -> JsonObject:
    """Return the order as in the second sample and its table: with texts, and other names of the tax."""
    coupons, payments = order["summary"]["coupons"], order["payments"]
    return {
        **order,
        "summary": {**order["summary"], "coupons": ", ".join(coupons)},
        "payments": {**payments, "attributes": _as_text(payments["attributes"])},
        "tax": [{**one, "name": f"TAX_{one['name']}"} for one in order["tax"]],
        "price_is_tax_inclusive": str(order["price_is_tax_inclusive"]),
        **{
            name: _as_text(order[name])
            for name in ("additional_details", "invitations", "notifications", "extended_settings")
        },
    }


def _as_text(listed: Sequence[JsonObject]) -> str:
    return "\n".join(f"{one['name']}: {one['value']}" for one in listed)


def _order(
    order: Order, background: Background, links: Links, event_id: str, *, is_complete: bool
) -> JsonObject:
    event = background.events[event_id]
    sums = sums_of(order, event)
    return {
        "uuid": str(order.id),
        "code": order.code,
        "customer": _customer(order, background),
        "order_pdf_link": links.order_pdf(order.id),
        "event": render_event(order, event, background),
        "organisation": render_organisation(background),
        "line_items": line_items(order, sums, background, links, is_complete=is_complete),
        "summary": _summary(order, sums),
        "payments": _payments(order, event),
        "timezone": event.timezone,
        "currency": order.currency,
        "tax": attributes({"CODE": event.tax_name or "", "RATE": tax_percent(event)}),
        "price_is_tax_inclusive": int(sums.is_tax_inclusive),
        "instruction": render_instruction(event),
        "additional_details": given(_additional(order, is_complete=is_complete), is_complete=is_complete),
        "invitations": [],
        "notifications": [],
        "extended_settings": [],
        "status": order.status,
        "extended_status": attributes(
            {"payment": order.payment_status, "fulfilment": _fulfilment(order), "refund": _refund(order)}
        ),
        "is_orphan": False,
        "is_dirty": order.version > 1,
        "booking_type": BOOKING_TYPE,
        "created_on": moment(order.created_at),
        "updated_on": moment(order.updated_at),
    }


def _customer(order: Order, background: Background) -> JsonObject:
    buyer = order.buyer
    return {
        "uuid": customer_id(background.tenant_id, order.id, buyer.email),
        "user_id": "",
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "email": buyer.email or "",
        "phone": buyer.phone or "",
        "image": "",
        "billing_address": address(order.billing_address),
        "shipping_address": address(None),
    }


def _summary(order: Order, sums: Sums) -> JsonObject:
    currency = order.currency
    tickets = str(sum(line.quantity for line in order.line_items))
    return {
        "coupons": [order.promo_code] if order.promo_code else [],
        "service_fee": amount(sums.service_fee, currency),
        "processing_fee": amount(sums.processing_fee, currency),
        "tax": amount(sums.tax, currency),
        "subtotal": amount(sums.subtotal, currency),
        "total": amount(order.totals.total, currency),
        "total_tickets": {"amount": tickets, "display_text": tickets},
    }


def _payments(order: Order, event: EventFacts) -> JsonObject:
    """Return the payments that were made; pending ones appear in the attributes only, as pending."""
    made = [one for one in order.payments if one.status == "completed" and not one.is_refund]
    last = made[-1] if made else None
    return {
        "payment_amount": amount(order.totals.paid, order.currency)["amount"],
        "method": last.type if last else "",
        "status": order.payment_status,
        "date": in_both_zones(last.created_at if last else None, event.timezone),
        "attributes": [
            {"name": _attribute_name(payment), "value": amount(payment.amount, order.currency)["amount"]}
            for payment in order.payments
        ],
    }


def _attribute_name(payment: Payment) -> str:
    name = "refund" if payment.is_refund else payment.type
    return name if payment.status == "completed" else f"pending_{name}"


def _additional(order: Order, *, is_complete: bool) -> dict[str, Any]:
    notes = {
        kind: "\n".join(note.text for note in order.notes if note.kind == kind) or None
        for kind in ("external", "instructions", "internal")
    }
    details = {
        "COMPANY": order.buyer.company,
        "REFERENCE": order.reference,
        "NOTES": notes["external"],
        "INSTRUCTIONS": notes["instructions"],
        "CANCEL_REASON": order.cancellation and order.cancellation.reason,
    }
    return {**details, "INTERNAL_NOTES": notes["internal"]} if is_complete else details


def _fulfilment(order: Order) -> str:
    if order.status != "placed":
        return "cancelled"
    live = [ticket for ticket in order.tickets if ticket.status != "voided"]
    issued = sum(ticket.code is not None for ticket in live)
    if not issued:
        return "unfulfilled"
    return "fulfilled" if issued == len(live) else "partially_fulfilled"


def _refund(order: Order) -> str:
    if not order.totals.refunded:
        return "none"
    return "refunded" if order.totals.refunded >= order.totals.paid else "partially_refunded"
