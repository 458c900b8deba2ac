"""Dead letters: messages that could not be processed, stored with the reason until an operator decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select

from db import tables
from db.bulk import insert_rows
from db.ids import new_ids

MAX_DETAILS = 20_000
"""Maximum stored characters of a stack trace."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message, or one of its requests, that is not retried any more; `message` is the body as received."""

    kind: str
    message: bytes
    reason: str
    details: str = ""
    attempts: int = 1
    request_id: UUID | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter with its id and its time."""

    id: UUID
    letter: DeadLetter
    created_at: datetime


def bury(connection: Connection, letters: Iterable[DeadLetter], now: datetime) -> None:
    """Store dead letters."""
    letters = list(letters)
    insert_rows(
        connection,
        tables.dead_letters,
        ("id", "request_id", "tenant", "kind", "message", "reason", "details", "attempts",
         "created_at"),
        (
            (id_, letter.request_id, storable(letter.tenant), storable(letter.kind),
             letter.message, storable(letter.reason), storable(letter.details)[:MAX_DETAILS],
             letter.attempts, now)
            for id_, letter in zip(new_ids(len(letters)), letters, strict=True)
        ),
    )  # fmt: skip


def storable(text: str | None) -> str:
    """Return text that PostgreSQL can store, even if a hostile message contributed to it."""
    return (text or "").replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()


def list_dead_letters(
    connection: Connection, limit: int, *, tenant: str | None = None
) -> list[StoredDeadLetter]:
    """Return the newest dead letters, newest first: those of a tenant, or all."""
    table = tables.dead_letters
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if tenant is not None:
        query = query.where(table.c.tenant == tenant)
    return [_stored(row) for row in connection.execute(query)]


def find_dead_letters(
    connection: Connection, ids: Sequence[UUID], *, is_locked: bool = True
) -> list[StoredDeadLetter]:
    """Return the dead letters of these ids, oldest first, locked until the transaction ends."""
    table = tables.dead_letters
    query = select(table).where(table.c.id.in_(ids)).order_by(table.c.id)
    if is_locked:
        query = query.with_for_update()
    return [_stored(row) for row in connection.execute(query)]


def discard(connection: Connection, ids: Sequence[UUID]) -> int:
    """Delete dead letters; return their number."""
    table = tables.dead_letters
    return connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount


def _stored(row: object) -> StoredDeadLetter:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    letter = DeadLetter(
        kind=values["kind"],
        message=bytes(values["message"]),
        reason=values["reason"],
        details=values["details"],
        attempts=values["attempts"],
        request_id=values["request_id"],
        tenant=values["tenant"] or None,
    )
    return StoredDeadLetter(values["id"], letter, values["created_at"])
