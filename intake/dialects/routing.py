"""Routes that answer in the format of another system, including errors."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from intake.auth.keys import Caller
from intake.web.direct_routes import DirectRoute, Handler
from intake.web.problems import Problem, invalid, problem_of, unexpected
from intake.web.responses import json_response
from intake.web.strict_json import NotJson, parse_json
from intake.web.strict_routes import check_parameters, names_of_parameters
from intake.web.unexpected import tell_of
from schemas.dialects import DialectName
from schemas.json import JsonObject
from vendors.dialect import Dialect, NotTranslatable

Refusal = Callable[[Problem], tuple[int, Any]]
"""Makes the status and the body of an answer in a dialect's own shape of errors."""


def refusing_with(refusal: Refusal) -> type[APIRoute]:
    """Return the class of routes that answer problems in a dialect's error format."""

    class DialectRoute(DirectRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()
            known = names_of_parameters(self)

            async def answered(request: Request) -> Response:
                try:
                    check_parameters(request, known)
                    return await handle(request)
                except ClientDisconnect:
                    raise  # the client is gone
                except Exception as error:  # noqa: BLE001 - every answer has the dialect's format
                    return refused_with(refusal, _any_problem_of(request, error))

            return answered

    return DialectRoute


def refused_with(refusal: Refusal, problem: Problem) -> Response:
    """Return the answer for a problem in a dialect's error format."""
    status, body = refusal(problem)
    return json_response(body, status, problem.headers)


def _any_problem_of(request: Request, error: Exception) -> Problem:
    try:
        return problem_of(request, error)
    except Exception:  # noqa: BLE001 - it is the unexpected error itself
        tell_of(error)
        return unexpected()


def check_name(caller: Caller, dialect: DialectName, name: str) -> None:
    """Raise `Problem` with the status 404 unless the caller's tenant has this name in the dialect."""
    if not caller.is_called(name, dialect):
        raise Problem(404, f"this key's tenant has no such {name}")


def requests_in(dialect: Dialect, body: bytes) -> list[JsonObject]:
    """Return the requests in the body of a call; amounts are exact, also as JSON numbers.

    Raises `Problem` with the status 400 or 422.
    """
    try:
        return dialect.split(parse_json(body, is_exact=True))
    except NotJson as error:
        raise invalid(str(error)) from error
    except NotTranslatable as error:
        errors = [rejection.as_dict() for rejection in error.rejections]
        raise Problem(422, str(error), errors=errors) from error


def with_names(requests: Sequence[JsonObject], **names: str) -> list[JsonObject]:
    """Return the requests with the fields in the call's path. Raises `Problem` with the status 400."""
    for name in names:
        if any(name in one for one in requests):
            raise invalid(f"the field {name} is not allowed in the body: it is in the path", name)
    return [{**one, **names} for one in requests]
