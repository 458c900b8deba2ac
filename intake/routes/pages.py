"""`GET /` is an overview, `GET /docs` shows the contract; neither needs another server."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from intake.web.problems import not_found
from intake.web.responses import json_response

# They are not part of the contract.
router = APIRouter(default_response_class=Response, include_in_schema=False)

_HTML: Final = "text/html; charset=utf-8"

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 36rem; margin: 15vh auto; padding: 0 1.25rem; }
h1 { margin: 0; font-size: 2rem; }
small { font-weight: normal; opacity: .7; }
dt { margin-top: .75rem; font-weight: 600; }
dd { margin: 0; }
"""

_LINKS: Final = (
    ("operator/login", "Operator's page", "Current activity, orders and failures. Log in with an admin key."),
    ("docs", "Documentation", "Every call, with its parameters and answers. Try them here."),
    ("openapi.json", "OpenAPI", "The documentation as OpenAPI, for programs."),
    ("healthz", "Alive?", "Whether this process runs."),
    ("readyz", "Ready?", "Whether it can take work: checks the database, its schema and the broker."),
)

_COMMON: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_NOWHERE: Final = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _page(title: str, head: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>{head}</head>'
        f"<body>{body}</body></html>"
    )


@router.get("/")
async def greet(request: Request) -> Response:
    """Return an overview with links: a page for people, JSON for programs."""
    headers = {"vary": "accept", "cache-control": "no-cache", **_COMMON}
    title, version = request.app.title, request.app.version
    if "text/html" not in request.headers.get("accept", ""):
        # Relative, as a proxy may serve everything below its own path.
        links = {title.lower().rstrip("?"): path for path, title, _ in _LINKS}
        return json_response({"name": title, "version": version, "links": links}, headers=headers)
    listed = "".join(
        f'<dt><a href="{path}">{escape(title)}</a></dt><dd>{escape(what)}</dd>'
        for path, title, what in _LINKS
    )
    body = (
        f"<h1>{escape(title)} <small>{escape(version)}</small></h1>"
        f"<p>Takes orders for tickets. Calls need an API key.</p><dl>{listed}</dl>"
    )
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; {_NOWHERE}"
    page = _page(title, f"<style>{_STYLE}</style>", body)
    return Response(page, headers=headers | {"content-security-policy": policy}, media_type=_HTML)


_SHOW: Final = """
const isDark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", isDark.matches);
isDark.addEventListener("change", paint);
paint();
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  presets: [SwaggerUIBundle.presets.apis],
});
"""

# Swagger UI, as included in fastapi-offline.
_FILES: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}
_FOLDER: Final = files("fastapi_offline") / "static"

# It writes styles into the page and draws with its own images; it calls this server for the contract, and to
# try calls.
_DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    f" connect-src 'self'; {_NOWHERE}"
)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Return the page that shows the contract; its parts come from this server."""
    page = _page(
        f"{request.app.title}: documentation",
        '<link rel="stylesheet" href="docs/swagger-ui.css">',
        '<div id="swagger-ui"></div><noscript><p>This page needs JavaScript; <a href="openapi.json">the'
        " contract</a> does not.</p></noscript>"
        '<script src="docs/swagger-ui-bundle.js"></script><script src="docs/show.js"></script>',
    )
    headers = {"cache-control": "no-cache", "content-security-policy": _DOCS_POLICY, **_COMMON}
    return Response(page, headers=headers, media_type=_HTML)


@router.get("/docs/{name}")
async def part_of_docs(name: str) -> Response:
    """Return a script or the style of the page."""
    headers = {"cache-control": "public, max-age=3600", **_COMMON}
    if name == "show.js":
        return Response(_SHOW, headers=headers, media_type=_FILES["swagger-ui-bundle.js"])
    if name not in _FILES:
        raise not_found()
    return FileResponse(str(_FOLDER / name), headers=headers, media_type=_FILES[name])
