"""A call and its answer as a line of a recording: texts as they were on the wire, without secrets."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

KEPT_HEADERS: Final = (
    "accept",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "prefer",
    "x-acme-request-uuid",
    "x-b2c-tenant-id",
)
"""The headers that affect a call's answer and are not secret."""

KEPT_ANSWER_HEADERS: Final = ("content-type", "etag", "link", "location", "preference-applied", "retry-after")


class NotARecording(Exception):
    """{path}, line {number}, is not a call of a recording."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call and its answer; `path` has the query. A body that is not text is not kept."""

    method: str
    path: str
    headers: Mapping[str, str]
    credentials: Mapping[str, str]
    """The headers that authenticate the caller, each with its scheme (`Bearer`) or an empty text."""
    body: str | None
    status: int
    answer_headers: Mapping[str, str]
    answer: str | None

    def line(self) -> bytes:
        """Return the exchange as a line of JSON."""
        content = asdict(self)
        try:
            return json.dumps(content, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError:  # bytes that are no UTF-8, as lone surrogates
            return json.dumps(content).encode() + b"\n"


def read_recording(path: Path) -> Iterator[Exchange]:
    """Return the exchanges of a file, in their order. Raises `NotARecording`."""
    names = {field.name for field in fields(Exchange)}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            content = _parsed(line)
            if not isinstance(content, dict) or set(content) != names:
                raise NotARecording(f"{path}, line {number}, is not a call of a recording")
            yield Exchange(**content)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def text_of(content: bytes, media_type: str) -> str | None:
    """Return a body as text; None for one that is no text, such as a PDF."""
    kind = media_type.partition(";")[0].strip().lower()
    if not content or kind.startswith("image/") or kind in ("application/pdf", "application/octet-stream"):
        return None
    return content.decode("utf-8", "surrogateescape")
