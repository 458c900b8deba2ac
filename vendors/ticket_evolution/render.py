"""Rendering orders in the Ticket Evolution dialect (Orders / Show, Orders / Index)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from schemas.background import Background, RelatedOrder
from schemas.dialects import DialectName
from schemas.json import JsonObject
from schemas.orders import Order
from vendors.ticket_evolution.amounts import amount_text
from vendors.ticket_evolution.extras import stored
from vendors.ticket_evolution.items import id_of, items_of
from vendors.ticket_evolution.payments import payments_of
from vendors.ticket_evolution.people import render_address
from vendors.ticket_evolution.shipments import shipments_of
from vendors.ticket_evolution.states import state_of
from vendors.values import moment

_NAME: Final[DialectName] = "ticket_evolution"


def answer(order: Order, background: Background) -> JsonObject:
    """Return every key of `response_models.Order`."""
    extras = (order.extras or {}).get(_NAME)
    state = state_of(order, background.related)
    group = _group(order, background.related)
    items = items_of(order, background, extras)
    return {
        "id": order.number,
        "oid": f"{group}-{order.number}",
        "url": f"/orders/{order.number}",
        "order_group_id": group,
        "state": state,
        "buyer_state": state,
        "seller_state": state,
        **_parties(order, background),
        "billing_address": render_address(order.billing_address),
        "billing_address_id": id_of(stored(extras, "billing_address_id")),
        "items": items,
        "shipments": shipments_of(order, items, extras),
        "payments": payments_of(order, extras),
        **_amounts(order),
        "promo_code": _text(stored(extras, "promo_code")) or order.promo_code,
        **_notes(order),
        "reference": _text(stored(extras, "reference")) or order.reference,
        "seller_reference_number": order.reference,
        **{name: _text(stored(extras, name)) for name in ("session_id", "user_agent", "tax_signature")},
        "check_fraud": order.fraud_check is not None,
        "fraud_check_status": _fraud_check(order),
        **_relations(order, background.related),
        "buyer_cancellation_reason": order.cancellation and order.cancellation.reason,
        "canceled_at": order.cancellation and moment(order.cancellation.cancelled_at),
        "created_at": moment(order.created_at),
        "updated_at": moment(order.updated_at),
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _group(order: Order, related: Mapping[UUID, RelatedOrder]) -> int:
    """Return the number of the group: that of its first order; a sale precedes its purchase order."""
    trade = order.trade
    of_sale = trade.counterpart_id if trade and trade.is_purchase else None
    group = (trade.order_group_id if trade else None) or of_sale
    found = related.get(group) if group else None
    return found.number if found else order.number


def _parties(order: Order, background: Background) -> JsonObject:
    trade = order.trade
    is_purchase = trade is not None and trade.is_purchase
    seller_id = trade.seller_id if trade else None
    buyer_id = trade.buyer_id if trade else None
    client_id = trade.client_id if trade else None
    if seller_id is None and not is_purchase:
        seller_id = background.alias(_NAME)
    sells_to_client = not is_purchase and (client_id is not None or buyer_id is None)
    client = _client(order, client_id) if sells_to_client else None
    name = background.organisation.name or background.tenant
    own = background.aliases.get(_NAME, ())
    return {
        "type": "PurchaseOrder" if is_purchase else "Order",
        "is_purchase": is_purchase,
        "consignment": trade is not None and trade.consignment,
        "seller_id": id_of(seller_id),
        "buyer_id": id_of(buyer_id),
        "client_id": id_of(client_id),
        "seller": _party("Office", seller_id, name if seller_id in own else None),
        "buyer": (
            _party("Client", client_id, client["name"])
            if client
            else _party("Office", buyer_id, name if buyer_id in own else None)
        ),
        "client": client,
        "created_by_ip_address": trade.created_by_ip_address if trade else None,
    }


def _party(kind: str, id_: str | None, name: str | None) -> JsonObject:
    return {"type": kind, "id": id_of(id_), "name": name, "url": id_ and f"/{kind.lower()}s/{id_}"}


def _client(order: Order, client_id: str | None) -> JsonObject:
    buyer = order.buyer
    return {
        "id": id_of(client_id),
        "url": client_id and f"/clients/{client_id}",
        "name": f"{buyer.first_name} {buyer.last_name}".strip(),
        "company": buyer.company,
        "email_addresses": [{"address": buyer.email}] if buyer.email else [],
        "phone_numbers": [{"number": buyer.phone}] if buyer.phone else [],
    }


def _amounts(order: Order) -> JsonObject:
    totals = order.totals
    return {
        "currency": order.currency,
        "subtotal": amount_text(totals.subtotal),
        "shipping": amount_text(totals.shipping),
        "service_fee": amount_text(totals.service_fee),
        "additional_expense": amount_text(totals.additional_expense),
        "tax": amount_text(totals.tax),
        "discount": amount_text(totals.discount),
        "total": amount_text(totals.total),
        "balance": amount_text(totals.balance),
        "pending_balance": amount_text(totals.balance - _pending(order)),
        "collected": amount_text(totals.paid - totals.refunded),
        "refunded": amount_text(totals.refunded),
    }


def _pending(order: Order) -> Decimal:
    """Return the sum of pending payments, less pending refunds."""
    amounts = (
        -payment.amount if payment.is_refund else payment.amount
        for payment in order.payments
        if payment.status == "pending"
    )
    return sum(amounts, Decimal(0))


def _notes(order: Order) -> JsonObject:
    instructions = [note.text for note in order.notes if note.kind == "instructions"]
    return {
        "internal_notes": [note.text for note in order.notes if note.kind == "internal"],
        "external_notes": [note.text for note in order.notes if note.kind == "external"],
        "instructions": "\n".join(instructions) if instructions else None,
    }


def _fraud_check(order: Order) -> str | None:
    if order.fraud_check is None:
        return None
    return "approved" if order.fraud_check.verdict == "passed" else "review"


def _relations(order: Order, related: Mapping[UUID, RelatedOrder]) -> JsonObject:
    trade, self_ = order.trade, related.get(order.id)
    replaced = related.get(trade.substitutes_id) if trade and trade.substitutes_id else None
    other = related.get(trade.counterpart_id) if trade and trade.counterpart_id else None
    is_purchase = trade is not None and trade.is_purchase
    return {
        "substitute_order_link_id": replaced and replaced.number,
        "substitutions": list(self_.replaced_by) if self_ else [],
        "child_orders": [other.number] if other and not is_purchase else [],
        "parent_order_id": other.number if other and is_purchase else None,
    }
