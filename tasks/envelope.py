"""Reading the fields of a request's envelope: each function returns the value, or a rejection."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from schemas.outcomes import Rejection, RequestError
from schemas.text import is_storable
from willcall.ids import parse_any_uuid
from willcall.messages import CALLS

_LAST_VERSION: Final = 2**31 - 1  # PostgreSQL's integer, which versions of orders are

_CALL: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

_ERRORS: Final = TypeAdapter(list[RequestError])
_NOT_OURS: Final = Rejection("invalid", "mistakes", "mistakes is for Willcall's own use; leave it out")


def read_request_id(given: Any) -> UUID | Rejection | None:
    """Return the producer's request id, None if it is left out, or a rejection.

    A malformed id is never replaced silently: the producer relies on its id, and sending the request twice
    would create two orders.
    """
    if given is None:
        return None
    id_ = parse_any_uuid(given) if isinstance(given, str) else None
    return id_ or Rejection(
        "invalid", "request_id", "request_id must be a UUID, as a string; leave it out to have one generated"
    )


def read_seen_version(given: Any) -> int | Rejection | None:
    """Return the order's version when the request was accepted, None if it is left out, or a rejection."""
    if given is None:
        return None
    # `True` is an `int`, but not a version.
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= _LAST_VERSION:
        return given
    return Rejection("invalid", "seen_version", f"seen_version must be an integer from 1 to {_LAST_VERSION}")


def read_moment(field: str, given: Any) -> datetime | Rejection | None:
    """Return the time, None if it is left out, or a rejection; without a zone it is UTC, as in Celery."""
    if given is None:
        return None
    try:
        # AMQP has a type for times, which its client library has parsed already.
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return Rejection("invalid", field, f"{field} must be a time in RFC 3339 format")


def read_call_id(headers: Mapping[str, Any], index: int) -> str | None:
    """Return the id of the HTTP call that sent the message's request at this index; None if unknown.

    It is for logs only: a header of another shape is no mistake.
    """
    calls = headers.get(CALLS)
    if not isinstance(calls, list) or not index < len(calls):
        return None
    call = calls[index]
    return call if isinstance(call, str) and _CALL.fullmatch(call) else None


def read_mistakes(given: Any) -> tuple[Rejection, ...]:
    """Return the mistakes that were found in a request before it was stored for a retry."""
    if given is None:
        return ()
    try:
        errors = _ERRORS.validate_python(given)
    except ValidationError:
        return (_NOT_OURS,)
    if not all(is_storable(f"{error.field}{error.message}") for error in errors):
        return (_NOT_OURS,)
    return tuple(Rejection(error.code, error.field, error.message) for error in errors)
