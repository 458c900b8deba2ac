"""The dashboard's pages, all read-only. Everything else is refused."""

import re
from typing import Final

_PAGES: Final = tuple(
    (methods.split(), re.compile(path))
    for methods, path in (
        ("GET", "/"),
        ("GET", "/workers"),
        ("GET", "/worker/[^/]+"),
        ("GET", "/tasks"),
        # The table of tasks asks by POST, as its query is too long for an address. It only reads.
        ("GET POST", "/tasks/datatable"),
        ("GET", "/task/[^/]+"),
        ("GET", "/broker"),
        ("GET", "/metrics"),
        ("GET", "/healthcheck"),
        ("GET", "/static/.+"),
    )
)
"""Methods, and the whole path. Flower's API is not among them: the pages do without it."""


def refusal(method: str, path: str, url_prefix: str = "") -> int | None:
    """Return the status that refuses the call (404 or 405), None for a page that may be shown."""
    prefix = "/" + url_prefix.strip("/") if url_prefix else ""
    if not path.startswith(prefix):
        return 404
    rest = path.removeprefix(prefix)
    for methods, pattern in _PAGES:
        if pattern.fullmatch(rest):
            return None if method in methods else 405
    return 404
