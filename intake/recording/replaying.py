"""Replays the calls of a recording, in order, and reports differing answers."""

import http.client
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from intake.auth.keys import NewKey
from intake.recording.comparing import differences, is_pending
from intake.recording.discretion import HIDDEN
from intake.recording.exchanges import Exchange, text_of
from intake.recording.identity import Identity
from intake.recording.names import KEY_HEADERS, Names

_TIMEOUT_SECONDS: Final = 120
_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replayed call, and the differences in its answer."""

    number: int
    exchange: Exchange
    differences: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return what the call is called: its place, method and path."""
        return f"call {self.number}, {self.exchange.method} {self.exchange.path}"


def replay(exchanges: Iterable[Exchange], target: str, made: NewKey) -> Iterator[Replayed]:
    """Make each call again with the key; a wait that was over is over again. Raises `OSError`."""
    names, server = Names(), _Server(target)
    identity = Identity(made, server.host, server.send_text)
    for number, exchange in enumerate(exchanges, 1):
        path = names.path(exchange.path)
        text = identity.body(exchange, names.body(exchange.body or ""))
        if HIDDEN in path or HIDDEN in text:
            yield Replayed(number, exchange, ("it needs a secret, which no recording holds",))
            continue
        body = text.encode("utf-8", "surrogateescape")
        headers = {
            name: names.key(value) if name in KEY_HEADERS else value
            for name, value in exchange.headers.items()
        }
        headers |= identity.headers(exchange, path, body)
        found = _call(server, exchange, path, headers, body, names)
        yield Replayed(number, exchange, tuple(found))


def _call(
    server: "_Server", exchange: Exchange, path: str, headers: dict[str, str], body: bytes, names: Names
) -> list[str]:
    """Return the differences. A call that only reads is repeated for a while: its change may be under way."""
    until = time.monotonic() + (_PATIENCE_SECONDS if exchange.method == "GET" else 0)
    while True:
        status, answer_headers, content = server.send(exchange.method, path, headers, body)
        if is_pending(exchange) and status < 300:
            return []
        answer = text_of(content, answer_headers.get("content-type", ""))
        found = differences(exchange, status, answer_headers, answer, names)
        if not found or time.monotonic() > until:
            return found
        time.sleep(_PAUSE_SECONDS)


class _Server:
    """The intake that is called."""

    def __init__(self, target: str) -> None:
        self._url = urlsplit(target)
        self.host = self._url.hostname or ""

    def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Make a call; return the status, the headers and the content of its answer."""
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.netloc, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    def send_text(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Make a call; return the status and the text of its answer."""
        status, _, content = self.send(method, path, headers, body)
        return status, content.decode()
