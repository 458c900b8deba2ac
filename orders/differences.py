"""The differences that a change made to an order, for its history; only changed rows are compared."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from orders.journal import RowDiff
from orders.render import (
    render_buyer,
    render_cancellation,
    render_note,
    render_payment,
    render_totals,
    render_trade,
)
from orders.rows import LineRow, OrderRow
from orders.state import OrderState
from schemas.json import JsonObject

_ALIKE: Final = (
    "status",
    "payment_status",
    "billing_address",
    "payment_due_at",
    "promo_code",
    "reference",
    "extras",
)

_alike = attrgetter(*_ALIKE)

RECORDED_TABLES = frozenset({"order_lines", "tickets", "payments", "notes", "order_trades"})
"""The tables whose changes are in the history, besides the order's own row."""

_BUYER = slice(OrderRow._fields.index("buyer_first_name"), OrderRow._fields.index("buyer_phone") + 1)
_AMOUNTS = slice(OrderRow._fields.index("subtotal"), OrderRow._fields.index("refunded") + 1)
"""The columns of `totals`: most changes affect none of them, and comparing is cheaper than rendering."""


def changed_fields(
    order: OrderState, before: OrderRow, net: Mapping[str, Sequence[RowDiff]]
) -> list[JsonObject]:
    """Return the differences, each with `field`, `from` and `to`.

    Fields are paths such as `totals.total`, `line_items.0.quantity`, `payments.1.status` and, as an order may
    have thousands of tickets, `tickets.{id}.status`.
    """
    found: list[JsonObject] = []
    _add_row(found, before, order.row)
    _add_lines(found, order, [one for one in net.get("order_lines", ()) if one.after.order_id == order.id])
    for ticket_id, old, new in net.get("tickets", ()):
        if new.order_id == order.id:
            old_body = None if old is None else order.render_ticket_row(old)
            _add(found, f"tickets.{ticket_id}", old_body, order.render_ticket_row(new))
    for number, old, new in net.get("payments", ()):
        if new.order_id == order.id:
            _add(found, f"payments.{number - 1}", old and render_payment(old), render_payment(new))
    _add_notes(found, order, [one for one in net.get("notes", ()) if _is_of(order, one)])
    for order_id, old, new in net.get("order_trades", ()):
        if order_id == order.id:
            _add(found, "trade", render_trade(old), render_trade(new))
    return found


def _add_row(found: list[JsonObject], before: OrderRow, after: OrderRow) -> None:
    were, are = _alike(before), _alike(after)
    if were != are:
        for name, old, new in zip(_ALIKE, were, are, strict=True):
            _add(found, name, old, new)
    if before[_BUYER] != after[_BUYER]:
        _add(found, "buyer", render_buyer(before), render_buyer(after))
    if before[_AMOUNTS] != after[_AMOUNTS]:
        _add(found, "totals", render_totals(before), render_totals(after))
    if before.cancelled_at != after.cancelled_at:
        _add(found, "cancellation", render_cancellation(before), render_cancellation(after))


def _add_lines(found: list[JsonObject], order: OrderState, diffs: Sequence[RowDiff]) -> None:
    if diffs:
        places = {number: index for index, number in enumerate(order.lines)}
        for number, old, new in diffs:
            _add(found, f"line_items.{places[number]}", _render_line(order, old), _render_line(order, new))


def _render_line(order: OrderState, line: LineRow | None) -> JsonObject | None:
    if line is None:
        return None
    body = order.render_line_row(line, [])
    del body["attendees"]  # they are their tickets'
    return body


def _is_of(order: OrderState, diff: RowDiff) -> bool:
    note = diff.before if diff.after is None else diff.after
    return bool(note.order_id == order.id)


def _add_notes(found: list[JsonObject], order: OrderState, diffs: Sequence[RowDiff]) -> None:
    if not diffs:
        return
    now = dict(order.notes.items())
    then = dict(now)
    for number, old, _ in diffs:
        if old is None:
            del then[number]
        else:
            then[number] = old
    old_body = [render_note(then[number]) for number in sorted(then)]
    _add(found, "notes", old_body, [render_note(now[number]) for number in sorted(now)])


def _add(found: list[JsonObject], path: str, before: Any, after: Any) -> None:
    """Add the differing parts of two JSON values, with their paths, old and new values."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            old, new = before.get(name), after.get(name)
            if old != new:
                _add(found, f"{path}.{name}", old, new)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else None
            new = after[index] if index < len(after) else None
            _add(found, f"{path}.{index}", old, new)
    else:
        found.append({"field": path, "from": before, "to": after})
