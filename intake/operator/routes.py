"""`/operator`: the pages that show. What changes something is in `intake.operator.forms`."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from intake.clock import utc_now
from intake.operator import figures, finding, letters, records, sales
from intake.operator.pages import HEADERS, page, static_file
from intake.operator.session import PATH, LoginNeeded, Operator, operator_of
from intake.operator.view import View, reading
from intake.parts import Parts, parts_of
from intake.web.problems import not_found
from schemas.text import parse_uuid

router = APIRouter(prefix=PATH, default_response_class=Response, include_in_schema=False)

_REQUESTS_SINCE: Final = timedelta(hours=24)
_MOST_CHARACTERS: Final = 200

Show = Callable[[Request, Operator, View, Parts], Response]


def _shows(show: Show) -> Callable[[Request], Awaitable[Response]]:
    """Return a route for whoever is logged in; all others get to the login. It runs in a thread."""

    async def route(request: Request) -> Response:
        parts = parts_of(request.app)
        try:
            operator = await operator_of(request)
        except LoginNeeded:
            return RedirectResponse(f"{PATH}/login", 303, HEADERS)
        view = View.of(operator.caller, parts.operator_tenant)
        return await to_thread.run_sync(show, request, operator, view, parts)

    return route


def _add(path: str, show: Show) -> None:
    router.add_api_route(path, _shows(show), methods=["GET"])


def _query(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:_MOST_CHARACTERS]


def _id(request: Request) -> UUID:
    id_ = parse_uuid(request.path_params["id"])
    if id_ is None:
        raise not_found()
    return id_


def _now(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        found = figures.read_figures(connection, view, utc_now())
    values: dict[str, Any] = {
        "figures": found,
        "queued": parts.quotas.waiting if parts.quotas.is_watching else None,
        "workers": parts.workers.look(),
    }
    return page(request, "now.html", operator, view, **values)


def _sales(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        classes = sales.list_classes(connection, view, utc_now())
    return page(request, "sales.html", operator, view, classes=classes)


def _class(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    window = _query(request, "window")
    window = window if window in sales.WINDOWS else "1h"
    now = utc_now()
    with reading(parts.engine) as connection:
        found = sales.find_class(connection, view, _id(request))
        if found is None:
            raise not_found()
        curve = sales.read_curve(connection, view, found.id, sales.WINDOWS[window], now)
        refusals = figures.read_refusals(connection, view, curve.since)
    return page(
        request, "class.html", operator, view,
        ticket_class=found, curve=curve, refusals=refusals, window=window, windows=list(sales.WINDOWS),
    )  # fmt: skip


def _requests(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    query = {name: _query(request, name) for name in ("status", "kind", "code", "q")}
    with reading(parts.engine) as connection:
        if query["q"]:
            found = finding.find_request(connection, view, query["q"])
        else:
            since = utc_now() - _REQUESTS_SINCE
            restrictions = {name: query[name] for name in ("status", "kind", "code")}
            found = finding.list_requests(connection, view, since, **restrictions)
    return page(request, "requests.html", operator, view, requests=found, query=query)


def _orders(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    wanted = _query(request, "q")
    with reading(parts.engine) as connection:
        found = finding.search_orders(connection, view, wanted) if wanted.strip() else []
    return page(request, "orders.html", operator, view, orders=found, wanted=wanted)


def _order(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        found = records.read_order(connection, view, _id(request))
    if found is None:
        raise not_found()
    return page(request, "order.html", operator, view, record=found)


def _letters(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        found = letters.list_letters(connection, view)
    return page(request, "letters.html", operator, view, letters=found, done=_query(request, "done"))


def _letter(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        found = letters.find_letters(connection, view, [_id(request)])
    if not found:
        raise not_found()
    return page(request, "letter.html", operator, view, stored=found[0])


def _discrepancies(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        found = records.list_discrepancies(connection, view)
    return page(request, "discrepancies.html", operator, view, discrepancies=found)


def _holds(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        found = records.list_holds(connection, view, utc_now())
    return page(request, "holds.html", operator, view, holds=found)


def _keys(request: Request, operator: Operator, view: View, parts: Parts) -> Response:
    with reading(parts.engine) as connection:
        tenants, keys = records.list_tenants(connection, view), records.list_keys(connection, view)
    return page(request, "keys.html", operator, view, tenants=tenants, keys=keys)


_add("", _now)
_add("/sales", _sales)
_add("/sales/{id}", _class)
_add("/requests", _requests)
_add("/orders", _orders)
_add("/orders/{id}", _order)
_add("/dead-letters", _letters)
_add("/dead-letters/{id}", _letter)
_add("/discrepancies", _discrepancies)
_add("/holds", _holds)
_add("/keys", _keys)


@router.get("/static/{name}")
async def part_of_page(name: str) -> Response:
    """Return the style or the script."""
    found = static_file(name)
    if found is None:
        raise not_found()
    return found
