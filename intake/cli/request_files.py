"""Files of requests: one JSON object, a JSON array, or JSON Lines, which may be larger than memory."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import orjson

from intake.cli.failures import CommandFailed
from schemas.requests import ENVELOPE_FIELDS
from vendors.dialect import Dialect, NotTranslatable
from willcall.ids import parse_any_uuid

MAX_DOCUMENT_BYTES: Final = 256 * 1024 * 1024
"""A JSON array or a single object is read whole, up to this size; JSON Lines can have any size."""

_SMALL_BYTES: Final = 16 * 1024 * 1024
_MISTAKES_SHOWN: Final = 20
_BOM: Final = b"\xef\xbb\xbf"


class _Mistake(Exception):
    """A request cannot be sent; the message says why."""


@dataclass(slots=True)
class RequestFile:
    """A file that was read once and is well formed; iterating reads it again."""

    name: str
    file: IO[bytes]
    tenant: str | None
    is_lines: bool
    dialect: Dialect | None = None
    count: int = 0

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the requests in order, each with its tenant."""
        for place, request in _read(self.file, self.is_lines):
            yield from self._checked(place, request)

    def check(self) -> None:
        """Count the requests. Raises `CommandFailed` with the lines of requests that cannot be sent."""
        mistakes = []
        for place, request in _read(self.file, self.is_lines):
            try:
                self.count += len(self._checked(place, request))
            except CommandFailed as error:
                self.count += 1
                mistakes.append(f"  {error}")
                if len(mistakes) == _MISTAKES_SHOWN:
                    mistakes.append("  and possibly more")
                    break
        if mistakes:
            raise CommandFailed("\n".join([f"{self.name} was not sent:", *mistakes]))
        if not self.count:
            raise CommandFailed(f"{self.name} holds no requests")

    def _checked(self, place: str, request: Any) -> list[tuple[str, dict[str, Any]]]:
        try:
            tenant = _tenant(request, self.tenant)
            return [(tenant, one) for one in _split(request, self.dialect)]
        except _Mistake as error:
            raise CommandFailed(f"{place}: {error}") from error


def open_requests(
    name: str, tenant: str | None, stack: ExitStack, dialect: Dialect | None = None
) -> RequestFile:
    """Open a file (`-`: standard input) and check all of it; it is closed with the stack.

    With a dialect, each document is the body of a call in that dialect, and may hold several requests.
    """
    file = stack.enter_context(_opened(name))
    is_lines = _is_lines(file)
    requests = RequestFile("standard input" if name == "-" else name, file, tenant, is_lines, dialect)
    requests.check()
    return requests


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """Open a file that can be read again; a pipe is copied into one."""
    with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
        if name != "-" and Path(name).is_file():
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            yield copy


def _is_lines(file: IO[bytes]) -> bool:
    """Say whether the file is JSON Lines rather than one JSON document."""
    first = next((line for _, line in _lines(file)), b"")
    if first.startswith(b"[") or first == b"{":
        return False
    if _is_object(first):
        return True
    # Its first line is malformed, or it is one object over several lines.
    file.seek(0)
    text = file.read(_SMALL_BYTES + 1)
    return len(text) > _SMALL_BYTES or not _is_object(text.removeprefix(_BOM))


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Return the lines that are not blank, with their numbers."""
    file.seek(0)
    for number, line in enumerate(file, 1):
        text = (line.removeprefix(_BOM) if number == 1 else line).strip()
        if text:
            yield number, text


def _read(file: IO[bytes], is_lines: bool) -> Iterator[tuple[str, Any]]:
    """Return the file's values with their places; a line that is not JSON yields its error."""
    if is_lines:
        for number, line in _lines(file):
            yield f"line {number}", _parsed(line)
        return
    file.seek(0)
    text = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(text) > MAX_DOCUMENT_BYTES:
        raise CommandFailed("the JSON document is too large: write one request per line")
    document = _parsed(text.removeprefix(_BOM))
    if not isinstance(document, list):
        yield "the document", document
        return
    for number, request in enumerate(document, 1):
        yield f"element {number}", request


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return error


def _tenant(request: Any, tenant: str | None) -> str:
    if isinstance(request, orjson.JSONDecodeError):
        raise _Mistake(f"it is not JSON: {request}")
    if not isinstance(request, dict):
        raise _Mistake("it is not a JSON object")
    named = request.get("tenant", tenant)
    if not isinstance(named, str) or not named:
        raise _Mistake("it names no tenant; use --tenant, or add the field tenant to the request")
    if tenant is not None and named != tenant:
        raise _Mistake(f"it names the tenant {named}, not {tenant}")
    id_ = request.get("request_id")
    if id_ is not None and (not isinstance(id_, str) or parse_any_uuid(id_) is None):
        raise _Mistake("its request_id is not a UUID")
    return named


def _split(request: dict[str, Any], dialect: Dialect | None) -> list[dict[str, Any]]:
    if dialect is None:
        return [request]
    envelope = {name: request[name] for name in ENVELOPE_FIELDS if name in request}
    payload = {name: value for name, value in request.items() if name not in ENVELOPE_FIELDS}
    try:
        requests = dialect.split(payload)
    except NotTranslatable as error:
        raise _Mistake(f"it is not in the dialect {dialect.name}: {error}") from error
    if len(requests) > 1 and envelope.get("request_id") is not None:
        raise _Mistake(f"it holds {len(requests)} requests, but has only one request_id; leave it out")
    return [{**one, **envelope} for one in requests]
