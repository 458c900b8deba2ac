"""What all calls on the OpenAPI page share: authentication, and when to try again."""

from collections.abc import Iterator
from typing import Final

from intake.calls.access import SCHEME
from schemas.json import JsonObject

_SIGNED: Final = "Signed link"
_CLIENT: Final = "Client credentials"
_ZOHO: Final = "Zoho-oauthtoken"
_ACME: Final = ("x-acme-api-key", "x-b2c-tenant-id")
_TICKET_EVOLUTION: Final = ("X-Token", "X-Signature")

_SCHEMES: Final[JsonObject] = {
    "X-Token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Token",
        "description": "The token from `willcall keys create`: the key's id as 32 letters and digits.",
    },
    "X-Signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Signature",
        "description": "Base64 of HMAC-SHA256, with the key's secret, over `METHOD host/path?` and the "
        "sorted query or the body.",
    },
    _SIGNED: {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "Part of a link made by the intake; valid until it expires.",
    },
    _CLIENT: {
        "type": "http",
        "scheme": "basic",
        "description": "A key's id and the key; both may be in the body instead.",
    },
}

_OUTCOME: Final = "/v1/requests/{request_id}"
_PUBLIC: Final = ("/healthz", "/readyz", "/metrics")

_AGAIN: Final = "Seconds to wait before the next try."
_TOO_MANY: Final = "Too many calls, or too many waiting requests, of this key, its tenant or this address."
_AWAY: Final = "The database or the broker does not answer, or too many calls are under way."
_REPLAYED: Final = "`true`: the same request was sent before, and this is the answer to the first."
" An answer 202 never has it, as the first request was not looked up yet."


def complete(page: JsonObject) -> None:
    """Describe for each call on the page its authentication, and its refusal under load."""
    page["components"].setdefault("securitySchemes", {}).update(_SCHEMES)
    for path, call in _calls(page):
        call["security"] = _security(path, call)
        if path not in _PUBLIC:
            _refuse(call)
        has_key = any(one["name"] == "Idempotency-Key" for one in call.get("parameters", ()))
        if has_key or path == _OUTCOME:
            _replay(call)


def _calls(page: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for path, calls in page["paths"].items():
        for call in calls.values():
            yield path, call


def _security(path: str, call: JsonObject) -> list[JsonObject]:
    """Return the alternative ways to authenticate, each with all its parts."""
    if path in _PUBLIC:
        return []
    if path.startswith("/documents/"):
        return [{_SIGNED: []}]
    if path.startswith("/v9/"):
        return [_together(*_TICKET_EVOLUTION)]
    if path.startswith("/v1/b2c/"):
        return [_together(*_ACME)]
    if path == "/connect/token":
        return [{_CLIENT: []}, {}]
    if path == _OUTCOME:  # the answer of the dialects' calls
        return [{SCHEME: []}, {_ZOHO: []}, _together(_ACME[0]), _together(*_TICKET_EVOLUTION)]
    if path.startswith("/v1/"):
        return [{SCHEME: []}]
    found: list[JsonObject] = call["security"]  # of routes that declare it
    return found


def _together(*names: str) -> JsonObject:
    return {name: [] for name in names}


def _refuse(call: JsonObject) -> None:
    """Add the answers 429 and 503, in the shape of the call's other refusals."""
    answers = call["responses"]
    for status, description in (("429", _TOO_MANY), ("503", _AWAY)):
        shape = answers.get(f"{status[0]}XX") or answers["default"]
        answers.setdefault(status, shape | {"description": description})
        _add_header(answers, status, "Retry-After", _AGAIN)


def _replay(call: JsonObject) -> None:
    answers = call["responses"]
    for status in answers:
        if status in ("200", "201", "404", "409", "410", "412", "422", "4XX"):
            _add_header(answers, status, "Idempotency-Replayed", _REPLAYED)


def _add_header(answers: JsonObject, status: str, name: str, description: str) -> None:
    header = {name: {"description": description, "schema": {"type": "string"}}}
    # Copied: other calls may have the same answer.
    answers[status] = {**answers[status], "headers": answers[status].get("headers", {}) | header}
