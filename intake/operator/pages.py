"""The pages of the operator, rendered: templates, and the headers that keep everything else out."""

from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import FileResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.types import Scope

from intake.operator.session import PATH, Operator
from intake.operator.view import View
from intake.web.problems import Problem

_HTML: Final = "text/html; charset=utf-8"

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

FILES: Final = {
    "style.css": (files("intake.operator") / "static" / "style.css", "text/css; charset=utf-8"),
    "htmx.js": (files("django_htmx") / "static/django_htmx/htmx-2.min.js", "text/javascript; charset=utf-8"),
}

PAGES: Final = (
    ("", "Now"),
    ("/sales", "On sale"),
    ("/requests", "Requests"),
    ("/orders", "Orders"),
    ("/dead-letters", "Dead letters"),
    ("/discrepancies", "Discrepancies"),
    ("/holds", "Holds"),
    ("/keys", "Tenants and keys"),
)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("intake.operator"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    environment.filters["number"] = "{:,}".format
    return environment


def _moment(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def page(
    request: Request,
    template: str,
    operator: Operator | None,
    view: View | None,
    *,
    status: int = 200,
    **values: Any,
) -> Response:
    """Return a page; for htmx, which asks for a part of one, only its main part."""
    text = (
        _environment()
        .get_template(template)
        .render(
            root=PATH,
            pages=PAGES,
            current=request.url.path.removeprefix(PATH),
            operator=operator,
            view=view,
            version=version("willcall"),
            is_part="hx-request" in request.headers,
            now=datetime.now(UTC),
            **values,
        )
    )
    return Response(text, status, HEADERS, _HTML)


def error_page(scope: Scope, problem: Problem) -> Response:
    """Return a page with the error, which the operator's paths answer instead of a problem document."""
    text = (
        _environment()
        .get_template("error.html")
        .render(root=PATH, title=problem.response().status_code, detail=problem.detail)
    )
    return Response(text, problem.status, HEADERS | problem.headers, _HTML)


def static_file(name: str) -> Response | None:
    """Return a file that the pages load, or None."""
    if name not in FILES:
        return None
    path, media_type = FILES[name]
    headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
    return FileResponse(str(path), headers=headers, media_type=media_type)
