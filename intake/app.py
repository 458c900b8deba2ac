"""The HTTP intake: it checks envelopes, publishes, and reads; it decides nothing about orders."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from intake.dialects.acme import routes as acme
from intake.dialects.error_shapes import SHAPES
from intake.dialects.eventbookings import routes as eventbookings
from intake.dialects.openapi import DIALECT_SCHEMAS
from intake.dialects.ticket_evolution import routes as ticket_evolution
from intake.dialects.zoho_backstage import routes as zoho_backstage
from intake.openapi.page import build_openapi
from intake.operator import forms as operator_forms
from intake.operator import routes as operator_pages
from intake.operator.pages import error_page
from intake.operator.session import PATH as OPERATOR
from intake.parts import opened
from intake.reads.reader_shares import LeaveShares
from intake.routes import (
    availability,
    check_ins,
    health,
    holds,
    order_changes,
    order_reading,
    orders,
    pages,
    requests,
)
from intake.routes import documents as documents
from intake.serving.siblings import Sibling
from intake.web.call_book import CallBook
from intake.web.call_log import CallLog
from intake.web.last_resort import LastResort
from intake.web.methods import Methods
from intake.web.problems import answer_with_problems
from worker.runtime.settings import Settings

_DESCRIPTION: Final = """
Orders for tickets: taken at once, processed exactly once in effect.

`POST /v1/orders` answers 202 as soon as the broker has the request; `GET /v1/requests/{request_id}` tells
what became of it, and `Prefer: wait=N` waits for that. All calls that change something work so. Amounts of
money are decimal strings, never numbers. Every error is a problem document (RFC 9457) whose `errors` name
the fields; a path of another system answers with that system's errors.

Lists, and what of an event is free, may be a few seconds old where the operator has them read from a standby.
Whoever has just changed something asks with `Cache-Control: no-cache` for the newest. A list by a time, such
as `updated_since`, and one thing by its id, such as an order, are always the newest.

Each answer has an `X-Request-ID`: the one that the call came with, if it has 1 to 128 letters, digits and
`._:+/=@-`, or a new one. It is in the logs of the intake and of the workers. Where there is a `GET`, there is
a `HEAD`; `OPTIONS` tells the methods of a path, and an unknown parameter of a query is refused by its name.
Only links to documents (`/documents/…`), which mail programs and trackers add to, and the pages for operators
(`/`, `/docs`, `/openapi.json`, `/healthz`, `/readyz`, `/metrics`) take any, and ignore it.
"""


def create_app(settings: Settings, sibling: Sibling | None = None) -> FastAPI:
    """Return the app, of one process alone or of a sibling. It connects to nothing before it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings, sibling.windows() if sibling else None) as parts:
            app.state.parts = parts
            yield

    app = FastAPI(
        title="Willcall",
        version=version("willcall"),
        description=_DESCRIPTION.strip(),
        lifespan=lifespan,
        # These would load their scripts from somebody else's server: `intake.routes.pages` has our own.
        docs_url=None,
        redoc_url=None,
        # Whether somebody wants it would be looked for at each call, for as long as all that we note of it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redirect_slashes=False,  # a redirect would lose a POST's body, or send it twice
    )
    app.add_middleware(LeaveShares)
    app.add_middleware(LastResort)
    app.add_middleware(Methods)
    app.state.call_book = CallBook(has_lines=settings.access_log, process=sibling.name if sibling else None)
    app.add_middleware(CallLog, book=app.state.call_book)
    answer_with_problems(app, {**SHAPES, OPERATOR: error_page})
    for part in (
        orders,
        order_reading,
        order_changes,
        check_ins,
        holds,
        availability,
        requests,
        health,
        documents,
        pages,
        operator_forms,
        operator_pages,
    ):
        _add(app, part.router)
    if not settings.intake_metrics_port:
        _add(app, health.metrics_router)
    for dialect in (zoho_backstage, acme, ticket_evolution, eventbookings):
        _add(app, dialect.router)
    _document(app)
    return app


def _add(app: FastAPI, router: APIRouter) -> None:
    # A router that is included asks each of its routes twice whether a call is for it.
    app.router.routes.extend(router.routes)


def _document(app: FastAPI) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build_openapi(app, DIALECT_SCHEMAS)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
