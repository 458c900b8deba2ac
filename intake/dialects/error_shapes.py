"""The error format of each path, also for unknown routes and methods."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request, Response
from starlette.types import Scope

from intake.dialects.acme import routes as acme
from intake.dialects.eventbookings import connect
from intake.dialects.eventbookings import routes as eventbookings
from intake.dialects.routing import Refusal, refused_with
from intake.dialects.ticket_evolution import routes as ticket_evolution
from intake.dialects.zoho_backstage import routes as zoho_backstage
from intake.web.problems import Problem, Shape


def _shape(refusal: Refusal) -> Shape:
    return lambda _, problem: refused_with(refusal, problem)


def _ticket_evolution(scope: Scope, problem: Problem) -> Response:
    answer = refused_with(ticket_evolution.refusal, problem)
    return ticket_evolution.in_their_type(Request(scope), answer)


SHAPES: Final[Mapping[str, Shape]] = {
    "/v1/b2c": _shape(acme.refusal),
    "/v9": _ticket_evolution,
    "/backstage": _shape(zoho_backstage.refusal),
    "/connect": _shape(connect.refusal),
    "/events": _shape(eventbookings.refusal),
    "/orders": _shape(eventbookings.refusal),
}
"""The dialects' error formats, by the prefixes of their paths."""
