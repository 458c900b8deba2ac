"""The OpenAPI page: FastAPI's description of the routes, and the models that we read and write ourselves."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from intake.openapi.descriptions import description_of
from intake.openapi.parts import REF
from intake.openapi.security import complete
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
from schemas.changes import CancelRequest, PatchedOrder, PaymentRecord
from schemas.check_in import CheckInRequest
from schemas.holds import ExtendRequest, Hold, HoldRequest, ReleaseRequest
from schemas.json import JsonObject
from schemas.order_requests import OrderRequest
from schemas.orders import Order, OrderPage
from schemas.outcomes import RequestStatus


def build_openapi(app: FastAPI, dialect_schemas: Mapping[str, JsonObject]) -> JsonObject:
    """Return the page of the app and the schemas of its dialects; every field has a description."""
    page = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    _, models = models_json_schema(
        [
            *((model, "validation") for model in (OrderRequest, PatchedOrder, CancelRequest, PaymentRecord)),
            *(
                (model, "validation")
                for model in (CheckInRequest, HoldRequest, ExtendRequest, ReleaseRequest)
            ),
            *((model, "serialization") for model in (Order, OrderPage, RequestStatus, OrderHistory)),
            *((model, "serialization") for model in (CheckedIn, Hold, HoldPage, TicketClassList)),
            *((model, "serialization") for model in (DocumentLinks, DocumentPending)),
            *((model, "serialization") for model in (Accepted, ProblemDocument, Alive)),
        ],
        ref_template=REF,
    )
    schemas = page.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(models["$defs"], **dialect_schemas)
    _make_bodies(schemas)
    for name, schema in schemas.items():
        for field, field_schema in schema.get("properties", {}).items():
            field_schema["description"] = description_of(name, field) or field_schema.get("description", "")
    complete(page)
    return page


def _make_bodies(schemas: dict[str, JsonObject]) -> None:
    """Turn requests of the queue into bodies of calls, whose paths and headers hold the other fields."""
    for name in _NAMED_BY_PATH:
        properties = schemas[name]["properties"]
        said = [field for field in _SAID_BY_PATH if properties.pop(field, None)]
        schemas[name]["required"] = [one for one in schemas[name].get("required", []) if one not in said]
    # A patch names the changed fields, also of the buyer; other fields stay.
    buyer, order = schemas.pop("PatchedBuyer"), schemas.pop("PatchedOrder")
    del buyer["required"]
    schemas["BuyerPatch"] = buyer | {
        "title": "BuyerPatch",
        "description": "Changes of the buyer; null removes an optional field.",
    }
    order["properties"]["buyer"] = {"$ref": REF.format(model="BuyerPatch")}
    lines, _ = order["properties"]["line_items"].pop("anyOf")  # required in every order
    order["properties"]["line_items"] |= lines
    schemas["OrderPatch"] = order | {
        "title": "OrderPatch",
        "description": "Changes of an order; null removes an optional field.",
    }
    schemas["RequestStatus"]["properties"]["hold_id"] = {"type": "string", "format": "uuid"}


_NAMED_BY_PATH: Final = ("CancelRequest", "PaymentRecord", "ExtendRequest", "ReleaseRequest")
_SAID_BY_PATH: Final = ("order_id", "order_key", "expected_version", "expected_versions", "hold_id")
