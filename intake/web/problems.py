"""Errors over HTTP: problem documents (RFC 9457) with the extension `errors`."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from db.failures import Fault, fault_of
from intake.web.unexpected import tell_of
from orders.reading.safe_rendering import OrderNotShown
from schemas.outcomes import MAX_REJECTIONS, Rejection
from worker.runtime.secret_key import SecretKeyUnusable

MEDIA_TYPE: Final = "application/problem+json"

RETRY_AFTER_SECONDS: Final = "2"
"""The `Retry-After` in seconds if a server behind the intake is down."""

# Python names these two after an older RFC, until 3.13.
_TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}


class Problem(Exception):
    """Ends the call with a problem document: its status, a sentence for people, and the errors."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        instance: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.instance = instance

    def response(self) -> Response:
        """Return the problem document."""
        document = {
            # "No meaning beyond that of the status" (RFC 9457, 4.2.1): programs tell problems apart by
            # the codes in `errors`.
            "type": "about:blank",
            "title": _TITLES.get(self.status) or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "errors": list(self.errors),
        }
        if self.instance is not None:
            document["instance"] = self.instance
        headers = {"cache-control": "no-store", **self.headers}
        return Response(orjson.dumps(document), self.status, headers, MEDIA_TYPE)


def invalid(
    message: str, field: str | None = None, *, status: int = 400, headers: Mapping[str, str] | None = None
) -> Problem:
    """Return the problem of a malformed call."""
    errors = [Rejection("invalid", field, message).as_dict()]
    return Problem(status, message, errors=errors, headers=headers)


def not_found() -> Problem:
    """Return the problem of a resource that does not exist for this caller."""
    return Problem(404, "not found")


def unavailable(detail: str, *, errors: Sequence[Mapping[str, Any]] = ()) -> Problem:
    """Return the problem of a server behind the intake that is down; the caller should try again."""
    return Problem(503, detail, errors=errors, headers={"retry-after": RETRY_AFTER_SECONDS})


Shape = Callable[[Scope, Problem], Response]
"""Makes the answer to a failed call, in the format of the called API."""


def answer_with_problems(app: FastAPI, shapes: Mapping[str, Shape]) -> None:
    """Answer every error of the routes or the framework with a problem document.

    `shapes` are the other error formats, by the prefixes of their paths.
    """
    app.state.shapes = shapes
    for kind in _EXPECTED:
        app.add_exception_handler(kind, _respond)


async def _respond(request: Request, error: Exception) -> Response:
    return respond(request.scope, problem_of(request, error))


def respond(scope: Scope, problem: Problem) -> Response:
    """Return the answer to a failed call: a problem document, or its path's own format."""
    return in_shape(scope["app"].state.shapes, scope, problem)


def in_shape(shapes: Mapping[str, Shape], scope: Scope, problem: Problem) -> Response:
    """Return the answer in the format of the path in `scope`, by its prefix."""
    path = f"{scope['path']}/"
    for start, shape in shapes.items():
        if path.startswith(f"{start}/"):
            return shape(scope, problem)
    return problem.response()


def problem_of(request: Request, error: Exception) -> Problem:
    """Return the problem for an error of a route or of the framework; raise other errors again."""
    match error:
        case Problem():
            return error
        case HTTPException(status_code=404):
            return not_found()
        case HTTPException(status_code=405):
            allowed = ", ".join(methods_of(request.scope))
            return Problem(405, f"Method not allowed. Use {allowed}.", headers={"allow": allowed})
        case HTTPException():
            return Problem(error.status_code, str(error.detail), headers=error.headers)
        case RequestValidationError():
            return _wrong_parameters(error)
        case OrderNotShown():
            return Problem(
                500,
                f"order {error.order_id} cannot be shown: its stored data is invalid; "
                "the operators' log says why",
            )
        case SQLAlchemyError():
            return _database_failed(error)
        case SecretKeyUnusable():
            tell_of(error)
            return unavailable("the server cannot decrypt its secrets")
    raise error


def methods_of(scope: Scope) -> list[str]:
    """Return all methods of the path (RFC 9110, 10.2.1); the framework knows only those of one route.

    Empty if there is no such path.
    """
    routes: list[BaseRoute] = scope["app"].routes
    found = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    if "GET" in found:
        found.insert(1, "HEAD")
    return [*found, "OPTIONS"] if found else []


def _wrong_parameters(error: RequestValidationError) -> Problem:
    errors = [
        Rejection("invalid", str(detail["loc"][-1]), detail["msg"]).as_dict()
        for detail in error.errors()[:MAX_REJECTIONS]
    ]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return Problem(422, detail, errors=errors)


def _database_failed(error: SQLAlchemyError) -> Problem:
    if fault_of(error) is not Fault.STATEMENT:
        return unavailable("the database does not answer")
    tell_of(error)
    return unexpected()


def unexpected() -> Problem:
    """Return the problem of an unexpected failure, without its details."""
    return Problem(500, "the call failed unexpectedly; the operators' log says where")


_EXPECTED: Final = (
    Problem,
    OrderNotShown,
    HTTPException,
    RequestValidationError,
    SQLAlchemyError,
    SecretKeyUnusable,
)
