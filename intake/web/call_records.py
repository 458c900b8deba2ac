"""What is known of the call that is being answered: its id, and who made it."""

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
"""The header that names a call: taken from the caller or made here, and answered."""

# Such as UUIDs, trace ids, base64 and ULIDs; nothing that a log, a shell or a query could take for something.
_SAFE: Final = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")


@dataclass(slots=True)
class CallRecord:
    """A call, and what became of it so far; `size` are the bytes of the answer's body."""

    id: str
    caller: Caller | None = None
    """Who has proved to be the caller."""
    request_id: UUID | None = None
    """The first request that the call has become."""
    status: int = 0
    size: int = 0


_PROCESS: Final = secrets.token_hex(10)
_COUNT: Final = count(1)

_CURRENT: Final[ContextVar[CallRecord | None]] = ContextVar("call", default=None)


def begin(headers: Iterable[tuple[bytes, bytes]]) -> CallRecord:
    """Return the record of a call that begins, under the id that it brings or a new one."""
    record = CallRecord(id_of(headers))
    _CURRENT.set(record)
    return record


def id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that a call brings, or a new one."""
    given = [value for name, value in headers if name == REQUEST_ID]
    is_taken = len(given) == 1 and _SAFE.fullmatch(given[0]) is not None
    return given[0].decode() if is_taken else new_id()


def new_id() -> str:
    """Return an id for a call that has none: the process's own number, and a count."""
    # To ask the system for each lets other threads have the interpreter, which takes as long as a fifth of a
    # call. An id opens nothing, so that it may be guessed.
    return f"{_PROCESS}{next(_COUNT):012x}"


def current_id() -> str | None:
    """Return the id of the call that is being answered here; None where none is."""
    record = _CURRENT.get()
    return None if record is None else record.id


def has_answer() -> bool:
    """Say whether the call has begun to be answered."""
    record = _CURRENT.get()
    return record is not None and record.status != 0


def note_caller(caller: Caller) -> None:
    """Note who has proved to be the caller."""
    record = _CURRENT.get()
    if record is not None:
        record.caller = caller


def note_request(request_id: UUID) -> None:
    """Note the first request that the call has become."""
    record = _CURRENT.get()
    if record is not None:
        record.request_id = request_id
