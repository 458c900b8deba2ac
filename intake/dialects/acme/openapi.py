"""The calls of ACME on the OpenAPI page."""

from typing import Any, Final

from intake.dialects.openapi import describe_call, schema_of
from intake.openapi.parts import NEWEST
from vendors.acme import DIALECT
from vendors.acme.errors import Refusal
from vendors.acme.request_models import OrderCall
from vendors.acme.response_models import AnsweredOrder

_ORDER: Final = schema_of(DIALECT.name, AnsweredOrder, "serialization")
_CALL: Final = schema_of(DIALECT.name, OrderCall, "validation")
_REFUSAL: Final = schema_of(DIALECT.name, Refusal, "serialization")

_EXAMPLE: Final[dict[str, Any]] = {
    "visitorId": "v-17",
    "email": "sam@example.com",
    "contactFirstName": "Sam",
    "contactLastName": "Peter",
    "saleChannel": "online",
    "orderItems": [{"eventId": "2000000116588", "ticketingTypeId": "3000000012232", "quantity": 2}],
}

_UUID: Final = {
    "name": "x-acme-request-uuid",
    "in": "header",
    "description": "The caller's own name for the call; a reused name is answered with 409.",
    "schema": {"type": "string"},
    "example": "0b6a1d9e-6f0e-4b51-9d55-0d7a3ff2f1ab",
}

LIST_ORDERS: Final = describe_call(
    {200: ("The orders.", {"type": "array", "items": _ORDER})}, _REFUSAL, parameters=[NEWEST]
)
SHOW_ORDER: Final = describe_call({200: ("The order.", _ORDER)}, _REFUSAL)
CREATE_ORDER: Final = describe_call(
    {201: ("The order's id.", {"type": "string", "format": "uuid"})},
    _REFUSAL,
    request=_CALL,
    example=_EXAMPLE,
    parameters=[_UUID],
    waits=True,
)
UPDATE_ORDER: Final = describe_call(
    {200: ("The order.", _ORDER)},
    _REFUSAL,
    request=_CALL,
    example=_EXAMPLE,
    parameters=[_UUID],
    waits=True,
)
DELETE_ORDER: Final = describe_call(
    {200: ("The order before its deletion.", _ORDER)}, _REFUSAL, parameters=[_UUID], waits=True
)
