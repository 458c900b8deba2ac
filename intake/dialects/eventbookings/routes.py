"""`GET /events/{event_uuid}/orders` and `GET /orders/{order_uuid}`: reading orders as in EventBookings."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security import OAuth2
from fastapi.security.utils import get_authorization_scheme_param
from orjson import Fragment
from pydantic import ValidationError
from sqlalchemy import Connection

from intake.auth.keys import Caller
from intake.calls.access import REALM, admit, caller_if_known, unauthorized
from intake.calls.document_links import links_of
from intake.clock import utc_now
from intake.dialects.eventbookings import connect
from intake.dialects.eventbookings.tokens import TOKEN_SCOPES, TokenScope, read_token
from intake.dialects.openapi import describe_call, schema_of
from intake.dialects.render_orders import show
from intake.dialects.routing import refusing_with
from intake.parts import PartsOfApp
from intake.reads.one_moment import at_one_moment
from intake.web.problems import Problem, not_found
from intake.web.responses import list_response
from orders.reading.background import with_background
from orders.reading.event_listings import EventOrders, WantedListing, find_event
from orders.reading.safe_rendering import as_json, show_each
from orders.reading.wire_orders import read_rendered
from schemas.dialects import DialectName
from schemas.outcomes import rejections_of
from schemas.text import is_storable
from vendors import eventbookings
from vendors.eventbookings import ORDER_BY, Page, Query
from vendors.eventbookings.errors import Refusal
from vendors.eventbookings.response_models import OrderAnswer, OrderListAnswer
from vendors.eventbookings.values import is_occurrence, session_id


def refusal(problem: Problem) -> tuple[int, Any]:
    """Return the status and the body of a refusal in this dialect's format."""
    return problem.status, eventbookings.refusal(problem.status, problem.detail, problem.errors)


router = APIRouter(
    default_response_class=Response, route_class=refusing_with(refusal), tags=["eventbookings"]
)

# Declared for the OpenAPI page only: we read the header ourselves.
_documented: Final = OAuth2(
    scheme_name="EventBookings",
    description="A token from `POST /connect/token`.",
    flows={"clientCredentials": {"tokenUrl": "/connect/token", "scopes": dict.fromkeys(TOKEN_SCOPES, "")}},
    auto_error=False,
)
_NAME: Final[DialectName] = "eventbookings"


def _allowed(scope: TokenScope) -> Any:
    async def caller(request: Request, _: object = Security(_documented, scopes=[scope])) -> Caller:
        return await _caller(request, scope)

    return Depends(caller)


async def _caller(request: Request, scope: TokenScope) -> Caller:
    """Return the caller of the call's token. Raises `Problem`: 401, 403 without the scope, 429, or 503."""
    scheme, text = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "bearer" or not text:
        raise unauthorized("this call needs the header Authorization: Bearer TOKEN", REALM)
    token = read_token(text)
    caller = None if token is None else await caller_if_known(request, token.key_id)
    if token is None or caller is None or not token.is_good(caller, utc_now()):
        raise unauthorized("the access token is unknown or has expired", f'{REALM}, error="invalid_token"')
    await admit(request, caller)
    if scope not in token.scopes or not caller.may("orders.read"):
        challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
        raise Problem(
            403, f"the access token lacks the scope {scope}", headers={"www-authenticate": challenge}
        )
    return caller


_REFUSAL: Final = schema_of("eventbookings", Refusal, "serialization")
_SHOW: Final = describe_call(
    {200: ("The order.", schema_of("eventbookings", OrderAnswer, "serialization"))}, _REFUSAL
)


def _parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}


_LIST: Final = describe_call(
    {200: ("A page of orders.", schema_of("eventbookings", OrderListAnswer, "serialization"))},
    _REFUSAL,
    parameters=[
        _parameter(
            "position", "The number of orders before the page; 0 by default.", type="integer", minimum=0
        ),
        _parameter(
            "rows", "The number of orders on a page; 20 by default.", type="integer", minimum=20, maximum=100
        ),
        _parameter("order_by", "The sort order; created_descending by default.", enum=list(ORDER_BY)),
        _parameter("search_q", "A part of the customer's name or e-mail address.", maxLength=200),
        _parameter("occurrence", "The local time of the occurrence, YYYY-MM-DD HH:mm."),
        _parameter("session", "The session.", format="uuid"),
        _parameter("all_additional_info", "1: include null and hidden values.", enum=["0", "1"]),
    ],
)


@router.get("/orders/{order_uuid}", summary="Retrieve order details", **_SHOW)
def show_order(
    request: Request, order_uuid: str, parts: PartsOfApp, caller: Annotated[Caller, _allowed("order.read")]
) -> Response:
    """Return the order with all related data."""
    links = links_of(request, caller)
    return show(
        parts.engine,
        caller.tenant_id,
        order_uuid,
        lambda order, background: eventbookings.answer(order, background, links),
        _NAME,
    )


@router.get("/events/{event_uuid}/orders", summary="Retrieve events order list", **_LIST)
def list_page(
    request: Request,
    event_uuid: str,
    parts: PartsOfApp,
    caller: Annotated[Caller, _allowed("event.list_order")],
) -> Response:
    """Return a page of the event's orders; every position takes the same time."""
    query, links = _query(request), links_of(request, caller)
    # Of the primary, although it is a list: the cached listing needs its running transactions.
    with at_one_moment(parts.engine).connect() as connection:
        ids, records, event_id = _find(connection, parts.event_orders, caller, event_uuid, query)

        def show_all(ids: Sequence[UUID]) -> list[Fragment]:
            found = read_rendered(connection, ids)
            orders, background = with_background(connection, caller.tenant_id, found)
            listed = [eventbookings.answer_listed(one, background, links, event_id, query) for one in orders]
            return as_json(listed)

        shown = show_each(ids, _NAME, show_all)
    return list_response(eventbookings.answer_list(shown.items, Page(query, records)), shown.left_out)


def _query(request: Request) -> Query:
    """Return the parameters, ignoring empty ones. Raises `Problem`: 422 for malformed ones."""
    given = {
        name: request.query_params[name] for name in Query.model_fields if request.query_params.get(name)
    }
    try:
        return Query.model_validate(given)
    except ValidationError as error:
        errors = [rejection.as_dict() for rejection in rejections_of(error)]
        detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
        raise Problem(422, detail, errors=errors) from error


def _find(
    connection: Connection, event_orders: EventOrders, caller: Caller, event_uuid: str, query: Query
) -> tuple[list[UUID], int, str]:
    """Return the ids of a page of the event's orders, their total number, and the event's own id."""
    event = find_event(connection, caller.tenant_id, event_uuid) if is_storable(event_uuid) else None
    if event is None:
        raise not_found()
    ids: list[UUID] = []
    records = 0
    if _is_of(event, query):
        wanted = WantedListing(
            caller.tenant_id, event.id, "name" if query.is_by_name else "created", query.search_q
        )
        ids, records = event_orders.page(
            connection, wanted, query.position, query.rows, descending=query.is_descending, now=utc_now()
        )
    return ids, records, event.external_id


def _is_of(event: Any, query: Query) -> bool:
    """Say whether the query is about the event's one occurrence and its one session."""
    is_then = query.occurrence is None or is_occurrence(event.starts_at, event.timezone, query.occurrence)
    return is_then and query.session in (None, session_id(event.id))


router.routes.extend(connect.router.routes)
