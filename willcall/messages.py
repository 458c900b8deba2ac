"""Messages to publish, and the Celery messages (protocol 2) that carry requests."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from willcall.traceparents import headers_of

ORIGIN: Final = "willcall"

CALLS: Final = "willcall_calls"
"""The header with the id of the HTTP call of each request in the message, for logs."""

SENT_AT: Final = "willcall_sent_at"
"""The header with the time at which the message was sent, in milliseconds since 1970, for metrics."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish: its body and its destination."""

    exchange: str
    routing_key: str
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, Any] = field(default_factory=dict)
    is_mandatory: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    """The tenant of all its orders, if they are one tenant's: then it goes to that tenant's share."""
    requests_by: Mapping[str, int] = field(default_factory=dict)
    """The count of its requests by sender, for the intake's limits; it is not published."""


def task_message(
    task: str,
    kwargs_json: bytes,
    *,
    queue: str,
    summary: str,
    requests: int = 0,
    tenant: str | None = None,
    requests_by: Mapping[str, int] | None = None,
    calls: Sequence[str | None] = (),
    traceparents: Sequence[str | None] = (),
) -> Message:
    """Return a Celery message (protocol 2) for a task; `kwargs_json` is the JSON of its keyword arguments.

    `summary` is all that Flower and the logs show of the arguments: it must not hold a buyer's name.
    `requests` tells the bulk consumer the count of requests before it reads the body; one that is more work
    than a small order counts as several.
    `tenant` is the tenant of all requests, if it is one: then the message goes to its share, not to `orders`.
    `calls` has the id of each request's HTTP call, or None, for logs; `traceparents` its trace context, or
    None.
    """
    task_id = str(uuid4())
    # Options that are not set are left out, as Celery allows: each header costs each message time.
    headers: dict[str, Any] = {
        "lang": "py",
        "task": task,
        "id": task_id,
        "root_id": task_id,
        "argsrepr": "()",
        "kwargsrepr": summary,
        "origin": ORIGIN,
        "ignore_result": True,
        "willcall_requests": requests,
        SENT_AT: time.time_ns() // 1_000_000,
    }
    if tenant is not None:
        headers["willcall_tenant"] = tenant
    if any(calls):
        # A header, as workers of the previous version ignore it.
        headers[CALLS] = [call or "" for call in calls]
    headers |= headers_of(traceparents)
    embed = b', {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
    return Message(
        exchange=queue,
        routing_key=queue,
        body=b"[[], " + kwargs_json + embed,
        headers=headers,
        is_mandatory=True,
        properties={"correlation_id": task_id},
        tenant=tenant,
        requests_by=requests_by or {},
    )


def kwargs_json(**kwargs: object) -> bytes:
    """Return the keyword arguments of a small task as JSON."""
    return json.dumps(kwargs).encode()
