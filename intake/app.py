"""The HTTP intake: it checks envelopes, publishes and reads; it makes no decisions about orders."""

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
from intake.web.call_spans import CallSpans
from intake.web.last_resort import LastResort
from intake.web.methods import Methods
from intake.web.problems import answer_with_problems
from worker.runtime import tracing
from worker.runtime.settings import Settings

_DESCRIPTION: Final = """
Ticket orders: accepted at once, processed exactly once in effect.

`POST /v1/orders` answers 202 as soon as the broker has confirmed the request. The status and outcome are at
`GET /v1/requests/{request_id}`, and `Prefer: wait=N` waits for the outcome. All calls that change something
work this way. Amounts of money are decimal strings, never numbers. Every error is a problem document (RFC
9457) whose `errors` name the fields; a path of another system answers with that system's errors.

Lists and availability may be a few seconds old if the operator has configured a standby. To see your own
changes at once, send `Cache-Control: no-cache`. Lists by time, such as with `updated_since`, and single
resources, such as an order, are always current.

Each answer has an `X-Request-ID`: that of the call, if it has 1 to 128 letters, digits and `._:+/=@-`, or a
new one. It is in the logs of the intake and of the workers. Every `GET` path supports `HEAD`; `OPTIONS`
returns the methods of a path. If the operator has switched tracing on, a `traceparent` header (W3C Trace
Context) makes a call part of that trace. Unknown query parameters are refused, except by links to documents
(`/documents/…`), to which mail programs add some, and by the pages for operators (`/`, `/docs`,
`/openapi.json`, `/healthz`, `/readyz`, `/metrics`), which ignore them.
"""


def create_app(settings: Settings, sibling: Sibling | None = None) -> FastAPI:
    """Return the app, for a single process or a sibling. It connects to nothing before it runs."""

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
        # These would load their scripts from a foreign server: `intake.routes.pages` has our own.
        docs_url=None,
        redoc_url=None,
        # FastAPI would check for it at each call, which takes as long as our own log.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redirect_slashes=False,  # a redirect would lose a POST's body, or send it twice
    )
    app.add_middleware(LeaveShares)
    app.add_middleware(LastResort)
    app.add_middleware(Methods)
    if tracing.active() is not None:
        app.add_middleware(CallSpans)
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
    # An included router matches each of its routes twice.
    app.router.routes.extend(router.routes)


def _document(app: FastAPI) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build_openapi(app, DIALECT_SCHEMAS)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
