"""Documents in the database: asked for by the intake, made by the processes of `documents`, kept for a while.

A row is all there is of one: without a moment when it was made it waits. Who makes it holds a lock that ends
with its transaction, so nothing stays under way when a process dies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection, text

MAX_TRIES: Final = 3
"""How often a document is begun: one that ends its process must not end all of them for ever."""

SMALL: Final = 50
"""Tickets of a document that is made while larger ones are under way: a fraction of a second."""

Size = Literal["small", "large"]
Asked = Literal["new", "waiting", "full"]

_FIND: Final = text("""
    SELECT version, made_at IS NOT NULL AS is_made, octet_length(content) AS bytes,
        made_at IS NOT NULL AND version IS NULL AND made_at > now() - interval '60 seconds' AS has_failed,
        made_at IS NULL AND asked_at < now() - interval '60 seconds'
            AND NOT EXISTS (SELECT FROM documents WHERE made_at > now() - interval '60 seconds')
            AS is_forgotten,
        made_at IS NOT NULL AND made_at > now() - interval '30 seconds' AS is_recent
    FROM documents WHERE order_id = :order_id
""")

# Counted without a lock: of many who ask at the same moment a few more may get in. What was made before stays
# until the new one is there: who reads it slowly reads on.
_ASK: Final = text("""
    INSERT INTO documents (order_id, tenant_id, tickets, asked_at)
    SELECT :order_id, :tenant_id, (SELECT count(*) FROM tickets WHERE order_id = :order_id), now()
    WHERE (SELECT count(*) FROM documents WHERE tenant_id = :tenant_id AND made_at IS NULL) < :most
    ON CONFLICT (order_id) DO UPDATE SET
        tickets = excluded.tickets, asked_at = excluded.asked_at, tries = 0, made_at = NULL
    WHERE documents.made_at IS NOT NULL AND documents.version IS DISTINCT FROM :version
    RETURNING order_id
""")

_IS_WAITING: Final = text("SELECT FROM documents WHERE order_id = :order_id")

_MADE: Final = text("""
    SELECT order_id FROM documents WHERE order_id = ANY(CAST(:ids AS uuid[])) AND made_at IS NOT NULL
""")

_READ: Final = text("""
    SELECT substring(content FROM :start FOR :length) FROM documents
    WHERE order_id = :order_id AND version = :version
""")

# The tenant first that got one longest ago; and of each tenant the one that waits longest.
_CANDIDATES: Final = text("""
    SELECT order_id, tenant_id FROM (
        SELECT DISTINCT ON (tenant_id) order_id, tenant_id, asked_at FROM documents
        WHERE made_at IS NULL AND (tickets > :small) = :is_large
        ORDER BY tenant_id, asked_at
    ) one
    ORDER BY (SELECT max(made_at) FROM documents m WHERE m.tenant_id = one.tenant_id) NULLS FIRST, asked_at
    LIMIT 100
""")

_LOCK: Final = text("""
    SELECT pg_try_advisory_xact_lock(
        hashtextextended('willcall documents ' || CAST(:size AS text) || ' ' || CAST(:tenant_id AS text), 0)
    )
""")

_BEGIN: Final = text("""
    UPDATE documents SET tries = tries + 1 WHERE order_id = :order_id AND made_at IS NULL RETURNING tries
""")

_KEEP: Final = text("""
    UPDATE documents SET made_at = now(), version = :version, content = :content
    WHERE order_id = :order_id AND made_at IS NULL
""")

_IS_ANY_WAITING: Final = text("""
    SELECT EXISTS (SELECT FROM documents WHERE made_at IS NULL AND asked_at < now() - interval '5 seconds')
""")


@dataclass(frozen=True, slots=True)
class Stored:
    """The state of an order's document."""

    version: str | None
    """Of what there is: while another one waits to be made, of the one before."""
    is_made: bool
    bytes: int | None
    has_failed: bool
    """It could not be made, a moment ago."""
    is_forgotten: bool
    """It has waited for a minute in which no document was made: no process seems to make any."""
    is_recent: bool
    """It was made within the last 30 seconds."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A document that is to be made now."""

    order_id: UUID
    tenant_id: UUID


def find(connection: Connection, order_id: UUID) -> Stored | None:
    """Return the state of the order's document."""
    row = connection.execute(_FIND, {"order_id": order_id}).one_or_none()
    return None if row is None else Stored(*row)


def ask(connection: Connection, order_id: UUID, tenant_id: UUID, *, version: str, most: int) -> Asked:
    """Have the document made, unless it is there in this version.

    "new": it waits from now on; "waiting": it does already, or was made meanwhile; "full": `most` of the
    tenant's wait.
    """
    values = {"order_id": order_id, "tenant_id": tenant_id, "version": version, "most": most}
    if connection.execute(_ASK, values).one_or_none() is not None:
        return "new"
    return "full" if connection.execute(_IS_WAITING, values).one_or_none() is None else "waiting"


def find_made(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, bool]:
    """Return those that do not wait any more."""
    return {row.order_id: True for row in connection.execute(_MADE, {"ids": list(order_ids)})}


def read_part(connection: Connection, order_id: UUID, version: str, start: int, length: int) -> bytes | None:
    """Return bytes of a document, from `start` on; None if it is gone, or there in another version."""
    values = {"order_id": order_id, "version": version, "start": start + 1, "length": length}
    part = connection.scalar(_READ, values)
    return None if part is None else bytes(part)


def claim(connection: Connection, size: Size) -> Claim | None:
    """Return a document to make; until the end of the transaction it is this one's, and the tenant's turn.

    Of each tenant one small and one large document at a time are made, in all processes together.
    """
    for row in connection.execute(_CANDIDATES, {"small": SMALL, "is_large": size == "large"}).all():
        if connection.scalar(_LOCK, {"size": size, "tenant_id": str(row.tenant_id)}):
            return Claim(row.order_id, row.tenant_id)
    return None


def begin(connection: Connection, order_id: UUID) -> int | None:
    """Count a try, and return how many there were; None if it was made meanwhile."""
    tries: int | None = connection.scalar(_BEGIN, {"order_id": order_id})
    return tries


def keep(connection: Connection, order_id: UUID, version: str | None, content: bytes | None) -> None:
    """Store the document; without a version, store that it could not be made."""
    connection.execute(_KEEP, {"order_id": order_id, "version": version, "content": content})


def is_any_waiting(connection: Connection) -> bool:
    """Say whether a document has waited for some seconds."""
    return bool(connection.scalar(_IS_ANY_WAITING))
