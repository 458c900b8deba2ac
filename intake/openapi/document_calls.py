"""The calls on the OpenAPI page that return documents."""

from typing import Final

from intake.openapi.parts import AGAIN, NEEDS_KEY, NOT_FOUND, problem, reference, response
from intake.web.responses import (
    DocumentLinks,
    DocumentPending,
)
from schemas.json import JsonObject

SHOW_DOCUMENTS: Final[JsonObject] = {
    "responses": NEEDS_KEY | NOT_FOUND | {200: response("The links.", reference(DocumentLinks))}
}


def describe_document(media_type: str) -> JsonObject:
    """Return the description of a call through a signed link, without a key."""
    kind = media_type.partition(";")[0]
    schema = {"type": "string"} if kind.startswith(("text/", "image/svg")) else {"contentMediaType": kind}
    return {
        "responses": {
            200: {"description": "The document.", "content": {kind: {"schema": schema}}},
            404: problem("The document does not exist, or the link is invalid or has expired."),
            503: problem("The database does not answer.", Retry_After=AGAIN),
            "default": problem("The call failed unexpectedly."),
        }
    }


def _with_page(answer: JsonObject) -> JsonObject:
    """Return the description of an answer that browsers get as a page."""
    page = {"text/html": {"schema": {"type": "string"}}}
    return {**answer, "content": answer["content"] | page}


_PDF: Final = describe_document("application/pdf")
SHOW_ORDER_PDF: Final[JsonObject] = {
    "responses": _PDF["responses"]
    | {
        202: _with_page(
            response("The document is being made. Try again.", reference(DocumentPending), Retry_After=AGAIN)
        ),
        304: {"description": "The document still has the version in `If-None-Match`."},
        429: _with_page(problem("Too many of the tenant's documents wait to be made.", Retry_After=AGAIN)),
        503: _with_page(
            problem("The database does not answer, or no process makes documents.", Retry_After=AGAIN)
        ),
    }
}
