"""Trace contexts in messages: W3C Trace Context's `traceparent`, as text.

A message whose requests all came with one trace context has it in the standard header. Any other has a list,
with an empty text for a request without one. A malformed value is ignored, as tracing must stop no order.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

TRACEPARENT: Final = "traceparent"
"""The header of a message whose requests all have this trace context; any Celery client may send it."""

TRACEPARENTS: Final = "willcall_traceparents"
"""The header with the trace context of each request in the message."""

# Later versions may have more fields, of which the first four are read.
_VALID: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_LENGTH: Final = 55
_LONGEST: Final = 512  # characters


def checked(given: object) -> str | None:
    """Return the trace context in the form of version 00, or None for anything else."""
    if not isinstance(given, str) or not _LENGTH <= len(given) <= _LONGEST:
        return None
    first, rest = given[:_LENGTH], given[_LENGTH:]
    is_valid = _VALID.fullmatch(first) is not None and (rest.startswith("-") if rest else True)
    if not is_valid or (rest and first.startswith("00")):
        return None
    return f"00{first[2:]}"


def trace_id_of(traceparent: str) -> str:
    """Return the trace id of a checked trace context."""
    return traceparent[3:35]


def headers_of(traceparents: Sequence[str | None]) -> dict[str, Any]:
    """Return the headers of a message whose requests have these trace contexts, in order."""
    if not any(traceparents):
        return {}
    first = traceparents[0]
    if first is not None and all(one == first for one in traceparents):
        return {TRACEPARENT: first}
    return {TRACEPARENTS: [one or "" for one in traceparents]}


def read_headers(headers: Mapping[str, Any], requests: int) -> list[str | None]:
    """Return the trace contexts of a message's requests, in order."""
    each = headers.get(TRACEPARENTS)
    if isinstance(each, list):
        found = [checked(one) for one in each[:requests]]
        return found + [None] * (requests - len(found))
    return [checked(headers.get(TRACEPARENT))] * requests
