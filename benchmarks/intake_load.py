"""Clients of the intake, in a process of their own: `python -m benchmarks.intake_load PORT PATH SECONDS`.

Each keeps one connection and sends its next request when the last is answered. The API key is read from
standard input, the number of answers is written to standard output.
"""

import asyncio
import sys
import time
from typing import Final
from uuid import uuid4

import orjson

from benchmarks.orders import make_orders
from schemas.requests import ENVELOPE_FIELDS

_CONNECTIONS: Final = 32

_HEAD: Final = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\nIdempotency-Key: "
)


class Refused(Exception):
    """The intake answered something else than 202."""


async def _send(port: int, head: bytes, body: bytes, until: float) -> int:
    """Send requests until a time (monotonic seconds); return how many were answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while time.monotonic() < until:
        writer.write(head + uuid4().hex.encode() + b"\r\n\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 202"):
            raise Refused(answer.decode())
        await reader.readexactly(_length(answer))
        answered += 1
    writer.close()
    return answered


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


def _body() -> bytes:
    order = make_orders(1)[0]
    own = ENVELOPE_FIELDS | {"idempotency_key"}  # the key travels as a header
    return orjson.dumps({name: value for name, value in order.items() if name not in own})


async def _main(port: int, path: str, seconds: float, key: str) -> int:
    body = _body()
    head = _HEAD.format(path=path, key=key, length=len(body)).encode()
    until = time.monotonic() + seconds
    return sum(await asyncio.gather(*(_send(port, head, body, until) for _ in range(_CONNECTIONS))))


if __name__ == "__main__":
    answers = asyncio.run(
        _main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.stdin.readline().strip())
    )
    sys.stdout.write(f"{answers}\n")
