"""Routes that refuse unknown parameters: a misspelt filter must not list everything."""

from collections.abc import Iterator

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from intake.web.direct_routes import DirectRoute, Handler
from intake.web.problems import Problem
from schemas.outcomes import MAX_REJECTIONS, Rejection


class StrictRoute(DirectRoute):
    """A canonical route that answers 422 to a query with an unknown name."""

    def get_route_handler(self) -> Handler:
        """Return the handler of a call."""
        handle = super().get_route_handler()
        known = names_of_parameters(self)

        async def checked(request: Request) -> Response:
            check_parameters(request, known)
            return await handle(request)

        return checked


def names_of_parameters(route: APIRoute) -> list[str]:
    """Return the permitted names in a query of the route: declared ones, and those on the OpenAPI page."""
    described = (route.openapi_extra or {}).get("parameters", ())
    own = (one["name"] for one in described if one["in"] == "query")
    return sorted({*_parameters(route.dependant), *own})


def _parameters(dependant: Dependant) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _parameters(dependency)


def check_parameters(request: Request, known: list[str]) -> None:
    """Raise `Problem` with the status 422 for a query with other names than these."""
    if not request.scope["query_string"]:
        return
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        names = f"use {', '.join(known)}" if known else "it has none"
        errors = [
            Rejection("invalid", name[:200], f"unknown parameter; {names}").as_dict()
            for name in unknown[:MAX_REJECTIONS]
        ]
        raise Problem(422, f"{unknown[0][:200]}: unknown parameter; {names}", errors=errors)
