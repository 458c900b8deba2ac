"""Clients of the intake, in a process of their own: `python -m benchmarks.intake_load PORT`.

Each keeps one connection and sends its next request when the last is answered. Standard input is a line with
the API key, one with the body of an order, and then one with a path and seconds for each run, which is
answered with the number of answers.
"""

import asyncio
import sys
import time
from typing import Final
from uuid import uuid4

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


async def _call(port: int, path: str, seconds: float, key: str, body: bytes) -> int:
    head = _HEAD.format(path=path, key=key, length=len(body)).encode()
    until = time.monotonic() + seconds
    return sum(await asyncio.gather(*(_send(port, head, body, until) for _ in range(_CONNECTIONS))))


def main() -> None:
    """Read the key and the body, a line each; then call whenever a line says so."""
    port = int(sys.argv[1])
    key, body = (sys.stdin.readline().strip() for _ in range(2))
    for line in sys.stdin:
        path, seconds = line.split()
        answers = asyncio.run(_call(port, path, float(seconds), key, body.encode()))
        sys.stdout.write(f"{answers}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
