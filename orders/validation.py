"""The first step: is the request well formed, taken for itself?"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from orders.creating.ticket_groups import check_ticket_groups
from orders.draft import Draft
from orders.errors import Invalid
from orders.money.gateways import check_payment
from orders.recovery.requests_json import any_json
from schemas.changes import CancelRequest, PaymentRecord, UpdateRequest
from schemas.check_in import CheckInRequest
from schemas.holds import ExtendRequest, HoldRequest, ReleaseRequest
from schemas.orders import OrderRequest
from schemas.outcomes import rejections_of
from schemas.requests import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE, Request
from schemas.text import IdempotencyKey, Word

_MODELS: Final[Mapping[str, type[Word]]] = {
    UPDATE: UpdateRequest,
    CANCEL: CancelRequest,
    PAY: PaymentRecord,
    CHECK_IN: CheckInRequest,
    TAKE: HoldRequest,
    EXTEND: ExtendRequest,
    RELEASE: ReleaseRequest,
}

_KEY: TypeAdapter[str] = TypeAdapter(IdempotencyKey)


def open_draft(request: Request, tenant_id: str, order_id: str) -> Draft:
    """Return the request as a draft, validated; a malformed one is a draft with rejections."""
    draft = Draft(
        request=request,
        request_id=str(request.request_id),
        tenant_id=tenant_id,
        idempotency_key=_idempotency_key(request),
        body_hash=body_hash(request.body),
        order_id=order_id,
        rejections=request.mistakes,
    )
    if draft.is_rejected:
        return draft
    try:
        if request.kind == CREATE:
            draft.order = OrderRequest.model_validate(request.body)
            _check_lines(draft.order)
            _check_payments(draft.order)
            check_ticket_groups(draft.order)
        else:
            draft.asked = _MODELS[request.kind].model_validate(request.body)
    except ValidationError as error:
        draft.rejections = rejections_of(error)
    except Invalid as error:
        draft.order = None
        draft.reject(error)
    return draft


def _idempotency_key(request: Request) -> str:
    """Return the producer's key; without a usable one, the request's own id stands for it."""
    try:
        return _KEY.validate_python(request.body["idempotency_key"])
    except (KeyError, ValidationError):
        return str(request.request_id)


def body_hash(body: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of the body's canonical JSON."""
    try:
        canonical = any_json(body, is_canonical=True)
    except RecursionError:
        # Deeper than any reader of JSON goes, and always rejected: one hash serves all of these.
        canonical = b"nested too deeply"
    return hashlib.sha256(canonical).digest()


def _check_lines(order: OrderRequest) -> None:
    for index, item in enumerate(order.line_items):
        is_named = item.ticket_class_id or item.ticket_group
        if item.hold_id is None and not (is_named and item.quantity):
            missing = "quantity" if is_named else "ticket_class_id"
            raise Invalid("Field required", f"line_items.{index}.{missing}")
        if item.quantity and len(item.attendees) > item.quantity:
            raise Invalid(
                f"{len(item.attendees)} attendees for {item.quantity} tickets",
                f"line_items.{index}.attendees",
            )


def _check_payments(order: OrderRequest) -> None:
    for index, payment in enumerate(order.payments):
        check_payment(payment.type, f"payments.{index}.type")
