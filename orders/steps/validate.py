"""Validation of requests on their own, without the database."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from orders.batch_requests import (
    CancelOrder,
    CheckIn,
    CreateOrder,
    ExpireOrder,
    ExtendHold,
    MalformedRequest,
    Opened,
    RecordPayment,
    ReleaseHold,
    TakeHold,
    UpdateOrder,
)
from orders.catalogue.tenants import Tenant
from orders.creating.ticket_groups import check_ticket_groups
from orders.errors import Invalid, RejectedRequest
from orders.inventory.seating import check_ticket_count
from orders.money.gateways import check_payment
from orders.recovery.requests_json import any_json
from schemas.changes import (
    CancelRequest,
    ExpireRequest,
    PatchedLine,
    PaymentRecord,
    UpdateRequest,
    well_formed_lines,
)
from schemas.check_in import CheckInRequest
from schemas.holds import ExtendRequest, HoldRequest, ReleaseRequest
from schemas.json import JsonObject
from schemas.order_requests import OrderRequest
from schemas.outcomes import MAX_REJECTIONS, Rejection, rejections_of
from schemas.requests import EXPIRE, Request
from schemas.text import IdempotencyKey, StoredKey, WireModel
from willcall.kinds import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE

_KINDS: Final[Mapping[str, tuple[type[WireModel], type[Opened]]]] = {
    UPDATE: (UpdateRequest, UpdateOrder),
    CANCEL: (CancelRequest, CancelOrder),
    PAY: (PaymentRecord, RecordPayment),
    EXPIRE: (ExpireRequest, ExpireOrder),
    CHECK_IN: (CheckInRequest, CheckIn),
    TAKE: (HoldRequest, TakeHold),
    EXTEND: (ExtendRequest, ExtendHold),
    RELEASE: (ReleaseRequest, ReleaseHold),
}

_KEY: TypeAdapter[str] = TypeAdapter(IdempotencyKey)
_OUR_KEY: TypeAdapter[str] = TypeAdapter(StoredKey)


EXPIRED: Final = Rejection("invalid", "expires", "the request expired before it was processed")


def refused_if_late(request: Request, now: datetime) -> Request:
    """Return the request, with a mistake that rejects it if it expired before it was processed."""
    if request.not_after is None or now <= request.not_after or EXPIRED in request.mistakes:
        return request
    return request._replace(mistakes=(EXPIRED, *request.mistakes)[:MAX_REJECTIONS])


def validated(request: Request, tenant: Tenant, new_order_id: str) -> Opened:
    """Return the validated request, or a `MalformedRequest` with rejections.

    `new_order_id` is the id of the order that it would create, if it is of that kind.
    """
    if request.mistakes:
        return _malformed(request, tenant, request.mistakes)
    try:
        if request.kind == CREATE:
            order = OrderRequest.model_validate(request.body)
            _check_lines(order)
            check_ticket_count((item.quantity for item in order.line_items), tenant.max_tickets)
            _check_payments(order)
            check_ticket_groups(order)
            id_ = str(request.request_id)
            return CreateOrder(
                request=request,
                id=id_,
                tenant=tenant,
                key=order.idempotency_key or id_,
                body_hash=body_hash(request.body),
                body=order,
                new_order_id=new_order_id,
            )
        return _validated_by_kind(request, tenant)
    except ValidationError as error:
        return _malformed(request, tenant, rejections_of(error))
    except RejectedRequest as error:
        return _malformed(request, tenant, (error.rejection,))


def _validated_by_kind(request: Request, tenant: Tenant) -> Opened:
    model, opened = _KINDS[request.kind]
    body: Any = model.model_validate(request.body)
    id_ = str(request.request_id)
    fields: dict[str, Any] = {"body": body}
    if isinstance(body, UpdateRequest):
        fields["lines"] = _patched_lines(body.patch, tenant)
    return opened(
        request=request,
        id=id_,
        tenant=tenant,
        key=body.idempotency_key or id_,
        body_hash=body_hash(request.body),
        **fields,
    )


def _malformed(request: Request, tenant: Tenant, rejections: tuple[Rejection, ...]) -> Opened:
    return MalformedRequest(
        request=request,
        id=str(request.request_id),
        tenant=tenant,
        key=_usable_key(request),
        body_hash=body_hash(request.body),
        rejections=rejections,
    )


def _usable_key(request: Request) -> str:
    """Return the producer's key, or the request's own id without a usable one."""
    keys = _OUR_KEY if request.kind == EXPIRE else _KEY
    try:
        return keys.validate_python(request.body["idempotency_key"])
    except (KeyError, ValidationError):
        return str(request.request_id)


def body_hash(body: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of the body's canonical JSON."""
    try:
        canonical = any_json(body, is_canonical=True)
    except RecursionError:
        # Nested too deeply for JSON readers, and always rejected: one hash serves all of these.
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


def _patched_lines(patch: JsonObject, tenant: Tenant) -> Sequence[PatchedLine]:
    """Return the lines of a patch; none if any is malformed, so that nothing is looked up for them.

    The decision reports their mistakes, after those of the order. Raises `TooManyTickets`.
    """
    lines = well_formed_lines(patch.get("line_items"))
    check_ticket_count((line.quantity for line in lines), tenant.max_tickets)
    return lines


def _check_payments(order: OrderRequest) -> None:
    for index, payment in enumerate(order.payments):
        check_payment(payment.type, f"payments.{index}.type")
