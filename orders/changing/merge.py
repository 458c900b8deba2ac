"""The terms of an order with a patch merged in, and what came after the patch merged in once more."""

from collections.abc import Mapping, Sequence
from typing import Any

from orders.changing.merge_patch import merged
from orders.errors import Invalid
from orders.money.charges import given_discount
from orders.render import render_attendee, render_buyer
from orders.rows import ChangeRow, LineRow, Words
from orders.state import OrderState
from schemas.changes import LineTerms, OrderTerms, OrderWords
from schemas.requests import CANCEL

_AMOUNTS = ("shipping", "service_fee", "additional_expense")
_NOTES = {"internal": "internal_notes", "external": "external_notes", "instructions": "instructions"}


class Terms:
    """What an order is to be: `words` are all but its lines, `lines` are None where no patch names them."""

    def __init__(self, order: OrderState, patch: Words, later: Sequence[ChangeRow]) -> None:
        """Merge the patch, then the later changes.

        Raises `pydantic.ValidationError`, or `Invalid` for what is nested too deeply.
        """
        try:
            words, self.named = _merge(order, patch, later)
        except RecursionError as error:
            raise Invalid("nested too deeply", "patch") from error
        self.words: OrderWords
        self.lines: Sequence[LineTerms] | None = None
        if "line_items" in self.named:
            self.words = terms = OrderTerms.model_validate(words)
            self.lines = terms.line_items
        else:
            self.words = OrderWords.model_validate(words)


def _merge(order: OrderState, patch: Words, later: Sequence[ChangeRow]) -> tuple[Words, set[str]]:
    """Return the merged words, and the names of those that some patch names."""
    patches = [patch, *(change.patch or {} for change in later if change.kind != CANCEL)]
    named = {name for one in patches for name in one}
    words = _words(order)
    if "line_items" in named:
        words["line_items"] = [_line_words(order, line) for line in order.open_lines()]
    words = merged(words, patch)
    is_listed = "line_items" in patch
    for change in later:
        if change.kind != CANCEL:
            words = merged(words, change.patch)
            if "line_items" in (change.patch or {}):
                named.add("line_items")  # also after a cancellation that left nothing of those before
                is_listed = True
        elif is_listed:
            # The lines are those of a patch that knew nothing of the cancellation.
            words["line_items"] = _without_cancelled(
                words.get("line_items"), (change.patch or {})["cancelled"]
            )
            if words["line_items"] == []:
                # All that the patch wanted is cancelled, and what the order has now is not in it.
                del words["line_items"]
                named.discard("line_items")
                is_listed = False
    return words, named


def _words(order: OrderState) -> Words:
    """Return the terms in the words of the wire; what is null is left out, as a merge patch sees it."""
    row = order.row
    words: Words = {
        "buyer": _present(render_buyer(row)),
        **{name: str(getattr(row, name)) for name in _AMOUNTS},
        "discount": str(given_discount(row)),
        "tax": None if row.given_tax is None else str(row.given_tax),
        "billing_address": row.billing_address and _present(row.billing_address),
        "reference": row.reference,
        "payment_due_at": row.payment_due_at and row.payment_due_at.isoformat(),
        "extras": row.extras,
    }
    for kind, name in _NOTES.items():
        words[name] = [note.text for note in order.notes_for(is_public=False) if note.kind == kind]
    return _present(words)


def _line_words(order: OrderState, line: LineRow) -> Words:
    return {
        "line_number": line.line_number,
        "ticket_class_id": order.external_id(line.ticket_class_id),
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
        "attendees": [render_attendee(ticket) or {} for ticket in order.valid_tickets(line.line_number)],
    }


def _without_cancelled(items: Any, cancelled: Sequence[Words]) -> Any:
    """Return the lines without what was cancelled after they were asked for; what is no line stays."""
    if not isinstance(items, list):
        return items
    left = list(items)
    for gone in cancelled:
        index = _index_of(left, gone)
        if index is None:
            continue
        less = _lessened(left[index], gone)
        left[index : index + 1] = [] if less is None else [less]
    return left


def _index_of(items: Sequence[Any], gone: Words) -> int | None:
    by_number = [i for i, item in enumerate(items) if _get(item, "line_number") == gone["line_number"]]
    by_class = [
        i
        for i, item in enumerate(items)
        if _get(item, "line_number") is None and _get(item, "ticket_class_id") == gone["ticket_class_id"]
    ]
    return next(iter([*by_number, *by_class]), None)


def _lessened(item: Mapping[str, Any], gone: Words) -> Words | None:
    quantity = item.get("quantity")
    if gone["quantity"] is None or not isinstance(quantity, int) or quantity <= gone["quantity"]:
        return None
    less = {**item, "quantity": quantity - gone["quantity"]}
    if isinstance(item.get("seats"), list):
        less["seats"] = [seat for seat in item["seats"] if seat not in gone["seats"]]
        less["quantity"] = len(less["seats"])
    if isinstance(item.get("attendees"), list):
        less["attendees"] = item["attendees"][: less["quantity"]]
    return less


def _get(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


def _present(words: Words) -> Words:
    return {name: value for name, value in words.items() if value is not None}
