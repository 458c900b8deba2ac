"""An order as it was before some of its changes: what DELETE answers, and what a repeated PUT is about."""

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
    """Say whether a client of ACME deleted the order."""
    return order.cancellation is not None and order.cancellation.reason == DELETED_IN_ACME


def before_deletion(order: Order, background: Background) -> tuple[Order, Background]:
    """Return a deleted order as it was, with what is known around it; any other as it is."""
    changes = background.changes.get(order.id, ())
    first = next((place for place, change in enumerate(changes) if _is_cancellation(change)), None)
    if first is None or not is_deleted(order):
        return order, background
    return earlier(order, background, changes[first:])


def _is_cancellation(change: PastChange) -> bool:
    return any(field["field"] == "status" and field["to"] == "cancelled" for field in change.fields)


def earlier(order: Order, background: Background, changes: Sequence[PastChange]) -> tuple[Order, Background]:
    """Return the order as it was before these changes, its last ones, with what was known around it then."""
    first = changes[0]
    words = order.model_dump(mode="json")
    for change in reversed(changes):
        for field in change.fields:
            _put(words, str(field["field"]).split("."), field["from"])
    words["version"] = first.number - 1
    words["updated_at"] = first.previous_at or order.created_at
    words["check_in"] = _check_in(words["tickets"])
    for name in ("line_items", "payments", "notes"):
        words[name] = [one for one in words[name] if one is not None]
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
    return Order.model_validate_json(orjson.dumps(words)), around


def _put(node: Any, path: Sequence[str], value: Any) -> None:
    """Let the value be at the path, as the histories of orders write paths."""
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
        del tickets[place]  # the change has made it: a ticket that is there is never taken away


def _check_in(tickets: Sequence[JsonObject]) -> JsonObject:
    valid = [ticket for ticket in tickets if ticket["status"] != "voided"]
    used = sum(ticket["status"] == "checked_in" for ticket in valid)
    status = "not_checked_in" if not used else "checked_in" if used == len(valid) else "partially_checked_in"
    return {"status": status, "checked_in": used, "tickets": len(valid)}
