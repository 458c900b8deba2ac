"""The scanned ticket of an order."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from schemas.json import JsonObject


def ticket_of(order: JsonObject, asked: Mapping[str, Any]) -> JsonObject | None:
    """Return the ticket of the order that was checked in, by its code or its id."""
    code, id_ = asked.get("code"), asked.get("ticket_id")
    for ticket in order["tickets"]:
        if ticket["code"] == code if code is not None else UUID(str(ticket["id"])) == UUID(str(id_)):
            found: JsonObject = ticket
            return found
    return None
