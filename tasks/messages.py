"""From a Celery message to requests: what is in it, or why it is a dead letter."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from orders.recovery.dead_letters import DeadLetter
from orders.recovery.requests_json import any_json
from schemas.outcomes import MAX_REJECTIONS, Rejection
from schemas.requests import ENVELOPE_FIELDS, KINDS, MAX_REQUESTS_PER_MESSAGE, Request
from schemas.text import is_storable
from tasks.envelope import read_mistakes, read_request_id, read_seen_version
from tasks.wrapped import MARK, unwrap
from vendors.registry import translate

_MISSING_ID: Final = UUID("d1a7c1a6-3a0e-4e37-9f0e-6a7a1b7f2c55")


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One message as it came from the queue: the task it names, its id, and its body."""

    task: str
    message_id: str
    body: bytes
    deliveries: int = 1


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a message holds: requests, and what cannot be read as one."""

    requests: list[Request] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


class _Unreadable(Exception):
    """The message is not what a producer of requests sends; the text says why."""


def parse(message: QueueMessage) -> Parsed:
    """Return the requests of a message (protocol 2); what is no request becomes a dead letter."""
    try:
        return _requests(message)
    except _Unreadable as error:
        return Parsed(dead=[DeadLetter(message.task, message.body, str(error), attempts=message.deliveries)])


def _requests(message: QueueMessage) -> Parsed:
    if message.task not in KINDS:
        raise _Unreadable(f"there is no task {message.task[:100]!r} on the queue of orders")
    bodies = _bodies(message.body)
    may_hold_wrapped = MARK in message.body
    parsed = Parsed()
    for index, body in enumerate(bodies):
        request = _request(message, index, body, may_hold_wrapped=may_hold_wrapped)
        if isinstance(request, Request):
            parsed.requests.append(request)
        else:
            parsed.dead.append(request)
    return parsed


def _bodies(body: bytes) -> Sequence[Any]:
    content = _json(body)
    # Protocol 2 of Celery's messages: arguments, keyword arguments, and callbacks that we do not use.
    if not isinstance(content, list) or len(content) != 3 or not isinstance(content[1], dict):
        raise _Unreadable("the body is not that of a Celery message (protocol 2)")
    bodies = content[1].get("requests")
    if not isinstance(bodies, list):
        raise _Unreadable("the keyword argument `requests` is not a list")
    if not 1 <= len(bodies) <= MAX_REQUESTS_PER_MESSAGE:
        raise _Unreadable(f"{len(bodies)} requests in a message; 1 to {MAX_REQUESTS_PER_MESSAGE} are allowed")
    return bodies


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # The slow reader understands lone surrogates: one bad name must not cost 499 neighbours their order.
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Unreadable(f"the body is not JSON: {error}") from error


def _request(message: QueueMessage, index: int, body: Any, *, may_hold_wrapped: bool) -> Request | DeadLetter:
    if not isinstance(body, dict):
        reason = f"request {index} of the message is not an object"
        return DeadLetter(message.task, any_json(body), reason, attempts=message.deliveries)
    no_text = unwrap(body) if may_hold_wrapped else ()
    tenant = body.get("tenant")
    request_id = read_request_id(body.get("request_id"))
    seen_version = read_seen_version(body.get("seen_version"))
    words, untranslated = translate(
        body.get("dialect", "canonical"),
        message.task,
        {name: value for name, value in body.items() if name not in ENVELOPE_FIELDS},
    )
    return Request(
        kind=message.task,
        request_id=request_id if isinstance(request_id, UUID) else _derived_id(message, index),
        tenant=tenant if isinstance(tenant, str) else "",
        # Whoever may publish on the queue is trusted; the intake says where it is not so.
        may_set_price=body.get("may_set_price", True) is True,
        body=words,
        by=_sender(body.get("by")),
        mistakes=_mistakes(
            request_id, seen_version, *read_mistakes(body.get("mistakes")), *no_text, *untranslated
        ),
        seen_version=seen_version if isinstance(seen_version, int) else None,
    )


def _sender(given: Any) -> str | None:
    return given[:200] if isinstance(given, str) and is_storable(given) else None


def _derived_id(message: QueueMessage, index: int) -> UUID:
    """Return the id of a request that has none of its own: the same at each delivery of the message."""
    return uuid5(_MISSING_ID, f"{message.message_id}:{index}")


def _mistakes(*found: object) -> tuple[Rejection, ...]:
    """Return the mistakes among what was read, no more of them than an outcome holds."""
    return tuple(one for one in found if isinstance(one, Rejection))[:MAX_REJECTIONS]
