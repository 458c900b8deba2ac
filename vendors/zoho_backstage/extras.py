"""What only Zoho Backstage says of an order: kept in the order's extras."""

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
"""What an order's extras call the numbers of its lines, ticket by ticket, as the call named the tickets.

Kept only where tickets of one class do not stand together, and the lines alone would not tell it.
"""

HOLDERS: Final = "holders"
"""What they call the words of holders that an attendee of ours has not, by line and place in the line."""


class KeptOfHolder(WireModel):
    """The words of a ticket's `contact` that an attendee of ours has not."""

    company_name: ShortText | None = None
    designation: ShortText | None = None
    mobile_no: ShortText | None = None


NOTHING_OF_HOLDER: Final = KeptOfHolder()


class _Holder(KeptOfHolder):
    line: int
    place: int


def ticket_lines(order: Order) -> list[Any]:
    """Return the numbers of lines that are kept; extras may hold anything, for others can write them."""
    kept = _kept(order).get(TICKET_LINES)
    return kept if isinstance(kept, list) else []


def holders_of(order: Order) -> dict[UUID, KeptOfHolder]:
    """Return what is kept of the holders, by their tickets' ids."""
    kept = _kept(order).get(HOLDERS)
    if not isinstance(kept, list):
        return {}
    tickets: defaultdict[int, list[UUID]] = defaultdict(list)
    for ticket in sorted(order.tickets, key=lambda ticket: ticket.id):
        tickets[ticket.line_number].append(ticket.id)
    found: dict[UUID, KeptOfHolder] = {}
    for words in kept:
        try:
            holder = _Holder.model_validate(words)
        except ValidationError:
            continue
        of_line = tickets.get(holder.line, [])
        if 0 <= holder.place < len(of_line):
            found[of_line[holder.place]] = holder
    return found


def _kept(order: Order) -> Mapping[str, Any]:
    return (order.extras or {}).get(NAME, {})
