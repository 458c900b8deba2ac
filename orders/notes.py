"""The rows of an order's notes."""

from datetime import datetime

from orders.rows import NoteKind, NoteRow
from schemas.changes import PatchedOrder
from schemas.order_requests import OrderRequest


def note_rows(order_id: str, requested: OrderRequest | PatchedOrder, now: datetime) -> list[NoteRow]:
    """Return the rows of the notes, numbered from 1."""
    if not (requested.internal_notes or requested.external_notes or requested.instructions):
        return []
    texts: list[tuple[NoteKind, str]] = [
        *(("internal", text) for text in requested.internal_notes),
        *(("external", text) for text in requested.external_notes),
        *(("instructions", text) for text in requested.instructions),
    ]
    return [NoteRow(order_id, number, kind, text, now, None) for number, (kind, text) in enumerate(texts, 1)]
