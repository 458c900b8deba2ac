"""Earlier versions of an order, for the answer of DELETE and for repeated PUTs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from schemas.background import Authors, Background
from schemas.dialects import DELETED_IN_ACME
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.originals import PastChange


def is_deleted(order: Order) -> bool:
    """Return whether a client of ACME deleted the order."""
    return order.cancellation is not None and order.cancellation.reason == DELETED_IN_ACME


def before_deletion(order: Order, background: Background) -> tuple[Order, Background]:
    """Return a deleted order before its deletion, with its background; any other order unchanged."""
    changes = background.changes.get(order.id, ())
    first = next((place for place, change in enumerate(changes) if _is_cancellation(change)), None)
    if first is None or not is_deleted(order):
        return order, background
    return earlier(order, background, changes[first:])


def _is_cancellation(change: PastChange) -> bool:
    return any(field["field"] == "status" and field["to"] == "cancelled" for field in change.fields)


def earlier(order: Order, background: Background, changes: Sequence[PastChange]) -> tuple[Order, Background]:
    """Return the order before its last `changes`, with its background at that time."""
    first = changes[0]
    body = order.model_dump(mode="json")
    for change in reversed(changes):
        for field in change.fields:
            _put(body, str(field["field"]).split("."), field["from"])
    body["version"] = first.number - 1
    body["updated_at"] = first.previous_at or order.created_at
    body["check_in"] = _check_in(body["tickets"])
    for name in ("line_items", "payments", "notes"):
        body[name] = [one for one in body[name] if one is not None]
    authors = background.authors.get(order.id, Authors())
    by = authors.created_by if first.previous_at is None else first.previous_by
    around = replace(
        background,
        authors={**background.authors, order.id: Authors(authors.created_by, by)},
        changes={
            **background.changes,
            order.id: [one for one in background.changes.get(order.id, ()) if one.number < first.number],
        },
    )
    return Order.model_validate_json(orjson.dumps(body)), around


def _put(node: Any, path: Sequence[str], value: Any) -> None:
    """Set the value at a path of an order's history."""
    name, *rest = path
    if name == "tickets":
        _put_ticket(node[name], rest, value)
        return
    key: Any = int(name) if isinstance(node, list) else name
    if isinstance(node, list):
        node.extend([None] * (key + 1 - len(node)))
    if not rest:
        node[key] = value
    elif isinstance(node, list) or isinstance(node.get(key), dict | list):
        _put(node[key], rest, value)


def _put_ticket(tickets: list[JsonObject], path: Sequence[str], value: Any) -> None:
    id_, *rest = path
    place = next((place for place, ticket in enumerate(tickets) if ticket["id"] == id_), None)
    if place is None:
        return
    if rest:
        _put(tickets[place], rest, value)
    else:
        del tickets[place]  # the change issued it: existing tickets are never removed


def _check_in(tickets: Sequence[JsonObject]) -> JsonObject:
    valid = [ticket for ticket in tickets if ticket["status"] != "voided"]
    used = sum(ticket["status"] == "checked_in" for ticket in valid)
    status = "not_checked_in" if not used else "checked_in" if used == len(valid) else "partially_checked_in"
    return {"status": status, "checked_in": used, "tickets": len(valid)}
