"""Deleting cached documents that are old, or too many; they are created again on request."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

_WAITING: Final = timedelta(hours=1)
"""The time after which a document that was not created is no longer waited for; callers may ask again."""

_FAILED: Final = timedelta(minutes=1)

# The newest first, as far as the bounds allow.
_FORGET: Final = text("""
    DELETE FROM documents WHERE order_id IN (
        SELECT order_id FROM (
            SELECT order_id, asked_at, made_at, version,
                sum(octet_length(content)) OVER (PARTITION BY tenant_id ORDER BY made_at DESC, order_id)
                    AS of_tenant,
                sum(octet_length(content)) OVER (ORDER BY made_at DESC, order_id) AS of_all
            FROM documents
        ) one
        WHERE made_at IS NULL AND asked_at < :waiting_since
            OR made_at < :kept_since
            OR made_at < :failed_since AND version IS NULL
            OR made_at IS NOT NULL AND (of_tenant > :most_of_tenant OR of_all > :most)
    )
""")


def forget_documents(connection: Connection, *, now: datetime, keep_for: timedelta, max_bytes: int) -> int:
    """Delete documents that are too old, or exceed the limits in all or per tenant; return their number.

    A tenant may use a quarter of `max_bytes`.
    """
    values = {
        "waiting_since": now - _WAITING,
        "failed_since": now - _FAILED,
        "kept_since": now - keep_for,
        "most_of_tenant": max_bytes // 4,
        "most": max_bytes,
    }
    return connection.execute(_FORGET, values).rowcount
