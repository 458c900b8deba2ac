"""The answer while a document is being made: JSON for programs, a page for people."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from string import Template
from typing import Final

from fastapi import Response

from intake.documents.serve import NotMadeYet
from intake.web.problems import Problem
from intake.web.responses import DocumentPending
from orders.render import to_json

_STYLE: Final = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#111827}"
)
_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="$seconds">
<title>One moment</title>
<style>$style</style>
</head>
<body>
<h1>One moment</h1>
<p>$sentence This page reloads automatically.</p>
</body>
</html>
""")

_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def not_made_yet(error: NotMadeYet, accept: str, headers: Mapping[str, str]) -> Response:
    """Return the answer: a page that loads itself again where HTML is accepted, as browsers say."""
    headers = {**headers, "retry-after": str(error.retry_seconds), "vary": "accept"}
    if "text/html" in accept.lower():
        page = _PAGE.substitute(seconds=error.retry_seconds, style=_STYLE, sentence=escape(error.sentence))
        return Response(page, error.status, headers | {"content-security-policy": _POLICY}, "text/html")
    if error.status >= 400:
        return Problem(error.status, f"{error.sentence} Try again later.", headers=headers).response()
    detail = f"{error.sentence} Try again in {error.retry_seconds} seconds."
    body = DocumentPending(status="pending", detail=detail).model_dump()
    return Response(to_json(body), error.status, headers, "application/json")
