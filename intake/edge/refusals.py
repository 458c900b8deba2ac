"""Answers before routing, in the format of their path: whole responses, as bytes."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

from intake.dialects.error_shapes import SHAPES
from intake.web.call_records import REQUEST_ID, begin, id_of
from intake.web.problems import RETRY_AFTER_SECONDS, Problem, in_shape, invalid, unavailable

BUSY: Final = "this process has reached its limit of calls; try again"


def refusal(status: int, sentence: str) -> Problem:
    """Return the problem of a call that is refused at the edge, after which the connection closes."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Problem(status, sentence, headers={"retry-after": RETRY_AFTER_SECONDS})
    return invalid(sentence, status=status)


def as_bytes(problem: Problem, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the response that closes the connection, as it goes over the wire.

    `url` and `headers` are those of the call, as far as they have arrived. The path decides the shape.
    """
    path = url.partition(b"?")[0].decode("latin-1")
    called = {"type": "http", "path": path, "query_string": b"", "headers": list(headers)}
    response = in_shape(SHAPES, called, problem)
    response.headers[REQUEST_ID.decode()] = id_of(headers)
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode(),
        *(b"%s: %s" % header for header in response.raw_headers),
        b"connection: close",
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body)


async def busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a call beyond the limit (an ASGI application)."""
    problem = unavailable(BUSY)
    problem.headers |= {"connection": "close", REQUEST_ID.decode(): begin(scope["headers"]).id}
    await in_shape(SHAPES, scope, problem)(scope, receive, send)
