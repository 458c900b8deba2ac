"""Translating calls of Zoho Backstage (Create an order) to canonical requests."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from schemas.json import JsonObject
from schemas.outcomes import Rejection, rejections_of
from vendors.dialect import Dialect, NotTranslatable
from vendors.values import without_none
from vendors.zoho_backstage.addresses import billing_address_of
from vendors.zoho_backstage.extras import HOLDERS, NAME, TICKET_LINES, HolderExtras
from vendors.zoho_backstage.request_models import OrderCall, TicketData
from willcall.kinds import CREATE


def _split(payload: Any) -> list[JsonObject]:
    if not isinstance(payload, dict):
        raise NotTranslatable([Rejection("invalid", None, "an order must be an object")])
    return [payload]


def _translate(kind: str, body: Mapping[str, Any]) -> JsonObject:
    if kind != CREATE:
        raise NotTranslatable(
            [Rejection("invalid", "dialect", f"the dialect {NAME} does not support {kind}")]
        )
    try:
        call = OrderCall.model_validate(body)
    except ValidationError as error:
        raise NotTranslatable(rejections_of(error)) from error
    buyer = call.buyer_details
    canonical = {
        "idempotency_key": call.idempotency_key,
        "event_id": call.event_id,
        "buyer": {
            "first_name": buyer.purchaser_first_name or "",
            "last_name": buyer.purchaser_last_name or "",
            "email": buyer.purchaser_email,
            "company": buyer.purchaser_company,
            "phone": buyer.purchaser_mobile_no,
        },
        "billing_address": billing_address_of(call),
        "line_items": _line_items(call),
        # The buyer has paid before the call: the sample's order is paid, by "Transaction API".
        "payments": [{"type": "transaction_api"}],
        "extras": _extras(call),
    }
    return without_none(canonical)


def tickets_by_line(call: OrderCall) -> list[list[int]]:
    """Return the places of each line's tickets; a line per class, in the order of their first tickets."""
    lines: dict[str, list[int]] = {}
    for place, ticket in enumerate(call.tickets):
        lines.setdefault(ticket.ticketclass_id, []).append(place)
    return list(lines.values())


def _line_items(call: OrderCall) -> list[JsonObject]:
    return [
        {
            "ticket_class_id": call.tickets[places[0]].ticketclass_id,
            "quantity": len(places),
            "attendees": [_attendee(call.tickets[place].data) for place in places],
        }
        for places in tickets_by_line(call)
    ]


def _attendee(data: TicketData | None) -> JsonObject:
    data = data or TicketData()
    return {"first_name": data.first_name, "last_name": data.last_name, "email": data.email}


def _extras(call: OrderCall) -> JsonObject | None:
    lines = [0] * len(call.tickets)
    holders = []
    for line_number, places in enumerate(tickets_by_line(call), 1):
        for index, place in enumerate(places):
            lines[place] = line_number
            data = call.tickets[place].data or TicketData()
            fields = {name: getattr(data, name) for name in HolderExtras.model_fields}
            if any(fields.values()):
                holders.append({"line": line_number, "place": index, **without_none(fields)})
    extras = {TICKET_LINES: None if lines == sorted(lines) else lines, HOLDERS: holders or None}
    return {NAME: without_none(extras)} if any(extras.values()) else None


DIALECT: Final = Dialect(NAME, _split, _translate)
