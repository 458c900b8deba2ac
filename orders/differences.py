"""What a change did to an order, for its history: of the rows that were changed, and of no others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orders.journal import Change
from orders.render import (
    render_buyer,
    render_cancellation,
    render_note,
    render_payment,
    render_totals,
    render_trade,
)
from orders.rows import LineRow, OrderRow, TicketRow, Words
from orders.state import OrderState

_ALIKE = (
    "status",
    "payment_status",
    "billing_address",
    "payment_due_at",
    "promo_code",
    "reference",
    "extras",
)

TOLD_TABLES = frozenset({"order_lines", "tickets", "payments", "notes", "order_trades"})
"""The tables whose changes a history tells of, beside the order's own row."""

_BUYER = slice(OrderRow._fields.index("buyer_first_name"), OrderRow._fields.index("buyer_phone") + 1)
_AMOUNTS = slice(OrderRow._fields.index("subtotal"), OrderRow._fields.index("refunded") + 1)
"""The columns of which `totals` is made: mostly none of them changes, and rendering them costs more."""


def changed_fields(order: OrderState, before: OrderRow, net: Mapping[str, Sequence[Change]]) -> list[Words]:
    """Return what differs: `field`, `from` and `to`.

    Fields are written as in `totals.total`, `line_items.0.quantity`, `payments.1.status` and, as an order
    may have thousands, `tickets.{id}.status`.
    """
    return [{"field": field, "from": old, "to": new} for field, old, new in _changed(order, before, net)]


def _changed(
    order: OrderState, before: OrderRow, net: Mapping[str, Sequence[Change]]
) -> Iterator[tuple[str, Any, Any]]:
    yield from _changed_words(before, order.row)
    lines = [change for change in net.get("order_lines", ()) if change.after.order_id == order.id]
    if lines:
        places = {number: index for index, number in enumerate(order.lines)}
        for number, old, new in lines:
            yield from differences(
                f"line_items.{places[number]}", _line_words(order, old), _line_words(order, new)
            )
    for ticket_id, old, new in net.get("tickets", ()):
        if new.order_id == order.id:
            yield from differences(
                f"tickets.{ticket_id}", _ticket_words(order, old), _ticket_words(order, new)
            )
    for number, old, new in net.get("payments", ()):
        if new.order_id == order.id:
            yield from differences(f"payments.{number - 1}", old and render_payment(old), render_payment(new))
    notes = [one for one in net.get("notes", ()) if (one.after or one.before).order_id == order.id]
    if notes:
        yield from _changed_notes(order, notes)
    for order_id, old, new in net.get("order_trades", ()):
        if order_id == order.id:
            yield from differences("trade", render_trade(old), render_trade(new))


def _changed_words(before: OrderRow, after: OrderRow) -> Iterator[tuple[str, Any, Any]]:
    for name in _ALIKE:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield from differences(name, old, new)
    if before[_BUYER] != after[_BUYER]:
        yield from differences("buyer", render_buyer(before), render_buyer(after))
    if before[_AMOUNTS] != after[_AMOUNTS]:
        yield from differences("totals", render_totals(before), render_totals(after))
    if before.cancelled_at != after.cancelled_at:
        yield from differences("cancellation", render_cancellation(before), render_cancellation(after))


def _line_words(order: OrderState, line: LineRow | None) -> Words | None:
    if line is None:
        return None
    words = order.line_words(line, [])
    del words["attendees"]  # they are their tickets'
    return words


def _ticket_words(order: OrderState, ticket: TicketRow | None) -> Words | None:
    return None if ticket is None else order.ticket_words(ticket)


def _changed_notes(order: OrderState, changes: Sequence[Change]) -> Iterator[tuple[str, Any, Any]]:
    now = dict(order.notes.items())
    then = dict(now)
    for number, old, _ in changes:
        if old is None:
            del then[number]
        else:
            then[number] = old
    old_words = [render_note(then[number]) for number in sorted(then)]
    yield from differences("notes", old_words, [render_note(now[number]) for number in sorted(now)])


def differences(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the parts of two JSON values that differ: where, what was there, and what is there now."""
    if before == after:
        return
    prefix = path + "." if path else ""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            old, new = before.get(name), after.get(name)
            if old != new:  # most parts are alike, and a generator for each would cost more than the look
                yield from differences(prefix + name, old, new)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else None
            new = after[index] if index < len(after) else None
            yield from differences(f"{prefix}{index}", old, new)
    else:
        yield path, before, after
