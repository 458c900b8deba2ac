"""The answers to calls of Ticket Evolution's dialect: orders, and refused orders."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fastapi import Response
from orjson import Fragment
from sqlalchemy import Connection

from intake.calls.send import status_url
from intake.requests.answer_plans import WITH_BACKGROUND, Plan, plan_for_one
from intake.web.problems import Problem, unavailable
from intake.web.responses import json_response
from orders.reading.background import with_background
from orders.reading.outcomes import RequestRow
from orders.reading.safe_rendering import showing
from orders.reading.snapshots import Snapshot
from orders.render import to_json
from schemas.json import JsonObject
from vendors import ticket_evolution
from vendors.ticket_evolution.errors import Layout, with_vendor_fields

_ANOTHER_BODY: Final = "idempotency_conflict"


class NoOrderMade(Problem):
    """None of the orders of a call was created; `body` has the reason for each, as the vendor writes it."""

    def __init__(self, outcomes: Sequence[RequestRow], layouts: Sequence[Layout]) -> None:
        errors = [error for outcome in outcomes for error in outcome.errors]
        is_conflict = any(error["code"] == _ANOTHER_BODY for error in errors)
        super().__init__(
            409 if is_conflict else 422,
            "; ".join(str(error["message"]) for error in errors),
            errors=errors,
            instance=status_url(outcomes[0].request_id),
        )
        self.body: JsonObject = {"orders": list(map(_rejected, outcomes, layouts))}


def rendered(connection: Connection, tenant_id: UUID, orders: Sequence[JsonObject]) -> list[JsonObject]:
    """Return orders of one tenant in the vendor's format."""
    found, background = with_background(connection, tenant_id, orders)
    return [ticket_evolution.answer(order, background) for order in found]


def answering_one(layout: Layout) -> Plan:
    """Return the plan of the answer to a call with one order; `layout` is where its lines are in the call."""

    def make(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
        if outcome.status == "rejected":
            raise NoOrderMade([outcome], [layout])
        found = _order(snapshot, outcome)
        return None if found is None else json_response({"orders": [found]}, 201)

    return plan_for_one(make, WITH_BACKGROUND, dialect=ticket_evolution.DIALECT.name)


def answering_all(layouts: Sequence[Layout]) -> Plan:
    """Return the plan of the answer to a call with several orders: 422 only if none of them was created."""

    def make(snapshot: Snapshot, outcomes: Sequence[RequestRow]) -> Response:
        if all(outcome.status == "rejected" for outcome in outcomes):
            raise NoOrderMade(outcomes, layouts)
        orders = [
            _one_of(snapshot, outcome, layout) for outcome, layout in zip(outcomes, layouts, strict=True)
        ]
        return json_response({"orders": orders}, 201)

    return Plan(make, WITH_BACKGROUND, dialect=ticket_evolution.DIALECT.name)


def _one_of(snapshot: Snapshot, outcome: RequestRow, layout: Layout) -> JsonObject | Fragment:
    if outcome.status == "rejected":
        return _rejected(outcome, layout)
    found = _order(snapshot, outcome)
    if found is None:
        raise unavailable("an order cannot be read at the moment")
    return found


def _order(snapshot: Snapshot, outcome: RequestRow) -> Fragment | None:
    """Return the order in the vendor's format, or None. Raises `OrderNotShown`."""
    if outcome.order_id is None:
        return None
    with showing(outcome.order_id, ticket_evolution.DIALECT.name):
        found = snapshot.with_background(outcome.order_id, outcome.tenant_id)
        return None if found is None else Fragment(to_json(ticket_evolution.answer(*found)))


def _rejected(outcome: RequestRow, layout: Layout) -> JsonObject:
    return ticket_evolution.rejected(with_vendor_fields(outcome.errors, layout))
