"""The OpenAPI page: what FastAPI knows of the routes, and the models that we read and write ourselves."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from intake.access import SCHEME
from intake.answers import Accepted, Alive, ProblemDocument
from intake.descriptions import description_of
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


def _header_parameter(name: str, description: str, example: str) -> Words:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "description": description, "schema": schema, "example": example}


_AGAIN: Final = "In how many seconds to try again."
_NEEDS_KEY: Final[dict[int | str, Words]] = {
    401: _problem("There is no key, or it is unknown or revoked.", WWW_Authenticate="How to send a key."),
    403: _problem("The key lacks the scope.", WWW_Authenticate="The scope that is needed."),
    503: _problem("The database does not answer.", Retry_After=_AGAIN),
    "default": _problem("The call failed unexpectedly."),
}
_NOT_FOUND: Final[dict[int | str, Words]] = {404: _problem("There is none, or it is another tenant's.")}
_ETAG: Final = "The order's version, quoted."

CREATE_ORDERS: Final[Words] = {
    "responses": _NEEDS_KEY
    | {
        200: _answer(
            "`Prefer: wait` and an array: the outcomes, in order.",
            {"type": "array", "items": _ref(RequestStatus)},
            Preference_Applied="How long the call could have waited.",
        ),
        201: _answer(
            "`Prefer: wait` and a single request: the order.",
            _ref(Order),
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
        "security": [{SCHEME: []}],
        "requestBody": {
            "required": True,
            "description": "One order request, or an array of 1 to 500 of them; at most 1 MiB.",
            "content": {"application/json": {"schema": _one_or_array(OrderRequest)}},
        },
        "parameters": [
            _header_parameter(
                "Idempotency-Key",
                "The caller's own name for a single request, instead of the field `idempotency_key`.",
                "shop-7-000123",
            ),
            _header_parameter("Prefer", "Wait up to so many seconds for the outcome, at most 30.", "wait=10"),
        ],
    },
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
LIST_ORDERS: Final[Words] = {
    "responses": _NEEDS_KEY
    | {
        200: _answer("A page of orders.", _ref(OrderPage)),
        400: _problem("The cursor is not one that a page gave."),
        422: _problem("A parameter is not well formed."),
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
            (OrderRequest, "validation"),
            *((model, "serialization") for model in (Order, OrderPage, RequestStatus)),
            *((model, "serialization") for model in (Accepted, ProblemDocument, Alive)),
        ],
        ref_template=_REF,
    )
    schemas = page.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(models["$defs"])
    for name, schema in schemas.items():
        for field, words in schema.get("properties", {}).items():
            words["description"] = description_of(name, field) or words.get("description", "")
    return page
