"""Reading the body of a call, up to its maximum length."""

import asyncio
from collections.abc import Sequence
from typing import Final

from fastapi import Request

from intake.parts import parts_of
from intake.web.limits import DISCARDED_BODIES
from intake.web.problems import Problem, invalid

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
"""JSON Merge Patch (RFC 7396)."""


async def read_body(
    request: Request, media_types: Sequence[str] = (JSON,), *, limit: int | None = None
) -> bytes:
    """Return the body of a call in one of these media types; "" stands for a call that names none.

    `limit` is its maximum length in bytes, if that is less than elsewhere.

    Raises `Problem`: 415 for another content type, 413 for a body that is too long, 408 for an
    incomplete one.
    """
    _check_type(request, media_types)
    return await _read_in_time(request, limit)


async def read_optional_body(request: Request) -> bytes:
    """Return the body of a JSON call; an empty object for a call without one. Raises as `read_body`."""
    if "content-type" in request.headers:
        _check_type(request, (JSON,))
    body = await _read_in_time(request)
    if not body.strip():
        return b"{}"
    _check_type(request, (JSON,))
    return body


async def _read_in_time(request: Request, limit: int | None = None) -> bytes:
    parts = parts_of(request.app)
    limit = min(limit or parts.max_body, parts.max_body)
    if _declared_length(request) > limit and "expect" in request.headers:
        raise _too_large(limit)  # the client expects 100 Continue (RFC 9110, 10.1.1)
    try:
        async with asyncio.timeout(parts.body_seconds):
            return await _read(request, limit, DISCARDED_BODIES * parts.max_body)
    except TimeoutError as error:
        raise Problem(
            408,
            f"the body did not arrive within {parts.body_seconds:g} s",
            headers={"connection": "close"},
        ) from error


def _check_type(request: Request, media_types: Sequence[str]) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in media_types:
        # A refused patch is answered with the accepted types (RFC 5789, 2.2).
        headers = {"accept-patch": ", ".join(media_types)} if request.method == "PATCH" else None
        known = " or ".join(filter(None, media_types))
        raise invalid(f"the content type must be {known}", status=415, headers=headers)
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise invalid("the body must not be compressed", status=415)


def _declared_length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


async def _read(request: Request, limit: int, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size <= most:
            # Read to its end and discarded: a client that is cut off while it sends may never see
            # the answer.
            chunks.clear()
        else:
            raise _too_large(limit)
    if size > limit:
        raise invalid(_why_too_large(limit), status=413)
    return b"".join(chunks)


def _why_too_large(limit: int) -> str:
    return f"the body is longer than {limit} bytes"


def _too_large(limit: int) -> Problem:
    # The rest of the body is still arriving: this connection cannot carry another call.
    return invalid(_why_too_large(limit), status=413, headers={"connection": "close"})
