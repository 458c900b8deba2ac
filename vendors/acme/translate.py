"""What a call of ACME asks for (Create, Update, Delete an order), as our request."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from schemas.dialects import DELETED_IN_ACME
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.outcomes import Rejection, rejections_of
from schemas.requests import CANCEL, CREATE, UPDATE
from schemas.text import WireModel
from vendors.acme.extras import NAME, KeptOfOrder, said
from vendors.acme.items import items_of
from vendors.acme.new_orders import check_new
from vendors.acme.request_models import DeletingCall, OrderCall, ReplacingCall
from vendors.acme.totals import expected_total
from vendors.dialect import Dialect, NotTranslatable
from vendors.values import without_nothing

NOTE_SEPARATOR: Final = "\n---\n"
"""Between the order's notes, of which ACME has one and we have many."""

_Model = TypeVar("_Model", bound=WireModel)


def _split(payload: Any) -> list[JsonObject]:
    if not isinstance(payload, dict):
        raise NotTranslatable([Rejection("invalid", None, "an order is an object")])
    return [payload]


def _translate(kind: str, words: Mapping[str, Any]) -> JsonObject:
    if kind == CREATE:
        return _created(_read(OrderCall, words))
    if kind == UPDATE:
        return _replaced(_read(ReplacingCall, words))
    if kind == CANCEL:
        call = _read(DeletingCall, words)
        return without_nothing(
            {
                "idempotency_key": call.idempotency_key,
                "order_id": str(call.id),
                "reason": DELETED_IN_ACME,
            }
        )
    raise NotTranslatable([Rejection("invalid", "dialect", f"{NAME} has no words for {kind}")])


def _read(model: type[_Model], words: Mapping[str, Any]) -> _Model:
    try:
        return model.model_validate(words)
    except ValidationError as error:
        raise NotTranslatable(rejections_of(error)) from error


def _created(call: OrderCall) -> JsonObject:
    """Return `orders.create`. What was paid with the order is a payment by an interface of others."""
    check_new(call)
    items = items_of(call.orderItems, is_new=True)
    kept = without_nothing(
        {**said(call, KeptOfOrder), "items": [item.kept for item in items if item.has_kept] or None}
    )
    payments = [{"type": "transaction_api", "amount": f"{call.paidAmount:f}"}] if call.paidAmount else None
    discount = sum((item.discount for item in items), ZERO)
    return without_nothing(
        {
            "idempotency_key": call.idempotency_key,
            "buyer": without_nothing(_buyer(call)) | {"email": call.email},
            "billing_address": None if call.zipCode is None else {"postal_code": call.zipCode},
            "line_items": [item.line for item in items if item.line],
            "discount": f"{discount.normalize():f}" if discount else None,
            "expected_total": expected_total(call, discount, call.paidAmount or ZERO),
            "payments": payments,
            "external_notes": _notes(call),
            "payment_due_at": _due(call),
            "extras": {NAME: kept} if kept else None,
        }
    )


def _replaced(call: ReplacingCall) -> JsonObject:
    """Return `orders.update`: what the order object could say and does not is taken out of the order."""
    items = items_of(call.orderItems, is_new=False)
    off = sum((item.discount for item in items), ZERO)
    discount = f"{off.normalize():f}"
    is_discount_said = any(item.is_discount_said for item in items)
    kept = {**said(call, KeptOfOrder), "items": [item.kept for item in items if item.has_kept] or None}
    patch = {
        "buyer": _buyer(call),
        "billing_address": {"postal_code": call.zipCode},
        "line_items": [item.line for item in items if item.line],
        # Prices that are said are what they are in all; else the promo code, which nobody names, goes on.
        **({"total_discount": discount} if is_discount_said else {"discount": "0"}),
        "external_notes": _notes(call),
        "payment_due_at": _due(call),
        "extras": {NAME: kept},
    }
    # How much is paid by now, nobody knows here.
    if (total := expected_total(call, off, paid=None)) is not None:
        patch["expected_total"] = total
    return without_nothing(
        {"idempotency_key": call.idempotency_key, "order_id": str(call.id), "patch": patch}
    )


def _buyer(call: OrderCall) -> JsonObject:
    return {
        "first_name": call.contactFirstName or "",
        "last_name": call.contactLastName or "",
        "email": call.email,
        "phone": call.phoneNumber,
    }


def _notes(call: OrderCall) -> list[str] | None:
    return None if call.notes is None else call.notes.split(NOTE_SEPARATOR)


def _due(call: OrderCall) -> str | None:
    return None if call.paymentDueDate is None else call.paymentDueDate.isoformat()


DIALECT: Final = Dialect(NAME, _split, _translate)
