"""A JSON schema for each type of event message, and the AsyncAPI document that lists them.

Draft 7, as AsyncAPI 3.0 reads it by default.
"""

import copy
import json
from importlib.metadata import version
from typing import Any, Final, get_args
from uuid import UUID

import yaml
from pydantic.json_schema import models_json_schema

from schemas.events import CONTENT_TYPE, EventType
from schemas.json import JsonObject
from schemas.orders import Order, Payment, Ticket
from schemas.outcomes import RequestError
from schemas.text import WireModel
from willcall.kinds import KINDS
from willcall.queues import EVENTS

_TITLES: Final[dict[EventType, str]] = {
    "order.confirmed": "An order was confirmed; the data are the whole order with its tickets.",
    "order.rejected": "A request was rejected, for the reasons in `errors`; the subject is the request's id.",
    "order.updated": "An order was changed; the data are the whole order after the change.",
    "order.cancelled": "An order was cancelled; the data are the whole order after it.",
    "ticket.issued": "A ticket got its code, after the confirmation of its order.",
    "ticket.voided": "A ticket is no longer valid.",
    "ticket.checked_in": "A ticket was used.",
    "payment.recorded": "A payment or a refund was recorded.",
    "reconciliation.discrepancy_found": "Reconciliation found rows that contradict each other.",
}
_ABOUT: Final = (
    "CloudEvents 1.0 in structured JSON, at least once. `id` is stable, and `sequence` counts per `subject` "
    "from 1 without gaps: a consumer can drop repeats and see what it missed. On Redis and Valkey "
    "the exchange is kombu's. This file is made by `make reference`; do not edit it."
)


class TicketData(WireModel):
    """The data of an event of one ticket."""

    order_id: UUID
    ticket: Ticket


class PaymentData(WireModel):
    """The data of an event of one payment."""

    order_id: UUID
    payment: Payment


class RejectionData(WireModel):
    """The data of a rejection."""

    request_id: UUID
    kind: str
    tenant: str
    idempotency_key: str
    errors: tuple[RequestError, ...]


class DiscrepancyData(WireModel):
    """The data of a discrepancy: its rule, the id of the row in question, and a sentence."""

    rule: str
    subject: UUID
    detail: str


_DATA: Final[dict[EventType, type[WireModel]]] = {
    "order.confirmed": Order,
    "order.rejected": RejectionData,
    "order.updated": Order,
    "order.cancelled": Order,
    "ticket.issued": TicketData,
    "ticket.voided": TicketData,
    "ticket.checked_in": TicketData,
    "payment.recorded": PaymentData,
    "reconciliation.discrepancy_found": DiscrepancyData,
}
_LEFT_OUT: Final[JsonObject] = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "description": "The names of the fields that are missing, as the message would be too large.",
}
_COUNTS: Final[JsonObject] = {
    "type": "object",
    "description": "Instead of the tickets: how many of each ticket class, by status, and with codes.",
    "additionalProperties": {
        "type": "object",
        "properties": {
            name: {"type": "integer", "minimum": 0} for name in ("valid", "checked_in", "voided", "issued")
        },
        "required": ["valid", "checked_in", "voided", "issued"],
        "additionalProperties": False,
    },
}


def event_pages() -> dict[str, str]:
    """Return the text of each schema and of the AsyncAPI document, by file name."""
    types = get_args(EventType)
    schemas = {f"events/{type_}.json": _json(event_schema(type_)) for type_ in types}
    return schemas | {"asyncapi.yaml": _asyncapi(types)}


def event_schema(type_: EventType) -> JsonObject:
    """Return the JSON schema of the whole message: the CloudEvents envelope and its data."""
    model = _DATA[type_]
    _, made = models_json_schema([(model, "serialization")], ref_template="#/definitions/{model}")
    definitions: dict[str, Any] = made["$defs"]
    if model is RejectionData:
        definitions[model.__name__]["properties"]["kind"]["enum"] = sorted(KINDS)
    definitions["Shortened"] = _shortened(definitions, model)
    whole, shortened = {"$ref": f"#/definitions/{model.__name__}"}, {"$ref": "#/definitions/Shortened"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": type_,
        "description": _TITLES[type_],
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "Subject and sequence; the same when it is sent again."},
            "type": {"const": type_},
            "source": {"type": "string", "pattern": "^/tenants/.+$"},
            "subject": {"type": "string", "format": "uuid"},
            "time": {"type": "string", "format": "date-time"},
            "sequence": {"type": "integer", "minimum": 1, "description": "Counts per subject, without gaps."},
            "datacontenttype": {"const": "application/json"},
            "dataref": {
                "type": "string",
                "format": "uri-reference",
                "description": "Where the whole object can be read, if fields are left out.",
            },
            "traceparent": {
                "type": "string",
                "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
                "description": "The trace context (W3C) of the batch that made it; only where tracing is on.",
            },
            "data": {"anyOf": [whole, shortened]},
        },
        "required": [
            "specversion", "id", "type", "source", "subject", "time", "sequence", "datacontenttype", "data",
        ],
        "additionalProperties": False,
        "definitions": dict(sorted(definitions.items())),
    }  # fmt: skip


def _shortened(definitions: dict[str, Any], model: type[WireModel]) -> JsonObject:
    """Return the schema of data that leave fields out; an order counts its tickets instead."""
    shortened: dict[str, Any] = copy.deepcopy(definitions[model.__name__])
    shortened |= {
        "title": "Shortened",
        "description": "The same, with fields left out.",
        "required": ["left_out"],
    }
    shortened["properties"]["left_out"] = _LEFT_OUT
    if model is Order:
        line = copy.deepcopy(definitions["LineItem"])
        line |= {"title": "ShortenedLine", "description": "A line without its attendees."}
        del line["properties"]["attendees"]
        line["required"].remove("attendees")
        definitions["ShortenedLine"] = line
        shortened["properties"]["line_items"]["items"] = {"$ref": "#/definitions/ShortenedLine"}
        shortened["properties"]["ticket_counts"] = _COUNTS
    return shortened


def _asyncapi(types: tuple[EventType, ...]) -> str:
    exchange = {"name": EVENTS.name, "type": EVENTS.type, "durable": EVENTS.durable, "vhost": "/"}
    document: JsonObject = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Willcall's event messages",
            "version": version("willcall"),
            "license": {"name": "Apache-2.0"},
            "description": _ABOUT,
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            type_: {
                "address": type_,
                "description": "The address is the routing key.",
                "messages": {type_: {"$ref": f"#/components/messages/{type_}"}},
                "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
            }
            for type_ in types
        },
        "operations": {
            f"send.{type_}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{type_}"},
                "messages": [{"$ref": f"#/channels/{type_}/messages/{type_}"}],
            }
            for type_ in types
        },
        "components": {
            "messages": {
                type_: {
                    "name": type_,
                    "summary": _TITLES[type_],
                    "contentType": CONTENT_TYPE,
                    "payload": {"$ref": f"./events/{type_}.json"},
                }
                for type_ in types
            }
        },
    }
    text: str = yaml.dump(document, Dumper=_NoAliases, sort_keys=False, allow_unicode=True, width=110)
    return text


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Write equal parts out: a reader of the file should not have to look for anchors."""
        return True


def _json(schema: JsonObject) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
