"""Logging of calls; each has an id, which is in its answer.

The log names the route's template and never the URL: queries hold addresses, and links are secrets.
"""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intake.web.call_book import CallBook
from intake.web.call_records import REQUEST_ID, begin

UNKNOWN: Final = "unknown"
"""The label of all calls without a route."""


class CallLog:
    """ASGI middleware, outermost: it sees every answer."""

    def __init__(self, app: ASGIApp, *, book: CallBook) -> None:
        self._app = app
        self._book = book

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and record it once it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        record = begin(scope["headers"])

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"].append((REQUEST_ID, record.id.encode()))  # a list of this answer alone
            else:
                record.size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            route: str = getattr(scope.get("route"), "path", UNKNOWN)
            self._book.add(scope["method"], route, record, time.perf_counter() - started)
