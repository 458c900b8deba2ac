"""Errors in the ACME dialect; the vendor's document shows none, so the format is ours."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from schemas.json import JsonObject
from schemas.text import WireModel
from vendors.acme.prices import discount_field, price_field
from vendors.acme.totals import total_field

# Python names these two by an older RFC, until 3.13.
_REASONS: Final[Mapping[int, str]] = {413: "Content Too Large", 422: "Unprocessable Content"}

# ACME's names of our fields in rejections.
_FIELDS: Final[Mapping[str, str]] = {
    "order_id": "id",
    "buyer.first_name": "contactFirstName",
    "buyer.last_name": "contactLastName",
    "buyer.email": "email",
    "buyer.phone": "phoneNumber",
    "billing_address.postal_code": "zipCode",
    "payment_due_at": "paymentDueDate",
    "external_notes": "notes",
    "discount": "orderItems",
    "total_discount": "orderItems",
    "line_items": "orderItems",
    "ticket_ids": "orderItems",
    "extras": "orderItems",
    "payments.0.amount": "paidAmount",
    "idempotency_key": "x-acme-request-uuid",
}

_FIELDS_OF_LINES: Final[Mapping[str, str]] = {
    "line_number": "itemId",
    "ticket_class_id": "ticketingTypeId",
    "event_id": "eventId",
    "unit_price": "unitPrice",
    "attendees": "ticketVos",
    "ticket_ids": "ticketVos",
    "first_name": "firstName",
    "last_name": "lastName",
}


class Mistake(WireModel):
    """One mistake: a code, ACME's name of the field, and a sentence."""

    code: str
    field: str | None
    message: str


class Refusal(WireModel):
    """The body of an error."""

    status: int
    error: str
    message: str
    errors: tuple[Mistake, ...]


def refusal(status: int, message: str, errors: Sequence[Mapping[str, Any]]) -> JsonObject:
    """Return the body of an error."""
    return {
        "status": status,
        "error": _REASONS.get(status) or HTTPStatus(status).phrase,
        "message": message,
        "errors": [
            {"code": error["code"], "field": _field(error["field"]), "message": error["message"]}
            for error in errors
        ],
    }


def with_call_fields(body: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> list[JsonObject]:
    """Return the errors with the items' places in the call, and with the names of fields that the call has.

    A call may have items without tickets, and may state a price or a class in one of several fields.
    """
    items = body.get("orderItems")
    sent = [item if isinstance(item, dict) else {} for item in (items if isinstance(items, list) else ())]
    places = [place for place, item in enumerate(sent) if _has_tickets(item)]
    return [{**error, "field": _in_place(error["field"], body, sent, places)} for error in errors]


def _has_tickets(item: Mapping[str, Any]) -> bool:
    if item.get("quantity") is not None:
        return bool(item["quantity"])
    tickets = item.get("ticketVos")
    return any(
        isinstance(ticket, dict) and ticket.get("ticketStatus") in (None, "Normal")
        for ticket in (tickets if isinstance(tickets, list) else ())
    )


def _in_place(
    field: str | None,
    body: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    places: Sequence[int],
) -> str | None:
    name, *rest = (field or "").split(".")
    if name == "expected_total":
        return total_field(body) or field
    if name in ("discount", "total_discount"):
        return _field_of_discount(items) or field
    if name != "line_items" or not rest or not rest[0].isdecimal() or int(rest[0]) >= len(places):
        return field
    place = places[int(rest[0])]
    if len(rest) == 2 and rest[1] in _SENT_AS:
        return f"orderItems.{place}.{_SENT_AS[rest[1]](items[place])}"
    return ".".join((name, str(place), *rest[1:]))


def _field_of_discount(items: Sequence[Mapping[str, Any]]) -> str | None:
    found = ((place, discount_field(item)) for place, item in enumerate(items))
    return next((f"orderItems.{place}.{name}" for place, name in found if name), None)


def _class_field(item: Mapping[str, Any]) -> str:
    is_inventory = item.get("ticketingTypeId") is None and item.get("inventoryId") is not None
    return "inventoryId" if is_inventory else "ticketingTypeId"


def _quantity_field(item: Mapping[str, Any]) -> str:
    return "ticketVos" if item.get("quantity") is None and item.get("ticketVos") is not None else "quantity"


_SENT_AS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "unit_price": price_field,
    "ticket_class_id": _class_field,
    "quantity": _quantity_field,
}
"""Functions that return the field of an item that states one of our fields, where several can."""


def _field(field: str | None) -> str | None:
    if field is None:
        return None
    if field.startswith("line_items."):
        _, place, *rest = field.split(".")
        return ".".join(("orderItems", place, *(_FIELDS_OF_LINES.get(part, part) for part in rest)))
    if field.startswith("external_notes"):
        return "notes"
    return _FIELDS.get(field, field)
