"""The OpenAPI page: what FastAPI knows of the routes, and the models that we read and write ourselves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from intake.dialects.openapi import DIALECT_SCHEMAS, KEY_PATTERN
from intake.openapi.calls import complete
from intake.openapi.descriptions import description_of
from intake.web.responses import (
    Accepted,
    Alive,
    CheckedIn,
    DocumentLinks,
    DocumentPending,
    HoldPage,
    OrderHistory,
    ProblemDocument,
    TicketClassList,
)
from schemas.changes import CancelRequest, OrderTerms, PaymentRecord
from schemas.check_in import CheckInRequest
from schemas.holds import ExtendRequest, Hold, HoldRequest, ReleaseRequest
from schemas.orders import Order, OrderPage, OrderRequest
from schemas.outcomes import RequestStatus
from schemas.requests import MAX_REQUESTS_PER_MESSAGE

Words = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"


def _ref(model: type) -> Words:
    return {"$ref": _REF.format(model=model.__name__)}


def _one_or_array(model: type) -> Words:
    items = {"type": "array", "items": _ref(model), "minItems": 1, "maxItems": MAX_REQUESTS_PER_MESSAGE}
    return {"oneOf": [_ref(model), items]}


def _answer(description: str, schema: Words, **headers: str) -> Words:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
        "headers": _headers(headers),
    }


def _headers(headers: Mapping[str, str]) -> Words:
    return {
        name.replace("_", "-"): {"description": description, "schema": {"type": "string"}}
        for name, description in headers.items()
    }


def _problem(description: str, **headers: str) -> Words:
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": _ref(ProblemDocument)}},
        "headers": _headers(headers),
    }


def _header_parameter(name: str, description: str, example: str, pattern: str | None = None) -> Words:
    schema = {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "description": description, "schema": schema, "example": example}


NEWEST: Final = _header_parameter(
    "Cache-Control",
    "`no-cache` for the newest, where the answer may be a few seconds old otherwise.",
    "no-cache",
)
"""The parameter of a call whose answer may come from a standby."""
_MAY_BE_STALE: Final[Words] = {"parameters": [NEWEST]}
_AGAIN: Final = "In how many seconds to try again."
_NEEDS_KEY: Final[dict[int | str, Words]] = {
    401: _problem(
        "There is no key, or it is unknown, revoked or expired.", WWW_Authenticate="How to send a key."
    ),
    403: _problem("The key lacks the scope.", WWW_Authenticate="The scope that is needed."),
    503: _problem("The database does not answer.", Retry_After=_AGAIN),
    "default": _problem("The call failed unexpectedly."),
}
_NOT_FOUND: Final[dict[int | str, Words]] = {404: _problem("There is none, or it is another tenant's.")}
_ETAG: Final = "The order's version, quoted."
_FOR_READERS: Final = "Without the scope `orders.read`: its outcome."
_ORDER_OR_OUTCOME: Final[Words] = {"anyOf": [_ref(Order), _ref(RequestStatus)]}

CREATE_ORDERS: Final[Words] = {
    "responses": _NEEDS_KEY
    | {
        200: _answer(
            "`Prefer: wait` and an array: the outcomes, in order.",
            {"type": "array", "items": _ref(RequestStatus)},
            Preference_Applied="How long the call could have waited.",
        ),
        201: _answer(
            f"`Prefer: wait` and a single request: the order. {_FOR_READERS}",
            _ORDER_OR_OUTCOME,
            Location="The order's path.",
            ETag=_ETAG,
            Preference_Applied="How long the call could have waited.",
        ),
        202: _answer(
            "The broker has the requests; not processed yet, as far as is known.",
            _one_or_array(Accepted),
            Location="Where to ask for the outcome, for a single request.",
            Retry_After="With `Prefer: wait`: in how many seconds to ask for the outcome.",
        ),
        400: _problem("The body or a header is not well formed."),
        408: _problem("The body did not come to its end."),
        413: _problem("The body is longer than 1 MiB."),
        415: _problem("The content type is not application/json."),
        422: _problem("`Prefer: wait` and a single request: it was rejected; `errors` says why."),
        503: _problem(
            "The broker did not confirm, or the key cannot be looked up. Send the same again.",
            Retry_After=_AGAIN,
        ),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "description": "One order request, or an array of 1 to 500 of them; at most 1 MiB.",
            "content": {
                "application/json": {
                    "schema": _one_or_array(OrderRequest),
                    "example": {
                        "buyer": {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"},
                        "line_items": [{"ticket_class_id": "3000000012232", "quantity": 2}],
                    },
                }
            },
        },
        "parameters": [
            _header_parameter(
                "Idempotency-Key",
                "The caller's own name for a single request, instead of the field `idempotency_key`.",
                "shop-7-000123",
                KEY_PATTERN,
            ),
            _header_parameter("Prefer", "Wait up to so many seconds for the outcome, at most 30.", "wait=10"),
        ],
    },
}

_IDEMPOTENCY_KEY: Final = _header_parameter(
    "Idempotency-Key",
    "The caller's own name for the request: the same key and body again is the same request.",
    "shop-7-000124",
    KEY_PATTERN,
)
_PREFER: Final = _header_parameter(
    "Prefer", "Wait up to so many seconds for the outcome, at most 30.", "wait=10"
)
_IF_MATCH: Final = _header_parameter(
    "If-Match",
    "The entity tag of the version that the call is about, or several, of which one is enough; `*`, or"
    " without the header: any. A version that the order has not reached yet is waited for.",
    '"3"',
)
_WAITED: Final = "How long the call could have waited."
_ACCEPTED: Final = _answer(
    "The broker has the request; not processed yet, as far as is known. Also where the same request had come"
    " before: `status_url` tells that.",
    _ref(Accepted),
    Location="Where to ask for the outcome.",
    Retry_After="After a wait: in how many seconds to ask for the outcome.",
)


def _request(
    schema: Words,
    example: Words,
    answers: dict[int | str, Words],
    *,
    parameters: Sequence[Words] = (),
    media_types: Sequence[str] = ("application/json",),
    is_required: bool = True,
) -> Words:
    """Return the words of a call whose body becomes one request on the queue."""
    content = {"schema": schema, "example": example}
    return {
        "responses": _NEEDS_KEY
        | {
            202: _ACCEPTED,
            400: _problem("The body or a header is not well formed."),
            408: _problem("The body did not come to its end."),
            413: _problem("The body is longer than 1 MiB."),
            415: _problem(f"The content type is not {' or '.join(media_types)}."),
            422: _problem("It was waited for, and rejected; `errors` says why."),
            503: _problem(
                "The broker did not confirm, or the key cannot be looked up. Send the same again.",
                Retry_After=_AGAIN,
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


_OF_ORDER: Final[dict[int | str, Words]] = {
    404: _problem("There is no such order, or it is another tenant's; the latter is known after a wait."),
    412: _problem("It was waited for: the order has changed since the version that `If-Match` names."),
}
_ORDER_AFTER: Final = _answer(
    f"`Prefer: wait`: the order. {_FOR_READERS}", _ORDER_OR_OUTCOME, ETag=_ETAG, Preference_Applied=_WAITED
)

UPDATE_ORDER: Final = _request(
    {"$ref": _REF.format(model="OrderPatch")},
    {"buyer": {"email": "sam@example.org"}, "shipping": "4.00", "reference": None},
    _OF_ORDER | {200: _ORDER_AFTER},
    parameters=[_IF_MATCH],
    media_types=("application/merge-patch+json", "application/json"),
)
CANCEL_ORDER: Final = _request(
    _ref(CancelRequest),
    {"reason": "cannot come", "lines": [{"line_number": 1, "quantity": 1}]},
    _OF_ORDER | {200: _ORDER_AFTER},
    parameters=[_IF_MATCH],
    is_required=False,
)
RECORD_PAYMENT: Final = _request(
    _ref(PaymentRecord),
    {"type": "cash", "amount": "45.50", "reference": "till 3"},
    _OF_ORDER
    | {
        200: _answer(
            "`Prefer: wait` and a `payment_number`: the order.",
            _ORDER_OR_OUTCOME,
            ETag=_ETAG,
            Preference_Applied=_WAITED,
        ),
        201: _answer(
            "`Prefer: wait`: the order, with the new payment.",
            _ORDER_OR_OUTCOME,
            Location="The order's path.",
            ETag=_ETAG,
            Preference_Applied=_WAITED,
        ),
    },
    parameters=[_IF_MATCH],
)
CHECK_IN_TICKET: Final = _request(
    _ref(CheckInRequest),
    {"code": "AQ3f…", "event_id": "2000000116588", "nonce": "gate-2-000871"},
    {
        200: _answer("The ticket is used, or its use undone.", _ref(CheckedIn), Preference_Applied=_WAITED),
        202: _ACCEPTED | {"description": "There was no outcome in time: 5 seconds, or what `Prefer` says."},
        404: _problem("`unknown_ticket`: there is no such ticket, or it is another tenant's."),
        409: _problem("`already_checked_in`: the error's message says when."),
        410: _problem("`ticket_voided`: the ticket is no longer valid."),
        422: _problem("Any other rejection, such as `wrong_event` or `forged_ticket`."),
    },
)
_HOLD_AFTER: Final = _answer("`Prefer: wait`: the hold.", _ref(Hold), Preference_Applied=_WAITED)
_OF_HOLD: Final[dict[int | str, Words]] = {
    200: _HOLD_AFTER,
    404: _problem("There is no such hold, or it is another tenant's; the latter is known after a wait."),
}
TAKE_HOLD: Final = _request(
    _ref(HoldRequest),
    {"ticket_class_id": "3000000012232", "quantity": 2, "expires_at": "2027-04-01T12:15:00Z"},
    {
        201: _answer(
            "`Prefer: wait`: the hold. Its id is the id of the request that took it.",
            _ref(Hold),
            Location="The hold's path.",
            Preference_Applied=_WAITED,
        ),
    },
)
EXTEND_HOLD: Final = _request(
    _ref(ExtendRequest), {"expires_at": "2027-04-01T12:30:00Z"}, _OF_HOLD, is_required=False
)
RELEASE_HOLD: Final = _request(_ref(ReleaseRequest), {}, _OF_HOLD, is_required=False)
SHOW_HOLD: Final[Words] = {"responses": _NEEDS_KEY | _NOT_FOUND | {200: _answer("The hold.", _ref(Hold))}}
LIST_HOLDS: Final[Words] = {
    "responses": _NEEDS_KEY
    | {
        200: _answer("A page of holds.", _ref(HoldPage)),
        400: _problem("The cursor is not one that a page gave."),
        422: _problem("A parameter is not well formed."),
    },
    "openapi_extra": _MAY_BE_STALE,
}
LIST_TICKET_CLASSES: Final[Words] = {
    "responses": _NEEDS_KEY
    | _NOT_FOUND
    | {200: _answer("The ticket classes of the event.", _ref(TicketClassList))},
    "openapi_extra": _MAY_BE_STALE,
}
SHOW_HISTORY: Final[Words] = {
    "responses": _NEEDS_KEY | _NOT_FOUND | {200: _answer("The history.", _ref(OrderHistory))}
}
SHOW_REQUEST: Final[Words] = {
    "responses": _NEEDS_KEY | _NOT_FOUND | {200: _answer("What is known of it.", _ref(RequestStatus))}
}
SHOW_ORDER: Final[Words] = {
    "responses": _NEEDS_KEY
    | _NOT_FOUND
    | {
        200: _answer("The order.", _ref(Order), ETag=_ETAG),
        304: {"description": "`If-None-Match` names the version that the order still has."},
    },
    "openapi_extra": {
        "parameters": [_header_parameter("If-None-Match", "The entity tag of a version one has.", '"1"')]
    },
}
SHOW_DOCUMENTS: Final[Words] = {
    "responses": _NEEDS_KEY | _NOT_FOUND | {200: _answer("The links.", _ref(DocumentLinks))}
}
LIST_ORDERS: Final[Words] = {
    "responses": _NEEDS_KEY
    | {
        200: _answer("A page of orders.", _ref(OrderPage)),
        400: _problem("The cursor is not one that a page gave."),
        422: _problem("A parameter is not well formed."),
    },
    "openapi_extra": _MAY_BE_STALE,
}


def words_of_document(media_type: str) -> Words:
    """Return the words of a call that a signed link makes: without a key."""
    kind = media_type.partition(";")[0]
    schema = {"type": "string"} if kind.startswith(("text/", "image/svg")) else {"contentMediaType": kind}
    return {
        "responses": {
            200: {"description": "The document.", "content": {kind: {"schema": schema}}},
            404: _problem("There is none, or the link is not ours or has expired."),
            503: _problem("The database does not answer.", Retry_After=_AGAIN),
            "default": _problem("The call failed unexpectedly."),
        }
    }


def _with_page(answer: Words) -> Words:
    """Return the words of an answer that browsers get as a page."""
    page = {"text/html": {"schema": {"type": "string"}}}
    return {**answer, "content": answer["content"] | page}


_PDF: Final = words_of_document("application/pdf")
SHOW_ORDER_PDF: Final[Words] = {
    "responses": _PDF["responses"]
    | {
        202: _with_page(_answer("It is being made: ask again.", _ref(DocumentPending), Retry_After=_AGAIN)),
        304: {"description": "`If-None-Match` names the version that it still has."},
        429: _with_page(_problem("Too many of the tenant's wait to be made.", Retry_After=_AGAIN)),
        503: _with_page(
            _problem("The database does not answer, or no process makes documents.", Retry_After=_AGAIN)
        ),
    }
}
HEALTHZ: Final[Words] = {"responses": {200: _answer("It is.", _ref(Alive))}}
READYZ: Final[Words] = {
    "responses": {
        200: _answer("It can.", _ref(Alive)),
        503: _problem("It cannot; `errors` names the parts: database, schema, broker.", Retry_After=_AGAIN),
    }
}
METRICS: Final[Words] = {
    "responses": {200: {"description": "Prometheus text.", "content": {"text/plain": {}}}}
}


def build_openapi(app: FastAPI) -> Words:
    """Return the page of the app, every field of every model described."""
    page = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    _, models = models_json_schema(
        [
            *((model, "validation") for model in (OrderRequest, OrderTerms, CancelRequest, PaymentRecord)),
            *(
                (model, "validation")
                for model in (CheckInRequest, HoldRequest, ExtendRequest, ReleaseRequest)
            ),
            *((model, "serialization") for model in (Order, OrderPage, RequestStatus, OrderHistory)),
            *((model, "serialization") for model in (CheckedIn, Hold, HoldPage, TicketClassList)),
            *((model, "serialization") for model in (DocumentLinks, DocumentPending)),
            *((model, "serialization") for model in (Accepted, ProblemDocument, Alive)),
        ],
        ref_template=_REF,
    )
    schemas = page.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(models["$defs"], **DIALECT_SCHEMAS)
    _make_bodies(schemas)
    for name, schema in schemas.items():
        for field, words in schema.get("properties", {}).items():
            words["description"] = description_of(name, field) or words.get("description", "")
    complete(page)
    return page


def _make_bodies(schemas: dict[str, Words]) -> None:
    """Turn the requests of the queue into the bodies of calls, whose paths and headers say the rest."""
    for name in _NAMED_BY_PATH:
        properties = schemas[name]["properties"]
        said = [field for field in _SAID_BY_PATH if properties.pop(field, None)]
        schemas[name]["required"] = [one for one in schemas[name].get("required", []) if one not in said]
    # A patch names what changes, also of the buyer, whose other fields stay.
    buyer, terms = schemas.pop("BuyerTerms"), schemas.pop("OrderTerms")
    del buyer["required"]
    schemas["BuyerPatch"] = buyer | {
        "title": "BuyerPatch",
        "description": "What is to change of the buyer; null takes out what can be missing.",
    }
    terms["properties"]["buyer"] = {"$ref": _REF.format(model="BuyerPatch")}
    lines, _ = terms["properties"]["line_items"].pop("anyOf")  # an order is never without
    terms["properties"]["line_items"] |= lines
    schemas["OrderPatch"] = terms | {
        "title": "OrderPatch",
        "description": "What is to change of an order; null removes what can be missing.",
    }
    schemas["RequestStatus"]["properties"]["hold_id"] = {"type": "string", "format": "uuid"}


_NAMED_BY_PATH: Final = ("CancelRequest", "PaymentRecord", "ExtendRequest", "ReleaseRequest")
_SAID_BY_PATH: Final = ("order_id", "order_key", "expected_version", "expected_versions", "hold_id")
