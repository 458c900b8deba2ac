"""Orders in the words of a dialect."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from fastapi import Response
from sqlalchemy import Engine

from intake.answers import json_response
from intake.order_reading import at_one_moment
from intake.problems import not_found
from intake.sending import Answer, Refusals, check_processed
from orders.reading.background import get_with_background
from orders.reading.orders import RequestRow, find_order
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


def show(engine: Engine, tenant_id: UUID, name: str, render: Renderer) -> Response:
    """Return the tenant's order of this id or number in a dialect. Raises `Problem` with the status 404."""
    with at_one_moment(engine).connect() as connection:
        order_id = find_order(connection, tenant_id, name)
        found = order_id and get_with_background(connection, order_id, tenant_id)
    if not found:
        raise not_found()
    return json_response(render(*found))


def with_order_in(render: Renderer, status: int = 200, refusals: Refusals = REFUSALS) -> Answer:
    """Return the answer that is the order in a dialect, as it is after the request."""

    def answer(engine: Engine, outcome: RequestRow) -> Response | None:
        check_processed(outcome, refusals)
        if outcome.order_id is None:
            return None
        with at_one_moment(engine).connect() as connection:
            found = get_with_background(connection, outcome.order_id, outcome.tenant_id)
        return None if found is None else json_response(render(*found), status)

    return answer
