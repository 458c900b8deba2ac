"""The dialects' calls on the OpenAPI page; the vendors' documents describe their fields."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from intake.calls.bodies import JSON
from intake.openapi.parts import KEY_PATTERN
from intake.web.responses import Accepted
from schemas.dialects import DialectName
from schemas.json import JsonObject

DIALECT_SCHEMAS: Final[dict[str, JsonObject]] = {}
"""The schemas that `schema_of` has put on the page, by component name."""

_ACCEPTED: Final[JsonObject] = {"$ref": f"#/components/schemas/{Accepted.__name__}"}

_OF_WAITING: Final[tuple[JsonObject, ...]] = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The caller's own name for the call: the same name again is the same request.",
        "schema": {"type": "string", "pattern": KEY_PATTERN},
        "example": "shop-7-000123",
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": "Wait up to this number of seconds for the outcome, at most 30; 0: do not wait.",
        "schema": {"type": "string"},
        "example": "wait=10",
    },
)
"""The headers of calls that become requests on the queue: ours, not the vendors'."""


def schema_of(
    dialect: DialectName, model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> JsonObject:
    """Return the reference to a model of a dialect, and put the model on the page."""
    template = f"#/components/schemas/{dialect}.{{model}}"
    _, found = models_json_schema([(model, mode)], ref_template=template)
    for name, schema in found["$defs"].items():
        for field_schema in schema.get("properties", {}).values():
            field_schema.setdefault("description", f"As in the document of {dialect}.")
        DIALECT_SCHEMAS[f"{dialect}.{name}"] = schema
    return {"$ref": template.format(model=model.__name__)}


def describe_call(
    answers: Mapping[int, tuple[str, JsonObject]],
    refusal: JsonObject,
    *,
    request: JsonObject | None = None,
    example: JsonObject | None = None,
    parameters: Sequence[JsonObject] = (),
    waits: bool = False,
    media_types: Sequence[str] = (JSON,),
) -> JsonObject:
    """Return the arguments of a route: its answers by status, and its error format.

    A `request` has an example.
    """
    responses: dict[int | str, JsonObject] = {
        status: {"description": description, "content": {JSON: {"schema": schema}}}
        for status, (description, schema) in answers.items()
    }
    responses["4XX"] = {"description": "The call was refused.", "content": {JSON: {"schema": refusal}}}
    responses["5XX"] = {"description": "Send the same call again.", "content": {JSON: {"schema": refusal}}}
    if waits:
        responses[202] = {
            "description": "The broker has confirmed the request; there was no outcome in time.",
            "content": {JSON: {"schema": _ACCEPTED}},
            "headers": {
                "Location": {"description": "The path of the outcome.", "schema": {"type": "string"}},
                "Retry-After": {
                    "description": "Seconds until the outcome should be polled.",
                    "schema": {"type": "string"},
                },
            },
        }
    extra: JsonObject = {"parameters": [*parameters, *(_OF_WAITING if waits else ())]}
    if request is not None:
        content = {media_type: {"schema": request, "example": example} for media_type in media_types}
        extra["requestBody"] = {"required": True, "content": content}
    return {"responses": responses, "openapi_extra": extra}
