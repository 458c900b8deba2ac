"""The body of a Celery message: decompressed within a bound, and read as JSON."""

import bz2
import json
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import orjson

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Maximum bytes of a decompressed body: as many as a batch may have."""

_LZMA_BYTES: Final = 64 * 1024 * 1024  # of memory, which the sender's preset determines

_JSON: Final = "application/json"
_TEXTS: Final = {None, "", "utf-8", "utf8", "us-ascii", "ascii", "binary"}


class Unreadable(Exception):
    """The message holds no requests that can be read; the text says why."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


# kombu's names of the compressions in Python's standard library; other libraries add others.
_DECOMPRESSORS: Final[Mapping[str, Callable[[], _Decompressor]]] = {
    "application/x-gzip": lambda: zlib.decompressobj(),
    "application/x-bz2": bz2.BZ2Decompressor,
    "application/x-lzma": lambda: lzma.LZMADecompressor(memlimit=_LZMA_BYTES),
}


def decompressed(body: bytes, compression: object) -> bytes:
    """Return the decompressed body; `compression` is a kombu content type. Raises `Unreadable`."""
    if not compression:
        return body
    make = _DECOMPRESSORS.get(compression) if isinstance(compression, str) else None
    if make is None:
        raise Unreadable(
            f"the compression {str(compression)[:100]!r} is not supported; use gzip, bzip2 or lzma"
        )
    decompressor = make()
    try:
        content = decompressor.decompress(body, MAX_BODY_BYTES + 1)
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
        raise Unreadable(f"the body cannot be decompressed: {error}") from error
    if len(content) > MAX_BODY_BYTES:
        raise Unreadable(f"the decompressed body has more than {MAX_BODY_BYTES} bytes")
    if not decompressor.eof:
        raise Unreadable("the body cannot be decompressed: it is truncated")
    return content


def read_json(body: bytes, content_type: object, content_encoding: object) -> tuple[Any, bool]:
    """Return the parsed body, and whether it is standard JSON. Raises `Unreadable` for anything else."""
    # Producers other than Celery clients may leave these out.
    if content_type and content_type != _JSON:
        raise Unreadable(
            f"the body is {str(content_type)[:100]}, and only JSON is supported: set task_serializer to json"
        )
    if not isinstance(content_encoding, str | None) or (content_encoding or "").lower() not in _TEXTS:
        raise Unreadable(f"the body's encoding is {str(content_encoding)[:100]}; only UTF-8 is supported")
    try:
        return orjson.loads(body), True
    except orjson.JSONDecodeError:
        pass
    # The slow parser accepts lone surrogates and NaN: one bad name must not cost 499 neighbours their order.
    try:
        return json.loads(body), False
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the body is not JSON: {error}") from error
