"""Translating calls of ACME (Create, Update, Delete an order) to canonical requests."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from schemas.dialects import DELETED_IN_ACME
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.outcomes import Rejection, rejections_of
from schemas.text import WireModel
from vendors.acme.extras import NAME, OrderExtras, stated_fields
from vendors.acme.items import items_of
from vendors.acme.new_orders import check_new
from vendors.acme.request_models import DeletingCall, OrderCall, ReplacingCall
from vendors.acme.totals import expected_total
from vendors.dialect import Dialect, NotTranslatable
from vendors.values import without_none
from willcall.kinds import CANCEL, CREATE, UPDATE

NOTE_SEPARATOR: Final = "\n---\n"
"""Separates our notes in ACME's single note."""

_Model = TypeVar("_Model", bound=WireModel)


def _split(payload: Any) -> list[JsonObject]:
    if not isinstance(payload, dict):
        raise NotTranslatable([Rejection("invalid", None, "an order must be an object")])
    return [payload]


def _translate(kind: str, body: Mapping[str, Any]) -> JsonObject:
    if kind == CREATE:
        return _created(_read(OrderCall, body))
    if kind == UPDATE:
        return _replaced(_read(ReplacingCall, body))
    if kind == CANCEL:
        call = _read(DeletingCall, body)
        return without_none(
            {
                "idempotency_key": call.idempotency_key,
                "order_id": str(call.id),
                "reason": DELETED_IN_ACME,
            }
        )
    raise NotTranslatable([Rejection("invalid", "dialect", f"the dialect {NAME} does not support {kind}")])


def _read(model: type[_Model], body: Mapping[str, Any]) -> _Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise NotTranslatable(rejections_of(error)) from error


def _created(call: OrderCall) -> JsonObject:
    """Return the body of `orders.create`. The paid amount becomes a `transaction_api` payment."""
    check_new(call)
    items = items_of(call.orderItems, is_new=True)
    extras = without_none(
        {
            **stated_fields(call, OrderExtras),
            "items": [item.extras for item in items if item.has_extras] or None,
        }
    )
    payments = [{"type": "transaction_api", "amount": f"{call.paidAmount:f}"}] if call.paidAmount else None
    discount = sum((item.discount for item in items), ZERO)
    return without_none(
        {
            "idempotency_key": call.idempotency_key,
            "buyer": without_none(_buyer(call)) | {"email": call.email},
            "billing_address": None if call.zipCode is None else {"postal_code": call.zipCode},
            "line_items": [item.line for item in items if item.line],
            "discount": f"{discount.normalize():f}" if discount else None,
            "expected_total": expected_total(call, discount, call.paidAmount or ZERO),
            "payments": payments,
            "external_notes": _notes(call),
            "payment_due_at": _due(call),
            "extras": {NAME: extras} if extras else None,
        }
    )


def _replaced(call: ReplacingCall) -> JsonObject:
    """Return the body of `orders.update`: fields that the order object omits are removed from the order."""
    items = items_of(call.orderItems, is_new=False)
    off = sum((item.discount for item in items), ZERO)
    discount = f"{off.normalize():f}"
    is_discount_stated = any(item.is_discount_stated for item in items)
    extras = {
        **stated_fields(call, OrderExtras),
        "items": [item.extras for item in items if item.has_extras] or None,
    }
    patch = {
        "buyer": _buyer(call),
        "billing_address": {"postal_code": call.zipCode},
        "line_items": [item.line for item in items if item.line],
        # Stated discounted prices are the whole discount; without any, the promo code still applies.
        **({"total_discount": discount} if is_discount_stated else {"discount": "0"}),
        "external_notes": _notes(call),
        "payment_due_at": _due(call),
        "extras": {NAME: extras},
    }
    # The amount paid so far is not known here.
    if (total := expected_total(call, off, paid=None)) is not None:
        patch["expected_total"] = total
    return without_none({"idempotency_key": call.idempotency_key, "order_id": str(call.id), "patch": patch})


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
