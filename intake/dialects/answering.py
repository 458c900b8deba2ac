"""Orders in the words of a dialect."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import Response
from sqlalchemy import Connection, Engine

from intake.answers import json_response
from intake.order_reading import at_one_moment
from intake.problems import not_found
from intake.sending import Answer, Refusals, check_processed
from orders.background import read_background
from orders.reading import RequestRow, find_order, get_order
from orders.render import to_json
from schemas.background import Background
from schemas.orders import Order
from schemas.outcomes import RejectionCode

USUAL_WAIT_SECONDS: Final = 10
"""How long a call in a dialect waits for its outcome, unless the caller prefers otherwise."""

Render = Callable[[Order, Background], Any]
"""Makes the words of an order in a dialect."""

REFUSALS: Final[Mapping[RejectionCode, int]] = {
    "unknown_event": 404,
    "unknown_order": 404,
    "idempotency_conflict": 409,
    "version_conflict": 412,
}


def read_with_background(
    connection: Connection, order_id: UUID, tenant_id: UUID
) -> tuple[Order, Background] | None:
    """Return the tenant's order and what is known around it, or None."""
    words = get_order(connection, order_id, tenant_id)
    if words is None:
        return None
    order = Order.model_validate_json(to_json(words))
    return order, read_background(connection, tenant_id, [order])


def show(engine: Engine, tenant_id: UUID, name: str, render: Render) -> Response:
    """Return the tenant's order of this id or number in a dialect. Raises `Problem` with the status 404."""
    with at_one_moment(engine).connect() as connection:
        order_id = find_order(connection, tenant_id, name)
        found = order_id and read_with_background(connection, order_id, tenant_id)
    if not found:
        raise not_found()
    return json_response(render(*found))


def with_order_in(render: Render, status: int = 200, refusals: Refusals = REFUSALS) -> Answer:
    """Return the answer that is the order in a dialect, as it is after the request."""

    def answer(engine: Engine, outcome: RequestRow) -> Response | None:
        check_processed(outcome, refusals)
        if outcome.order_id is None:
            return None
        with at_one_moment(engine).connect() as connection:
            found = read_with_background(connection, outcome.order_id, outcome.tenant_id)
        return None if found is None else json_response(render(*found), status)

    return answer
