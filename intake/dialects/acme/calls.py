"""What the calls of ACME share: authentication, finding the order, and answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response
from sqlalchemy import Connection

from intake.auth.keys import Caller
from intake.auth.scopes import Scope
from intake.calls.access import caller_by_key
from intake.calls.send import Call, check_processed
from intake.dialects.render_orders import REFUSALS
from intake.dialects.routing import check_name, requests_in
from intake.parts import parts_of
from intake.requests.answer_plans import Plan, plan_for_one
from intake.requests.envelope import CallRequests, enclose_in_dialect
from intake.web.conditions import expected_versions
from intake.web.problems import Problem, invalid, not_found
from intake.web.responses import json_response
from orders.reading.background import with_background
from orders.reading.order_reading import find_order, get_order
from orders.reading.outcomes import RequestRow
from orders.reading.safe_rendering import showing
from orders.reading.snapshots import Needs, Snapshot
from schemas.json import JsonObject
from schemas.text import parse_uuid
from vendors import acme
from vendors.acme import DIALECT

KEY: Final = "x-acme-api-key"
TENANT: Final = "x-b2c-tenant-id"
REQUEST_UUID: Final = "x-acme-request-uuid"

_CHALLENGE: Final = {"www-authenticate": KEY}

MakeAnswer = Callable[[Snapshot, RequestRow], Response | None]
"""Makes the answer for a processed request; None if it cannot be read now."""


def allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a route's dependency: the caller for the tenant in the headers.

    Raises `Problem`: 400 without a tenant, 401, 403, or 404 for another's tenant.
    """

    async def caller(request: Request) -> Caller:
        key, tenant = request.headers.get(KEY), request.headers.get(TENANT)
        if not key:
            raise Problem(401, f"this call needs the header {KEY}", headers=_CHALLENGE)
        try:
            found = await caller_by_key(request, key, scope)
        except Problem as problem:
            problem.headers |= _CHALLENGE if "www-authenticate" in problem.headers else {}
            raise
        if not tenant:
            raise invalid(f"this call needs the header {TENANT}", TENANT)
        check_name(found, DIALECT.name, tenant)
        return found

    return caller


def order_object(body: bytes, caller: Caller) -> JsonObject:
    """Return the order object in the body of a call. Raises `Problem`: 400, 404 or 422."""
    (order,) = requests_in(DIALECT, body)
    if "idempotency_key" in order:
        raise invalid(f"the field idempotency_key is not allowed in the body: use the header {REQUEST_UUID}")
    tenant = order.get("tenantId")
    if tenant is not None:
        # Values that JSON can hold and an answer cannot are escaped.
        check_name(caller, DIALECT.name, str(tenant).encode("utf-8", "backslashreplace").decode())
    return order


def check_unconditional(request: Request) -> None:
    """Refuse an `If-Match` that names versions: orders have none here. Raises `Problem`: 400, 412."""
    if expected_versions(request.headers.getlist("if-match")) is not None:
        raise Problem(412, "an order in ACME's format has no entity tag that If-Match could match: omit it")


def enclose_call(
    kind: str, order: JsonObject, call: Call, caller: Caller, *, seen_version: int | None = None
) -> CallRequests:
    """Return the request of a call, whose key is in `x-acme-request-uuid`. Raises `Problem`: 400."""
    keys = call.request.headers.getlist(REQUEST_UUID)
    if len(keys) > 1 or (keys and not keys[0].strip()):
        raise invalid(f"send the header {REQUEST_UUID} once, and not empty", REQUEST_UUID)
    try:
        return enclose_in_dialect(
            DIALECT.name, kind, [order], keys or call.keys, caller, seen_version=seen_version
        )
    except Problem as problem:
        problem.errors = _under_sent_name(call, problem.errors)
        raise


def _under_sent_name(call: Call, errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the errors with the field named as the header that the caller sent."""
    if REQUEST_UUID in call.request.headers:
        return list(errors)  # as the dialect writes it
    name = "Idempotency-Key"
    return [{**error, "field": name} if error["field"] == "idempotency_key" else error for error in errors]


async def order_id_of(request: Request, caller: Caller, name: str) -> str:
    """Return the id of the order in a path, which may have its number. Raises `Problem`: 404."""
    id_ = parse_uuid(name) or await to_thread.run_sync(_find, request, caller, name)
    if id_ is None:
        raise not_found()
    return str(id_)


def _find(request: Request, caller: Caller, name: str) -> UUID | None:
    with parts_of(request.app).engine.connect() as connection:
        return find_order(connection, caller.tenant_id, name)


def plan_of(call: Call, order: Mapping[str, Any], make_answer: MakeAnswer, needs: Needs) -> Plan:
    """Return the plan of a call's answer: the result, or a refusal that names the fields of this call.

    A reused request uuid is answered with 409, as ACME does, whatever its outcome.
    """
    is_named = REQUEST_UUID in call.request.headers

    def make(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
        if outcome.is_repeat and is_named:
            raise Problem(409, "this request uuid was used before", errors=[_REPEATED])
        try:
            check_processed(outcome, REFUSALS)
        except Problem as problem:
            problem.errors = _under_sent_name(call, acme.with_call_fields(order, problem.errors))
            raise
        return make_answer(snapshot, outcome)

    return plan_for_one(make, needs, dialect=DIALECT.name)


_REPEATED: Final = {
    "code": "idempotency_conflict",
    "field": REQUEST_UUID,
    "message": "a request with this uuid was sent before",
}


def order_after(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
    """Return the order as it is after the request. Raises `OrderNotShown`."""
    if outcome.order_id is None:
        return None
    with showing(outcome.order_id, DIALECT.name):
        order = snapshot.with_background(outcome.order_id, outcome.tenant_id)
        return None if order is None else json_response(acme.answer(*order))


def deleted_order(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
    """Return the order as it was before it was deleted. Raises `OrderNotShown`."""
    if outcome.order_id is None:
        return None
    with showing(outcome.order_id, DIALECT.name):
        order = snapshot.with_background(outcome.order_id, outcome.tenant_id)
        return None if order is None else json_response(acme.answer(*acme.before_deletion(*order)))


def order_in_acme(connection: Connection, tenant_id: UUID, order_id: UUID) -> Response | None:
    """Return the tenant's order in ACME's format; None if it does not exist or a client deleted it.

    Raises `OrderNotShown`.
    """
    with showing(order_id, DIALECT.name):
        found = get_order(connection, order_id, tenant_id)
        if found is None:
            return None
        (order,), background = with_background(connection, tenant_id, [found], with_originals=True)
        return None if acme.is_deleted(order) else json_response(acme.answer(order, background))


def in_acme(connection: Connection, tenant_id: UUID, found: Sequence[JsonObject]) -> list[JsonObject]:
    """Return orders in ACME's format, in the given sequence."""
    orders, background = with_background(connection, tenant_id, found, with_originals=True)
    return [acme.answer(order, background) for order in orders]
