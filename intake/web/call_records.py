"""The record of the current call: its id and its caller."""

import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Final
from uuid import UUID

from intake.auth.keys import Caller

REQUEST_ID: Final = b"x-request-id"
"""The header with a call's id: from the caller or generated, and returned in the answer."""

# UUIDs, trace ids, base64, ULIDs and the like; nothing with a meaning in a log, a shell or a query.
_SAFE: Final = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")


@dataclass(slots=True)
class CallRecord:
    """A call and its answer so far; `size` is the length of the answer's body in bytes."""

    id: str
    caller: Caller | None = None
    """The authenticated caller."""
    request_id: UUID | None = None
    """The first request made from the call."""
    trace_id: str | None = None
    """The trace that the call belongs to, if tracing is on."""
    status: int = 0
    size: int = 0


_PROCESS: Final = secrets.token_hex(10)
_COUNT: Final = count(1)

_CURRENT: Final[ContextVar[CallRecord | None]] = ContextVar("call", default=None)


def begin(headers: Iterable[tuple[bytes, bytes]]) -> CallRecord:
    """Return the record of a new call, with the caller's id or a new one."""
    record = CallRecord(id_of(headers))
    _CURRENT.set(record)
    return record


def id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the caller's id of the call, or a new one."""
    given = [value for name, value in headers if name == REQUEST_ID]
    is_taken = len(given) == 1 and _SAFE.fullmatch(given[0]) is not None
    return given[0].decode() if is_taken else new_id()


def new_id() -> str:
    """Return a new id: the process's own number, and a counter."""
    # Getting random bytes from the system releases the interpreter to other threads, which takes a fifth of a
    # call. An id gives no access, so it may be guessable.
    return f"{_PROCESS}{next(_COUNT):012x}"


def current_id() -> str | None:
    """Return the id of the current call, or None."""
    record = _CURRENT.get()
    return None if record is None else record.id


def current_record() -> CallRecord | None:
    """Return the record of the current call, or None."""
    return _CURRENT.get()


def has_answer() -> bool:
    """Say whether the answer has begun."""
    record = _CURRENT.get()
    return record is not None and record.status != 0


def note_caller(caller: Caller) -> None:
    """Record the authenticated caller."""
    record = _CURRENT.get()
    if record is not None:
        record.caller = caller


def note_request(request_id: UUID) -> None:
    """Record the first request made from the call."""
    record = _CURRENT.get()
    if record is not None:
        record.request_id = request_id
