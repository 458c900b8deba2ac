"""Zoho Backstage's own fields of an order: stored in the order's extras."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from schemas.dialects import DialectName
from schemas.orders import Order
from schemas.text import ShortText, WireModel

NAME: Final[DialectName] = "zoho_backstage"

TICKET_LINES: Final = "ticket_lines"
"""The key in the extras of the line numbers of the call's tickets, in the call's order.

Stored only if tickets of one class are not adjacent, so that the lines alone do not determine the order.
"""

HOLDERS: Final = "holders"
"""The key in the extras of the holders' fields that attendees do not have, by line and place in the line."""


class HolderExtras(WireModel):
    """The fields of a ticket's `contact` that attendees do not have."""

    company_name: ShortText | None = None
    designation: ShortText | None = None
    mobile_no: ShortText | None = None


NO_HOLDER_EXTRAS: Final = HolderExtras()


class _Holder(HolderExtras):
    line: int
    place: int


def ticket_lines(order: Order) -> list[Any]:
    """Return the stored line numbers; they may be invalid, since other clients can write extras."""
    stored = _stored(order).get(TICKET_LINES)
    return stored if isinstance(stored, list) else []


def holders_of(order: Order) -> dict[UUID, HolderExtras]:
    """Return the extras of the holders, by their tickets' ids."""
    stored = _stored(order).get(HOLDERS)
    if not isinstance(stored, list):
        return {}
    tickets: defaultdict[int, list[UUID]] = defaultdict(list)
    for ticket in sorted(order.tickets, key=lambda ticket: ticket.id):
        tickets[ticket.line_number].append(ticket.id)
    found: dict[UUID, HolderExtras] = {}
    for fields in stored:
        try:
            holder = _Holder.model_validate(fields)
        except ValidationError:
            continue
        of_line = tickets.get(holder.line, [])
        if 0 <= holder.place < len(of_line):
            found[of_line[holder.place]] = holder
    return found


def _stored(order: Order) -> Mapping[str, Any]:
    return (order.extras or {}).get(NAME, {})
