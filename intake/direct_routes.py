"""Routes that are called as they are: what FastAPI does around a call takes longer than most of ours do."""

from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import request_response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """A route whose endpoint, where it asks for the request alone, is called without any search for more.

    Nothing is looked for in the request that the endpoint could depend on, and nothing is closed after it.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:
        self._is_direct = list(signature(endpoint).parameters) == ["request"]
        super().__init__(path, endpoint, **settings)
        if self._is_direct:
            self.app = request_response(self.get_route_handler())

    def get_route_handler(self) -> Handler:
        """Return what handles a call."""
        if self._is_direct:
            endpoint: Handler = self.endpoint
            return endpoint
        return super().get_route_handler()
