"""Fields of a request's envelope as a producer wrote them: what they say, or why they say nothing."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from schemas.outcomes import Rejection, RequestError
from schemas.text import is_storable, parse_any_uuid
from worker.broker.outgoing import CALLS

_LAST_VERSION: Final = 2**31 - 1  # PostgreSQL's integer, which versions of orders are

_CALL: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

_ERRORS: Final = TypeAdapter(list[RequestError])
_NOT_OURS: Final = Rejection("invalid", "mistakes", "mistakes is a field of Willcall's own; leave it out")


def read_request_id(given: Any) -> UUID | Rejection | None:
    """Return the id that the producer gave to the request, None if it left that to us, or the mistake.

    A malformed id is never replaced silently: the producer believes that it has named the request, and
    two sendings of it would become two orders.
    """
    if given is None:
        return None
    id_ = parse_any_uuid(given) if isinstance(given, str) else None
    return id_ or Rejection(
        "invalid", "request_id", "request_id must be a UUID, written as text; leave it out to get one"
    )


def read_seen_version(given: Any) -> int | Rejection | None:
    """Return the version that the order had at the request's acceptance, None for none, or the mistake."""
    if given is None:
        return None
    # `True` is an `int`, and nobody means 1 by it.
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= _LAST_VERSION:
        return given
    return Rejection(
        "invalid", "seen_version", f"seen_version must be a whole number from 1 to {_LAST_VERSION}"
    )


def read_moment(field: str, given: Any) -> datetime | Rejection | None:
    """Return a time in UTC, None for none, or the mistake; one without a zone is in UTC, as for Celery."""
    if given is None:
        return None
    try:
        # AMQP has times of its own, which its client has read already.
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return Rejection("invalid", field, f"{field} must be a time as in RFC 3339")


def read_call_id(headers: Mapping[str, Any], index: int) -> str | None:
    """Return the call that the message's request of this index came by; None where that is not known.

    It is for logs alone: a header that is not the intake's is no mistake.
    """
    calls = headers.get(CALLS)
    if not isinstance(calls, list) or not index < len(calls):
        return None
    call = calls[index]
    return call if isinstance(call, str) and _CALL.fullmatch(call) else None


def read_mistakes(given: Any) -> tuple[Rejection, ...]:
    """Return the mistakes that were found in a request before it was kept and sent again."""
    if given is None:
        return ()
    try:
        errors = _ERRORS.validate_python(given)
    except ValidationError:
        return (_NOT_OURS,)
    if not all(is_storable(f"{error.field}{error.message}") for error in errors):
        return (_NOT_OURS,)
    return tuple(Rejection(error.code, error.field, error.message) for error in errors)
