"""Parsing a Celery message into requests and dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from orders.recovery.dead_letters import DeadLetter
from orders.recovery.requests_json import any_json
from schemas.outcomes import MAX_REJECTIONS, Rejection
from schemas.requests import ENVELOPE_FIELDS, MAX_REQUESTS_PER_MESSAGE, Request
from schemas.text import is_storable
from tasks.bodies import Unreadable, decompressed, read_json
from tasks.client_options import ClientOptions, read_options
from tasks.envelope import read_call_id, read_mistakes, read_moment, read_request_id, read_seen_version
from tasks.wrapped import MARK, unwrap
from vendors.registry import translate
from willcall.kinds import KINDS
from willcall.traceparents import read_headers
from worker.runtime import tracing

_MISSING_ID: Final = UUID("d1a7c1a6-3a0e-4e37-9f0e-6a7a1b7f2c55")


class QueueMessage(NamedTuple):
    """A message as it came from the queue: its task, id, body and headers.

    `is_expired` says that the broker dead-lettered it because its time to live was over.
    """

    task: str
    message_id: str
    body: bytes
    deliveries: int = 1
    headers: Mapping[str, Any] = MappingProxyType({})
    content_type: object = None
    content_encoding: object = None
    is_expired: bool = False


@dataclass(slots=True)
class Parsed:
    """The parts of a message: requests, requests for a later time, and what cannot be parsed."""

    requests: list[Request] = field(default_factory=list)
    later: list[tuple[Request, datetime]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


def parse(message: QueueMessage, now: datetime | None = None) -> Parsed:
    """Return the requests of a message (protocol 2); what cannot be parsed becomes a dead letter."""
    try:
        body = decompressed(message.body, message.headers.get("compression"))
        return _requests(message._replace(body=body) if body is not message.body else message, now)
    except Unreadable as error:
        return Parsed(dead=[DeadLetter(message.task, message.body, str(error), attempts=message.deliveries)])


def _requests(message: QueueMessage, now: datetime | None) -> Parsed:
    content, is_standard = read_json(message.body, message.content_type, message.content_encoding)
    if message.task not in KINDS:
        raise Unreadable(_no_task(message.task, content))
    args, kwargs, embedded = _parts(content)
    bodies = _bodies(args, kwargs)
    options = read_options(
        message.headers,
        embedded,
        unknown_arguments=_unknown_arguments(args, kwargs),
        is_expired=message.is_expired,
        now=now or datetime.now(UTC),
    )
    is_plain = is_standard and MARK not in message.body
    traces = read_headers(message.headers, len(bodies)) if tracing.active() else ()
    parsed = Parsed()
    for index, body in enumerate(bodies):
        request = _request(message, index, body, options, is_plain=is_plain)
        if isinstance(request, DeadLetter):
            parsed.dead.append(request)
        elif options.due_at is not None and not request.mistakes:
            parsed.later.append((request, options.due_at))
        else:
            parsed.requests.append(request._replace(traceparent=traces[index]) if traces else request)
    return parsed


def _no_task(task: str, content: Any) -> str:
    if not task and isinstance(content, dict) and "task" in content:
        return "the message uses Celery's protocol 1; set task_protocol to 2"
    return f"the queue of orders has no task {task[:100]!r}"


def _parts(content: Any) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return the three parts of a body: arguments, keyword arguments, and callbacks."""
    match content:
        case [list() | None as args, dict() as kwargs, dict() | None as embedded]:
            return args or [], kwargs, embedded or {}
    raise Unreadable("the body is not the body of a Celery message (protocol 2)")


def _bodies(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[Any]:
    bodies = kwargs["requests"] if "requests" in kwargs else next(iter(args), None)
    if not isinstance(bodies, list):
        raise Unreadable("the argument `requests` is not a list")
    if not 1 <= len(bodies) <= MAX_REQUESTS_PER_MESSAGE:
        raise Unreadable(
            f"{len(bodies)} requests in a message; a message must have 1 to {MAX_REQUESTS_PER_MESSAGE}"
        )
    return bodies


def _unknown_arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    """Return the names of arguments other than `requests`."""
    named = [name for name in kwargs if name != "requests"]
    return named + (["args"] if len(args) > ("requests" not in kwargs) else [])


def _request(
    message: QueueMessage, index: int, body: Any, options: ClientOptions, *, is_plain: bool
) -> Request | DeadLetter:
    if not isinstance(body, dict):
        reason = f"request {index} of the message is not an object"
        return DeadLetter(message.task, any_json(body), reason, attempts=message.deliveries)
    no_values = () if is_plain else unwrap(body)
    tenant = body.get("tenant")
    request_id = read_request_id(body.get("request_id"))
    seen_version = read_seen_version(body.get("seen_version"))
    not_after = read_moment("not_after", body.get("not_after"))
    translated, untranslated = translate(
        body.get("dialect", "canonical"),
        message.task,
        {name: value for name, value in body.items() if name not in ENVELOPE_FIELDS},
    )
    return Request(
        kind=message.task,
        request_id=request_id if isinstance(request_id, UUID) else _derived_id(message, index),
        tenant=tenant if isinstance(tenant, str) else "",
        # Producers on the queue are trusted; the intake sets it to false for keys without that scope.
        may_set_price=body.get("may_set_price", True) is True,
        body=translated,
        by=_sender(body.get("by")),
        mistakes=_mistakes(
            *options.mistakes,
            request_id,
            seen_version,
            not_after,
            *read_mistakes(body.get("mistakes")),
            *no_values,
            *untranslated,
        ),
        seen_version=seen_version if isinstance(seen_version, int) else None,
        not_after=_earliest(options.not_after, not_after),
        call_id=read_call_id(message.headers, index),
    )


def _earliest(one: datetime | None, other: object) -> datetime | None:
    if not isinstance(other, datetime):
        return one
    return other if one is None else min(one, other)


def _sender(given: Any) -> str | None:
    return given[:200] if isinstance(given, str) and is_storable(given) else None


def _derived_id(message: QueueMessage, index: int) -> UUID:
    """Return an id for a request without one: the same at each delivery of the message."""
    return uuid5(_MISSING_ID, f"{message.message_id}:{index}")


def _mistakes(*found: object) -> tuple[Rejection, ...]:
    """Return the rejections among the values, at most as many as an outcome holds."""
    return tuple(one for one in found if isinstance(one, Rejection))[:MAX_REJECTIONS]
