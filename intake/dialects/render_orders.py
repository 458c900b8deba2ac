"""Orders in the format of a dialect."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from fastapi import Response
from sqlalchemy import Engine

from intake.calls.send import Refusals, check_processed
from intake.reads.one_moment import at_one_moment
from intake.requests.answer_plans import WITH_BACKGROUND, Plan, plan_for_one
from intake.web.problems import not_found
from intake.web.responses import json_response
from orders.reading.background import get_with_background
from orders.reading.order_reading import find_order
from orders.reading.outcomes import RequestRow
from orders.reading.safe_rendering import showing
from orders.reading.snapshots import Snapshot
from schemas.background import Background
from schemas.dialects import DialectName
from schemas.orders import Order
from schemas.outcomes import RejectionCode
from vendors.dialect import Renderer

USUAL_WAIT_SECONDS: Final = 10
"""How long a call in a dialect waits for its outcome, unless the caller prefers otherwise."""

REFUSALS: Final[Mapping[RejectionCode, int]] = {
    "unknown_event": 404,
    "unknown_order": 404,
    "idempotency_conflict": 409,
    "version_conflict": 412,
}


def show(
    engine: Engine,
    tenant_id: UUID,
    name: str,
    render: Renderer,
    dialect: DialectName,
    is_asked: Callable[[Order, Background], bool] = lambda *_: True,
) -> Response:
    """Return the tenant's order with this id or number in a dialect, if the call may show it.

    Raises `Problem` with the status 404, and `OrderNotShown`.
    """
    with at_one_moment(engine).connect() as connection:
        order_id = find_order(connection, tenant_id, name)
        if order_id is None:
            raise not_found()
        with showing(order_id, dialect):
            found = get_with_background(connection, order_id, tenant_id)
            response = json_response(render(*found)) if found and is_asked(*found) else None
    if response is None:
        raise not_found()
    return response


def with_order_in(
    render: Renderer, dialect: DialectName, status: int = 200, refusals: Refusals = REFUSALS
) -> Plan:
    """Return the plan that answers with the order in a dialect, after the request."""

    def make(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
        check_processed(outcome, refusals)
        if outcome.order_id is None:
            return None
        with showing(outcome.order_id, dialect):
            found = snapshot.with_background(outcome.order_id, outcome.tenant_id)
            return None if found is None else json_response(render(*found), status)

    return plan_for_one(make, WITH_BACKGROUND, dialect=dialect)
