"""The terms of an order: what a patch is merged into, made of its rows."""

from typing import Any

from orders.order_state import OrderState
from orders.render import BUYER, Words, render_attendee
from schemas.changes import OrderTerms

_AMOUNTS = ("shipping", "service_fee", "additional_expense")
_NOTES = {"internal": "internal_notes", "external": "external_notes", "instructions": "instructions"}


def terms_words(state: OrderState) -> Words:
    """Return the terms in the words of the wire; what is null is left out, as a merge patch sees it."""
    row = state.row
    discount = row["discount"] if row["given_discount"] is None else row["given_discount"]
    words: dict[str, Any] = {
        "buyer": _present({name: row["buyer_" + name] for name in BUYER}),
        "line_items": [_line_words(state, line) for line in state.lines if line["quantity"]],
        **{name: str(row[name]) for name in _AMOUNTS},
        "discount": str(discount),
        "tax": None if row["given_tax"] is None else str(row["given_tax"]),
        "billing_address": row["billing_address"] and _present(row["billing_address"]),
        "reference": row["reference"],
        "payment_due_at": row["payment_due_at"] and row["payment_due_at"].isoformat(),
        "extras": row["extras"],
    }
    for kind, name in _NOTES.items():
        words[name] = [note["text"] for note in state.notes if note["kind"] == kind]
    return _present(words)


def terms_of(state: OrderState) -> OrderTerms:
    """Return the terms as they are."""
    return OrderTerms.model_validate(terms_words(state))


def _line_words(state: OrderState, line: Words) -> Words:
    attendees = [render_attendee(ticket) or {} for ticket in state.valid_tickets(line["line_number"])]
    return {
        "line_number": line["line_number"],
        "ticket_class_id": line["external_id"],
        "quantity": line["quantity"],
        "unit_price": str(line["unit_price"]),
        "attendees": attendees,
    }


def _present(words: Words) -> Words:
    return {name: value for name, value in words.items() if value is not None}
