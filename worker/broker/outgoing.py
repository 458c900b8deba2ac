"""Messages to publish, and the Celery messages (protocol 2) that carry requests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

ORIGIN: Final = "willcall"

CALLS: Final = "willcall_calls"
"""The header of a message that names the call of each of its requests, for logs."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish: a body, and where it goes."""

    exchange: str
    routing_key: str
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, Any] = field(default_factory=dict)
    is_mandatory: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    """Whose orders it carries, if they are one tenant's: then it goes to that tenant's share."""
    requests_by: Mapping[str, int] = field(default_factory=dict)
    """How many requests of whom are in it, for those who count; it does not travel."""


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
) -> Message:
    """Return a Celery message (protocol 2) for a task; `kwargs_json` is the JSON of its keyword arguments.

    `summary` is all that Flower and the logs will show of the arguments: no buyer's name may be in it.
    `requests` tells the bulk consumer how many requests the message carries, before it reads the body; one
    that is more work than a small order counts as several.
    `tenant` whose they all are: then the message goes to that tenant's share instead of `orders`.
    `calls` are the ids of the calls that they came by, for logs: one for each, or None.
    """
    task_id = str(uuid4())
    headers: dict[str, Any] = {
        "lang": "py",
        "task": task,
        "id": task_id,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "argsrepr": "()",
        "kwargsrepr": summary,
        "origin": ORIGIN,
        "ignore_result": True,
        "retries": 0,
        "timelimit": [None, None],
        "eta": None,
        "expires": None,
        "shadow": None,
        "willcall_requests": requests,
    }
    if tenant is not None:
        headers["willcall_tenant"] = tenant
    if any(calls):
        # A header, as a worker of the version before takes no notice of it.
        headers[CALLS] = [call or "" for call in calls]
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
    """Return the JSON of a small task's keyword arguments."""
    return json.dumps(kwargs).encode()
