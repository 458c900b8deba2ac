"""Dead letters on their way back to the queue."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, Engine, select

from db import tables
from orders.outbox import send_again
from orders.recovery.dead_letters import DeadLetter, StoredDeadLetter, discard, find_dead_letters
from orders.recovery.event_letters import EVENT_MESSAGE, event_of
from schemas.requests import EXPIRE
from willcall.messages import Message, task_message
from willcall.publishing import NotConfirmed, Publisher
from willcall.queues import ORDERS, OUTBOX
from worker.runtime.settings import Settings

_AT_ONCE: Final = 100


class NoSuchLetter(Exception):
    """There is no dead letter {ids}, or what it is about is gone."""


def replay_dead_letters(engine: Engine, ids: Sequence[UUID] | None, settings: Settings) -> list[UUID]:
    """Publish the dead letters (None: all) in the order of their deaths, then delete them; return their ids.

    Raises `NotConfirmed`, and then those not yet confirmed are still there.
    """
    if ids is None:
        with engine.begin() as connection:
            ids = connection.scalars(select(tables.dead_letters.c.id).order_by("id")).all()
    replayed: list[UUID] = []
    with Publisher(settings.broker(), settings) as publisher:
        for start in range(0, len(ids), _AT_ONCE):
            replayed += _replay(engine, publisher, ids[start : start + _AT_ONCE])
    return replayed


def _replay(engine: Engine, publisher: Publisher, ids: Sequence[UUID]) -> list[UUID]:
    # The rows are locked meanwhile: of two operators at once, one sends.
    with engine.begin() as connection:
        stored = all_of(ids, find_dead_letters(connection, ids))
        messages = [message for one in stored for message in _messages(connection, one)]
        publisher.publish(messages)
        discard(connection, ids)
    if any(event_of(one.letter) for one in stored):
        with suppress(NotConfirmed):  # the sweep comes anyway
            publisher.publish([task_message(EVENT_MESSAGE, b"{}", queue=OUTBOX, summary="{}")])
    return [one.id for one in stored]


def _messages(connection: Connection, stored: StoredDeadLetter) -> list[Message]:
    """Return the message to publish; an event message goes to the outbox instead, and the relay sends it."""
    event = event_of(stored.letter)
    if event is not None:
        if not send_again(connection, *event):
            raise NoSuchLetter(f"dead letter {stored.id}: its event message does not exist any more")
        return []
    # What the schedule proposed it proposes again, once it is no dead letter.
    return [] if stored.letter.kind == EXPIRE else [message_of(stored.letter)]


def all_of(ids: Sequence[UUID], found: list[StoredDeadLetter]) -> list[StoredDeadLetter]:
    """Return the letters found; raise `NoSuchLetter` for an id without one."""
    missing = set(ids) - {one.id for one in found}
    if missing:
        raise NoSuchLetter("there is no dead letter " + ", ".join(sorted(str(id_) for id_ in missing)))
    return found


def message_of(letter: DeadLetter) -> Message:
    """Return a dead letter as a fresh message: of one request, or with its whole body as it came."""
    content = _json(letter.message)
    if isinstance(content, dict):
        requests = b'{"requests": [' + letter.message + b"]}"
        return _message(letter.kind, requests, 1)
    message = _message(letter.kind, b"{}", _count(content))
    return replace(message, body=letter.message)


def _message(kind: str, kwargs_json: bytes, count: int) -> Message:
    summary = f"replayed requests={count}"
    return task_message(kind, kwargs_json, queue=ORDERS, summary=summary, requests=count)


def _count(content: Any) -> int:
    """Return how many requests a body (protocol 2) has, for the bulk consumer's estimate; at least one."""
    try:
        return max(len(content[1]["requests"]), 1)
    except (LookupError, TypeError):
        return 1


def _json(message: bytes) -> Any:
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError:
        pass
    try:  # lone surrogates
        return json.loads(message)
    except (ValueError, RecursionError):
        return None
