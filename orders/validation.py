"""The first step: is the request well formed, taken for itself?"""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from orders.draft import Draft
from orders.errors import Invalid
from orders.requests_json import any_json
from schemas.orders import OrderRequest
from schemas.outcomes import rejections_of
from schemas.requests import Request
from schemas.text import IdempotencyKey

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
    )
    try:
        draft.order = OrderRequest.model_validate(request.body)
        _check_attendees(draft.order)
    except ValidationError as error:
        draft.rejections = rejections_of(error)
    except Invalid as error:
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


def _check_attendees(order: OrderRequest) -> None:
    for index, item in enumerate(order.line_items):
        if len(item.attendees) > item.quantity:
            raise Invalid(
                f"{len(item.attendees)} attendees for {item.quantity} tickets",
                f"line_items.{index}.attendees",
            )
