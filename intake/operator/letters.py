"""Dead letters on the operator's page: those of the tenant, or all."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from intake.operator.view import View
from intake.parts import Parts
from intake.requests.replay_letters import NoSuchLetter, replay_dead_letters
from orders.recovery.dead_letters import StoredDeadLetter, discard, find_dead_letters, list_dead_letters

_MOST: Final = 100


def list_letters(connection: Connection, view: View) -> list[StoredDeadLetter]:
    """Return the newest dead letters, newest first, at most 100."""
    return list_dead_letters(connection, _MOST, tenant=view.tenant)


def find_letters(connection: Connection, view: View, ids: Sequence[UUID]) -> list[StoredDeadLetter]:
    """Return the dead letters of these ids that the view shows, oldest first."""
    found = find_dead_letters(connection, ids, is_locked=False)
    return [one for one in found if view.tenant in (None, one.letter.tenant)]


def replay_letters(parts: Parts, view: View, ids: Sequence[UUID]) -> int:
    """Send dead letters to the queue again; return the count. Raises `NotConfirmed`, `NoSuchLetter`."""
    with parts.engine.begin() as connection:
        shown = [one.id for one in find_letters(connection, view, ids)]
    if len(shown) < len(ids):
        raise NoSuchLetter("A dead letter no longer exists. Load the page again.")
    return len(replay_dead_letters(parts.engine, shown, parts.settings))


def discard_letters(parts: Parts, view: View, ids: Sequence[UUID]) -> int:
    """Delete dead letters permanently; return the count."""
    with parts.engine.begin() as connection:
        return discard(connection, [one.id for one in find_letters(connection, view, ids)])
