"""One connection of the intake: uvicorn's, with limits on sizes and times.

uvicorn parses, runs the application and answers. A sweep over all connections checks the times, so a call
costs no timer.
"""

import asyncio
from math import inf
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from intake.edge.counting import CountingProtocol, Refused
from intake.edge.crowd import BODY, HEAD, IDLE, LEAVING, Crowd, Phase
from intake.edge.refusals import BUSY, as_bytes, refusal
from intake.web.limits import Limits
from intake.web.problems import Problem
from worker.runtime.metrics import REFUSED

_LINGER_SECONDS: Final = 2.0
_LINGER_BYTES: Final = 1024 * 1024
# The application refuses a body that takes too long, in its dialect's shape; this is for what it does not
# read.
_BODY_GRACE_SECONDS: Final = 2.0
_READ_STEP: Final = 64 * 1024
"""The bytes of its answers that a client must read within the time limit of a body."""


class BoundedProtocol(CountingProtocol):
    """A connection whose head, body, framing, pipeline and times are bounded."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
        crowd: Crowd,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop, limits=limits)
        self._crowd = crowd
        self._phase: Phase | None = None
        self._until = inf
        self._unread = 0  # bytes of answers at the last check
        self._unread_until = inf
        self._thrown_away = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection; if there are too many, close the one that waits longest."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections and not self._crowd.make_room():
            REFUSED.labels("connection").inc()
            transport.abort()
            return
        self._enter(HEAD, self.loop.time() + self._limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and end all calls on it."""
        self._enter(None)
        self._crowd.forget_writes(self)
        super().connection_lost(exc)
        if self._running is not None and not self._running.response_complete:  # with others behind it
            self._running.disconnected = True
            self._running.message_event.set()
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse the data."""
        if self._phase is LEAVING:
            self._throw_away(data)
            return
        self._unset_keepalive_if_required()
        part, pieces, self._begun = self._part, self._pieces, 0
        self._read = len(data)
        try:
            self.parser.feed_data(data)
            if self._part is not IDLE:
                self._count(part, pieces)
        except httptools.HttpParserUpgrade:
            # No other protocol is supported: the call is answered as HTTP/1.1, and is the last one.
            self.cycle.keep_alive = False
        except httptools.HttpParserCallbackError as error:
            reason = error.__context__
            self._refuse(reason.problem if isinstance(reason, Refused) else _malformed())
        except httptools.HttpParserError:
            self._refuse(_malformed())
        except Refused as error:
            self._refuse(error.problem)
        if self._phase is not IDLE or self._part is not IDLE:
            self._settle()

    # Calls and their answers.

    def on_response_complete(self) -> None:
        """Go on with the next call."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_writes()
        else:
            self._settle()

    def pause_writing(self) -> None:
        """Note that the client reads its answers too slowly."""
        super().pause_writing()
        self._watch_writes()

    def resume_writing(self) -> None:
        """Note that the client has read its answers."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._crowd.forget_writes(self)

    def _watch_writes(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._unread_until = self.loop.time() + self._limits.body_seconds
        self._crowd.watch_writes(self)

    # Phases.

    def _is_answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _settle(self) -> None:
        """Enter the phase that the connection is in."""
        if self._phase is LEAVING or self.transport.is_closing():
            return
        is_first = self._running is self.cycle
        if self._part is IDLE or (self._is_answering() and not (is_first and self._part is BODY)):
            if self.cycle is not None:
                self._enter(IDLE, self.loop.time() + self._limits.idle_seconds)
        elif self._phase is not self._part or (self._begun and self.cycle is not None):
            # Begun in this read; a new connection's time runs already.
            self._enter(self._part, self.loop.time() + self._seconds_of(self._part))

    @property
    def is_idle(self) -> bool:
        """Say whether no call is under way whose head is complete."""
        return self.cycle is None or bool(self.cycle.response_complete)

    @property
    def idle_until(self) -> float:
        """When the connection will be closed, if it stays idle."""
        return inf if self._is_answering() else self._until

    @property
    def held(self) -> int:
        """The number of bytes so far of the incomplete call."""
        return self._wire

    def _seconds_of(self, part: Phase) -> float:
        if part is HEAD:
            return self._limits.header_seconds
        return self._limits.body_seconds + _BODY_GRACE_SECONDS

    def _enter(self, phase: Phase | None, until: float = inf) -> None:
        self._until = until
        if phase is not self._phase:
            self._crowd.move(self, self._phase, phase)
            self._phase = phase

    def check(self, now: float) -> None:
        """Close the connection if its client took too long in its current state."""
        if now <= self._until or (self._phase is IDLE and self._is_answering()):
            return
        if self._phase is HEAD and self._part is HEAD:
            self._refuse(refusal(408, f"the headers did not arrive within {self._limits.header_seconds:g} s"))
        elif self._phase is BODY:
            self._refuse(refusal(408, f"the body did not arrive within {self._limits.body_seconds:g} s"))
        else:
            self.transport.abort()

    def check_writes(self, now: float) -> None:
        """Close the connection if its client does not read its answers."""
        if now <= self._unread_until:
            return
        if self._unread - self.transport.get_write_buffer_size() < _READ_STEP:
            REFUSED.labels("unread").inc()
            self.transport.abort()
        else:
            self._watch_writes()

    def give_way(self) -> None:
        """Close the connection in favour of a newer one."""
        REFUSED.labels("503").inc()
        is_begun = self._part is HEAD or (self._part is BODY and not self.cycle.response_started)
        if self._phase is not LEAVING and is_begun:
            self.transport.write(as_bytes(refusal(503, BUSY), self._known_url(), self._known_headers()))
            self.transport.close()
        else:
            self.transport.abort()
        self._enter(None)

    # Refusals.

    def _refuse(self, problem: Problem) -> None:
        """Answer the call if it was not answered yet, and read only enough for the answer to arrive."""
        if self.transport.is_closing():
            return
        REFUSED.labels(str(problem.status)).inc()
        is_running = self._part is BODY and self.cycle is self._running
        if self._is_answering() and not (is_running and not self.cycle.response_started):
            self._end_after_answers()
            return
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not (is_running and self.cycle.response_started):
            self.transport.write(as_bytes(problem, self._known_url(), self._known_headers()))
        self._linger()

    def _known_url(self) -> bytes:
        """Return the URL, as far as it has arrived, of the call that is parsed."""
        return b"" if self._part is IDLE else bytes(self.url)

    def _known_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that have arrived of the call that is parsed."""
        if self._part is HEAD:
            return self.headers
        return list(self.cycle.scope["headers"]) if self._part is BODY else []

    def _end_after_answers(self) -> None:
        """Answer the earlier calls, and close: a refusal cannot be sent between their answers."""
        if self.pipeline and self._part is BODY:
            self.pipeline.popleft()  # the newest, which will never be whole
        last = self.pipeline[0][0] if self.pipeline else self._running
        if last is not None:
            last.keep_alive = False
        self._part = IDLE
        self._enter(LEAVING)

    def _linger(self) -> None:
        # A connection that is closed while its client still sends is reset, and the answer lost.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._enter(LEAVING, self.loop.time() + _LINGER_SECONDS)

    def _throw_away(self, data: bytes) -> None:
        self._thrown_away += len(data)
        if self._thrown_away > _LINGER_BYTES:
            self.transport.abort()


def _malformed() -> Problem:
    return refusal(400, "this is not an HTTP/1.1 request")
