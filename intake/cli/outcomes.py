"""Outcomes of requests for operators, including requests that belong to no tenant."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, select

from db.tables import dead_letters
from orders.reading.hold_reading import find_holds_of_requests
from orders.reading.outcomes import find_requests
from schemas.json import JsonObject


def find_outcomes(connection: Connection, ids: Collection[UUID]) -> dict[UUID, JsonObject]:
    """Return the answers of `GET /v1/requests/{id}` for the requests that have an outcome, by id."""
    found = {id_: row.body() for id_, row in find_requests(connection, ids).items()}
    _add_holds(connection, found)
    # A request of an unknown tenant is dead and belongs to no tenant.
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        query = select(dead_letters.c.request_id, dead_letters.c.reason)
        for row in connection.execute(query.where(dead_letters.c.request_id.in_(missing))):
            error = {"code": "invalid", "field": None, "message": row.reason}
            found[row.request_id] = {
                "request_id": row.request_id,
                "status": "dead",
                "order_id": None,
                "errors": [error],
            }
    return found


def _add_holds(connection: Connection, found: dict[UUID, JsonObject]) -> None:
    # Every other request that was processed has an order.
    ids = [id_ for id_, one in found.items() if one["status"] == "processed" and one["order_id"] is None]
    if ids:
        for id_, hold_id in find_holds_of_requests(connection, ids).items():
            found[id_]["hold_id"] = hold_id


def pending(request_id: UUID) -> JsonObject:
    """Return the answer for an unknown request: it waits, or was never sent."""
    return {"request_id": request_id, "status": "pending", "order_id": None, "errors": []}


def result(outcome: JsonObject) -> str:
    """Return a request's order, hold or rejection reasons, on one line."""
    if outcome["order_id"]:
        return f"order {outcome['order_id']}"
    return f"hold {outcome['hold_id']}" if "hold_id" in outcome else reasons(outcome)


def reasons(outcome: JsonObject) -> str:
    """Return the reasons why a request was rejected or is dead, on one line."""
    return "; ".join(
        f"{error['code']}{f' ({field})' if (field := error['field']) else ''}: {error['message']}"
        for error in outcome["errors"]
    )
