"""Counts what a connection sends: uvicorn's parser callbacks, with limits on sizes and numbers.

Nothing here is done for each byte: sizes are compared in the parser's callbacks.
"""

import asyncio
import re
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from intake.edge.crowd import BODY, HEAD, IDLE, Phase
from intake.edge.refusals import busy, refusal
from intake.web.limits import MAX_PIECES, MAX_PIPELINED, MAX_URL, Limits
from worker.runtime.metrics import REFUSED

_HEALTH: Final = frozenset({b"/healthz", b"/readyz", b"/metrics"})
# The characters of a host's name, address and port (RFC 3986, 3.2.2); it is empty if the caller has none.
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_BODIES: Final = frozenset({b"content-length", b"transfer-encoding"})


class Refused(Exception):
    """Stops the parser: the call is refused."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = refusal(status, sentence)


class CountingProtocol(HttpToolsProtocol):
    """A connection whose heads, bodies, framing and pipeline are bounded; raises `Refused` in the parser."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._served = self.app
        self._most_calls = limits.calls
        self._most_headers = limits.headers
        self._read = 0  # bytes of this read
        self._running: RequestResponseCycle | None = None
        # Of the message that is being parsed.
        self._part = IDLE
        self._begun = 0  # messages that began in this read
        self._wire = 0
        self._pieces = 0
        self._framing = 0  # bytes since the last piece of the body

    def on_message_begin(self) -> None:
        """Begin a call."""
        super().on_message_begin()
        self._begun += 1
        self._part = HEAD
        self._wire = self._pieces = self._framing = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. A trailer, after the body, is counted like a header and ignored."""
        super().on_header(name, value)
        if len(self.headers) > self._most_headers:
            raise Refused(431, f"there are more than {self._limits.headers} headers")
        if self._part is BODY:
            self._count_framing(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Start the call, or queue it behind the current one."""
        if self._wire + self._read > self._limits.header_bytes or len(self.url) > MAX_URL:
            self._check_head(0)
        if len(self.pipeline) >= MAX_PIPELINED:
            raise Refused(429, f"more than {MAX_PIPELINED} calls wait on this connection")
        if self.parser.should_upgrade() and any(name in _BODIES for name, _ in self.headers):
            # The parser takes the rest for the other protocol, so the body would be lost.
            raise Refused(400, "other protocols are not supported: send the call without the header Upgrade")
        self._check_host()
        is_busy = len(self.tasks) >= self._most_calls and self.url.partition(b"?")[0] not in _HEALTH
        if is_busy:
            REFUSED.labels("503").inc()
        self.app = busy if is_busy else self._served
        super().on_headers_complete()
        self._part = BODY
        self.headers = []  # the call has its own list; this one is for the trailers

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._pieces += 1
        self._framing = 0
        if self._pieces > MAX_PIECES:
            raise Refused(400, f"the body comes in more than {MAX_PIECES} pieces")
        super().on_body(body)
        # The body of a call that waits for its turn is not read yet.
        if self.cycle is not self._running and len(self.cycle.body) > self._limits.body_bytes:
            raise Refused(413, f"the body is longer than {self._limits.body_bytes} bytes")

    def on_message_complete(self) -> None:
        """End the message."""
        self._part = IDLE
        super().on_message_complete()

    def _count(self, part: Phase, pieces: int) -> None:
        """Count a read. Raises `Refused`.

        `part` is the part of the message that the parser was in before it, and `pieces` the number of pieces
        of the body.
        """
        if self._part is HEAD:
            # The parser does not report a header before its end. If a body ended in this read, the head's
            # share of the read is unknown, too: then the head counts from the next read on.
            if self._begun == 0 or (self._begun == 1 and part is IDLE):
                self._wire += self._read
            self._check_head(self._wire)
        elif self._part is BODY:
            self._count_body(is_framing=part is BODY and pieces == self._pieces)

    def _count_body(self, *, is_framing: bool) -> None:
        self._wire += self._read
        if self._wire > self._limits.wire_bytes:
            raise Refused(413, f"the body is longer than {self._limits.body_bytes} bytes")
        # Chunk extensions and trailers, which the parser does not report before their end either.
        if is_framing:
            self._count_framing(self._read)

    def _count_framing(self, size: int) -> None:
        self._framing += size
        if self._framing > self._limits.header_bytes:
            raise Refused(400, f"the body's framing is longer than {self._limits.header_bytes} bytes")

    def _check_head(self, wire: int) -> None:
        """Check the head so far, which has at least `wire` bytes. Raises `Refused`."""
        if len(self.url) > MAX_URL:
            raise Refused(414, f"the URL is longer than {MAX_URL} bytes")
        known = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        if max(wire, len(self.url) + known) > self._limits.header_bytes:
            raise Refused(431, f"the headers are longer than {self._limits.header_bytes} bytes")

    def _check_host(self) -> None:
        """Check that the call has one valid Host header (RFC 9112, 3.2). Raises `Refused`."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1:
            raise Refused(400, "there is more than one Host header")
        if not hosts and self.parser.get_http_version() != "1.0":
            raise Refused(400, "a call of HTTP/1.1 needs the header Host")
        if hosts and _HOST.fullmatch(hosts[0]) is None:
            raise Refused(400, "the header Host must be a host's name or address, with an optional port")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)
