"""The outermost layer: after any error the caller gets an answer, without a stack trace."""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from intake.web.call_records import current_id, has_answer
from intake.web.problems import unexpected
from intake.web.unexpected import AnswerCut, tell_of

log = logging.getLogger(__name__)


class LastResort:
    """ASGI middleware that answers an unexpected error with a problem document, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return  # the client is gone
        except AnswerCut as cut:
            log.info(str(cut), extra={"call_id": current_id()})
        except Exception as error:  # noqa: BLE001 - the last resort
            tell_of(error)
            if not has_answer():
                await unexpected().response()(scope, receive, send)
