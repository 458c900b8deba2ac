"""From requests to Celery messages: each holds as many requests as fit."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from willcall.ids import new_request_id
from willcall.kinds import CANCEL, EXTEND, PAY, RELEASE, UPDATE
from willcall.messages import Message, task_message
from willcall.queues import ORDERS
from willcall.weights import MOST, weight_of

try:  # several times as fast, where it is installed
    import orjson
except ModuleNotFoundError:
    orjson = None  # type: ignore[assignment]

WEIGHT_OF_MESSAGE: Final = 100
"""Little enough that several workers share a large sending, and no one waits long for one message."""

CHANGES_PER_MESSAGE: Final = 20
"""Fewer changes of an order or a hold: it may have a thousand tickets, which are all written anew."""

_OF_UNKNOWN_SIZE: Final = frozenset({UPDATE, CANCEL, PAY, EXTEND, RELEASE})

MAX_BYTES: Final = 256 * 1024
"""Bytes of requests in one message; a larger request travels alone."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request ready to publish: its task, its tenant, its id, and its JSON."""

    kind: str
    tenant: str
    request_id: UUID
    json: bytes
    weight: int
    """How much work it is, about: a small order is 1."""
    by: str | None = None
    """The sender: a key's id, over HTTP."""
    call_id: str | None = None
    """The call of the intake by which it came, for logs."""
    traceparent: str | None = None
    """The trace context that it came with."""


def outgoing(
    kind: str,
    body: Mapping[str, Any],
    *,
    tenant: str,
    request_id: UUID | None = None,
    may_set_price: bool | None = None,
    by: str | None = None,
    dialect: str | None = None,
    seen_version: int | None = None,
    call_id: str | None = None,
    traceparent: str | None = None,
) -> Outgoing:
    """Return a request with its envelope: tenant, id (a new one unless given), what it may do, by whom,
    in which dialect it is, and which version its order had. `call_id` names the call of the intake for logs;
    `traceparent` is the trace context that it came with.

    Raises `TypeError` for values that JSON cannot hold; a `Decimal` is written as a string.
    """
    request_id = request_id or new_request_id()
    words = {**body, "tenant": tenant, "request_id": str(request_id)}
    if may_set_price is not None:
        words["may_set_price"] = may_set_price
    if by is not None:
        words["by"] = by
    if dialect is not None:
        words["dialect"] = dialect
    if seen_version is not None:
        words["seen_version"] = seen_version
    return Outgoing(kind, tenant, request_id, _dump(words), weight_of(kind, body), by, call_id, traceparent)


def _dump(words: Mapping[str, Any]) -> bytes:
    if orjson is not None:
        # Not for lone surrogates and integers over 64 bits: the worker rejects them, and names their field.
        with suppress(TypeError):
            return bytes(orjson.dumps(words, default=_plain))
    return json.dumps(words, default=_plain).encode()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    raise TypeError(f"a request cannot hold a {type(value).__name__}")


def pack(requests: Iterable[Outgoing], *, max_requests: int | None = None) -> list[Message]:
    """Return the messages that carry the requests: each is of one tenant and one kind.

    The requests of a tenant stay in their order; its messages go to its share of the queue. `max_requests` is
    how many are in a message; left out, as many as are little work together. What is more than that alone
    travels alone.
    """
    by_tenant: dict[str, list[Outgoing]] = {}
    for request in requests:
        by_tenant.setdefault(request.tenant, []).append(request)
    return [message for own in by_tenant.values() for message in _pack_one_tenants(own, max_requests)]


def _pack_one_tenants(requests: Iterable[Outgoing], max_requests: int | None) -> Iterator[Message]:
    together: list[Outgoing] = []
    size = weight = 0
    for request in requests:
        most = CHANGES_PER_MESSAGE if request.kind in _OF_UNKNOWN_SIZE else WEIGHT_OF_MESSAGE
        is_much = weight + request.weight > most
        is_full = len(together) == max_requests if max_requests else is_much
        is_full = is_full or size + len(request.json) > MAX_BYTES
        if together and (is_full or together[0].kind != request.kind):
            yield _message(together)
            together, size, weight = [], 0, 0
        together.append(request)
        size += len(request.json)
        weight += request.weight
    if together:
        yield _message(together)


def _message(requests: Sequence[Outgoing]) -> Message:
    return task_message(
        requests[0].kind,
        b'{"requests": [' + b", ".join(request.json for request in requests) + b"]}",
        queue=ORDERS,
        summary=f"requests={len(requests)} first={requests[0].request_id}",
        requests=min(sum(request.weight for request in requests), MOST),
        tenant=requests[0].tenant,
        requests_by=Counter(request.by or "" for request in requests),
        calls=[request.call_id for request in requests],
        traceparents=[request.traceparent for request in requests],
    )
