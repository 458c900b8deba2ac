"""Clients of the intake, in a process of their own: `python -m benchmarks.intake_load PORT`.

Each keeps one connection and sends its next request when the last is answered. Each line of standard input is
a `Calls` in JSON, and is answered by a line: the milliseconds of each call, in JSON.
"""

import asyncio
import hmac
import sys
import time
from base64 import b64encode
from dataclasses import asdict, dataclass, field
from typing import Final
from uuid import uuid4

import orjson

UNIQUE: Final = "00000000000000000000000000000000"
"""In a body or a header: each call has 32 other letters and digits in its place."""


class Refused(Exception):
    """The intake answered with another status."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What the clients send, for how long, and the status that every answer is to have."""

    path: str
    seconds: float
    connections: int
    status: int = 202
    method: str = "POST"
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    """What signs each call, where the dialect wants that; empty: nothing."""
    paths: tuple[str, ...] = ()
    """The paths in turn, in place of `path`."""

    def line(self) -> str:
        """Return the line that a process of clients reads."""
        return orjson.dumps(asdict(self)).decode() + "\n"

    def request(self, number: int) -> bytes:
        """Return one call as it goes over the wire."""
        unique = uuid4().hex
        path = self.paths[number % len(self.paths)] if self.paths else self.path
        body = self.body.replace(UNIQUE, unique).encode()
        headers = {
            "Host": "127.0.0.1",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **{name: value.replace(UNIQUE, unique) for name, value in self.headers.items()},
        }
        if self.secret:
            signed = hmac.digest(
                self.secret.encode(), f"{self.method} 127.0.0.1{path}?".encode() + body, "sha256"
            )
            headers["X-Signature"] = b64encode(signed).decode()
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def _send(port: int, calls: Calls, first: int, until: float) -> list[float]:
    """Send requests until a time (monotonic seconds); return how long each took, milliseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    number = first
    while (started := time.monotonic()) < until:
        writer.write(calls.request(number))
        answer = await reader.readuntil(b"\r\n\r\n")
        content = await reader.readexactly(_length(answer))
        if not answer.startswith(f"HTTP/1.1 {calls.status}".encode()):
            raise Refused(answer.decode() + content.decode())
        times.append((time.monotonic() - started) * 1_000)
        number += calls.connections
    writer.close()
    return times


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


async def _call(port: int, calls: Calls) -> list[float]:
    until = time.monotonic() + calls.seconds
    found = await asyncio.gather(*(_send(port, calls, number, until) for number in range(calls.connections)))
    return [one for times in found for one in times]


def main() -> None:
    """Call whenever a line says so."""
    port = int(sys.argv[1])
    for line in sys.stdin:
        times = asyncio.run(_call(port, Calls(**orjson.loads(line))))
        sys.stdout.write(orjson.dumps([round(one, 2) for one in times]).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
