"""Routes called directly: FastAPI's work around a call takes longer than most of ours do."""

from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction, signature
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import compile_path, request_response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """A route that calls its endpoint directly, if that takes only the request and parts of its path.

    It resolves no dependencies, and closes nothing afterwards.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:
        self._is_direct = _asks_for_little(endpoint, path)
        super().__init__(path, endpoint, **settings)
        if self._is_direct:
            self.app = request_response(self.get_route_handler())

    def get_route_handler(self) -> Handler:
        """Return the handler of a call."""
        if not self._is_direct:
            return super().get_route_handler()
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            response: Response = await endpoint(request, **request.path_params)
            return response

        return handle


def _asks_for_little(endpoint: Callable[..., Any], path: str) -> bool:
    names = ["request", *compile_path(path)[2]]
    asked = signature(endpoint).parameters
    return (
        iscoroutinefunction(endpoint)
        and sorted(asked) == sorted(names)
        and all(one.annotation is str for name, one in asked.items() if name != "request")
    )
