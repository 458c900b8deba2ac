"""Methods of every path: `HEAD` wherever there is `GET`, and `OPTIONS` (RFC 9110, 9.3.2 and 9.3.7)."""

import re
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from intake.web.problems import methods_of, not_found, respond

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")

SENT_METHOD = "willcall.sent_method"
"""The key in a call's scope with the method that was sent, if it is handled as another."""


class Methods:
    """ASGI middleware: a `HEAD` is a `GET` whose body the server drops; `OPTIONS` returns the methods."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, unless it is answered here."""
        if scope["type"] == "http" and _CONTROLS.search(scope["path"]):
            # No id has them. The database rejects NUL, and a route ignores a line break at the end.
            shown = {**scope, "path": _CONTROLS.sub("", scope["path"])}
            await respond(shown, not_found())(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "OPTIONS":
            await _options(scope)(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "HEAD":
            as_get = {**scope, "method": "GET", SENT_METHOD: "HEAD"}
            try:
                await self._app(as_get, receive, send)
            finally:
                scope["route"] = as_get.get("route")  # for the log
        else:
            await self._app(scope, receive, send)


def _options(scope: Scope) -> Response:
    allowed = methods_of(scope)
    if not allowed and scope["path"] != "*":
        return respond(scope, not_found())
    headers = {"allow": ", ".join(allowed or ["OPTIONS"])}
    if "PATCH" in allowed:
        headers["accept-patch"] = "application/merge-patch+json, application/json"
    return Response(status_code=204, headers=headers)
