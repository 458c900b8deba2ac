"""The notes of an order, as rows."""

from datetime import datetime

from orders.rows import NoteKind, NoteRow
from schemas.changes import OrderTerms
from schemas.order_requests import OrderRequest


def note_rows(order_id: str, words: OrderRequest | OrderTerms, now: datetime) -> list[NoteRow]:
    """Return the rows of the notes, numbered from 1."""
    if not (words.internal_notes or words.external_notes or words.instructions):
        return []
    texts: list[tuple[NoteKind, str]] = [
        *(("internal", text) for text in words.internal_notes),
        *(("external", text) for text in words.external_notes),
        *(("instructions", text) for text in words.instructions),
    ]
    return [NoteRow(order_id, number, kind, text, now, None) for number, (kind, text) in enumerate(texts, 1)]
