"""The parts that calls on the OpenAPI page share: answers, headers, parameters."""

from collections.abc import Mapping, Sequence
from typing import Final

from intake.web.responses import (
    Accepted,
    ProblemDocument,
)
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.outcomes import RequestStatus
from schemas.requests import MAX_REQUESTS_PER_MESSAGE
from schemas.text import RESERVED_KEYS

KEY_PATTERN: Final = rf"^(?!{RESERVED_KEYS})[!-~]([ -~]{{0,198}}[!-~])?$"
"""The pattern of an `Idempotency-Key` header: 1 to 200 printable ASCII characters."""

REF: Final = "#/components/schemas/{model}"


def reference(model: type) -> JsonObject:
    """Return the reference to the schema of a model."""
    return {"$ref": REF.format(model=model.__name__)}


def one_or_array(model: type) -> JsonObject:
    """Return the schema of one request, or of an array of up to the maximum of one message."""
    items = {"type": "array", "items": reference(model), "minItems": 1, "maxItems": MAX_REQUESTS_PER_MESSAGE}
    return {"oneOf": [reference(model), items]}


def response(description: str, schema: JsonObject, **headers: str) -> JsonObject:
    """Return a response in JSON; `headers` are descriptions, by names with `_` for `-`."""
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
        "headers": _headers(headers),
    }


def _headers(headers: Mapping[str, str]) -> JsonObject:
    return {
        name.replace("_", "-"): {"description": description, "schema": {"type": "string"}}
        for name, description in headers.items()
    }


def problem(description: str, **headers: str) -> JsonObject:
    """Return a response that is a problem document (RFC 9457)."""
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": reference(ProblemDocument)}},
        "headers": _headers(headers),
    }


def header_parameter(name: str, description: str, example: str, pattern: str | None = None) -> JsonObject:
    """Return a parameter that is a header."""
    schema = {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "description": description, "schema": schema, "example": example}


NEWEST: Final = header_parameter(
    "Cache-Control",
    "`no-cache` for the newest state; otherwise the answer may be a few seconds old.",
    "no-cache",
)
"""The parameter of a call whose answer may come from a standby."""
MAY_BE_STALE: Final[JsonObject] = {"parameters": [NEWEST]}
AGAIN: Final = "Seconds to wait before the next try."
NEEDS_KEY: Final[dict[int | str, JsonObject]] = {
    401: problem("The key is missing, unknown, revoked or expired.", WWW_Authenticate="How to send a key."),
    403: problem("The key lacks the scope.", WWW_Authenticate="The required scope."),
    503: problem("The database does not answer.", Retry_After=AGAIN),
    "default": problem("The call failed unexpectedly."),
}
NOT_FOUND: Final[dict[int | str, JsonObject]] = {
    404: problem("It does not exist or belongs to another tenant.")
}
ETAG: Final = "The order's version, quoted."
FOR_READERS: Final = "Without the scope `orders.read`: the request's outcome."
ORDER_OR_OUTCOME: Final[JsonObject] = {"anyOf": [reference(Order), reference(RequestStatus)]}

_IDEMPOTENCY_KEY: Final = header_parameter(
    "Idempotency-Key",
    "The caller's own name for the request: the same key and body again are the same request.",
    "shop-7-000124",
    KEY_PATTERN,
)
_PREFER: Final = header_parameter(
    "Prefer", "Wait up to this number of seconds for the outcome, at most 30.", "wait=10"
)
IF_MATCH: Final = header_parameter(
    "If-Match",
    "The entity tag of the expected version, or several, of which one must match; `*`, or"
    " no header: any version. The call waits for a version that the order has not reached yet.",
    '"3"',
)
WAITED: Final = "The wait that was applied."
ACCEPTED: Final = response(
    "The broker has confirmed the request; it may not be processed yet. Also if the same request was sent"
    " before: `status_url` shows that.",
    reference(Accepted),
    Location="The path of the outcome.",
    Retry_After="After a wait: seconds until the outcome should be polled.",
)


def request(
    schema: JsonObject,
    example: JsonObject,
    answers: dict[int | str, JsonObject],
    *,
    parameters: Sequence[JsonObject] = (),
    media_types: Sequence[str] = ("application/json",),
    is_required: bool = True,
) -> JsonObject:
    """Return the description of a call whose body becomes one request on the queue."""
    content = {"schema": schema, "example": example}
    return {
        "responses": NEEDS_KEY
        | {
            202: ACCEPTED,
            400: problem("The body or a header is malformed."),
            408: problem("The body was incomplete."),
            413: problem("The body is longer than 1 MiB."),
            415: problem(f"The content type is not {' or '.join(media_types)}."),
            422: problem("After a wait: the request was rejected; `errors` says why."),
            503: problem(
                "The broker did not confirm, or the key cannot be looked up. Send the same again.",
                Retry_After=AGAIN,
            ),
        }
        | answers,
        "openapi_extra": {
            "requestBody": {
                "required": is_required,
                "description": "At most 1 MiB.",
                "content": dict.fromkeys(media_types, content),
            },
            "parameters": [_IDEMPOTENCY_KEY, _PREFER, *parameters],
        },
    }
