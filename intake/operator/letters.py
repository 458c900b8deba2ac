"""Dead letters on the operator's page: those of the tenant, or all."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, select

from db.tables import dead_letters
from intake.operator.view import View
from intake.parts import Parts
from intake.requests.replay_letters import NoSuchLetter, replay_dead_letters
from orders.recovery.dead_letters import StoredDeadLetter, discard, find_dead_letters

_MOST = 100


def list_letters(connection: Connection, view: View) -> list[UUID]:
    """Return the ids of the newest dead letters, newest first, at most 100."""
    query = select(dead_letters.c.id).order_by(dead_letters.c.id.desc()).limit(_MOST)
    if view.tenant is not None:
        query = query.where(dead_letters.c.tenant == view.tenant)
    return list(connection.scalars(query))


def read_letters(connection: Connection, view: View, ids: Sequence[UUID]) -> list[StoredDeadLetter]:
    """Return the dead letters of these ids that the view shows, newest first; they are locked."""
    found = [one for one in find_dead_letters(connection, ids) if view.tenant in (None, one.letter.tenant)]
    return found[::-1]


def replay_letters(parts: Parts, view: View, ids: Sequence[UUID]) -> int:
    """Send dead letters to the queue again; return how many. Raises `NotConfirmed`, `NoSuchLetter`."""
    with parts.engine.begin() as connection:
        shown = [one.id for one in read_letters(connection, view, ids)]
    if len(shown) < len(ids):
        raise NoSuchLetter("A dead letter is gone: somebody replayed or discarded it. Load the page again.")
    return len(replay_dead_letters(parts.engine, shown, parts.settings))


def discard_letters(parts: Parts, view: View, ids: Sequence[UUID]) -> int:
    """Delete dead letters for good; return how many."""
    with parts.engine.begin() as connection:
        return discard(connection, [one.id for one in read_letters(connection, view, ids)])
