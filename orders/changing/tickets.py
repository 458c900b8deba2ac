"""Choosing the tickets of a line to void."""

from collections.abc import Sequence

from orders.errors import NotAllowedInStatus
from orders.rows import TicketRow


def last_unused(tickets: Sequence[TicketRow], count: int) -> Sequence[TicketRow]:
    """Return the last `count` of a line's tickets; used ones only if there are no others."""
    used_first = sorted(tickets, key=lambda ticket: ticket.status != "checked_in")
    return used_first[len(tickets) - count :]


def check_unused(tickets: Sequence[TicketRow], field: str) -> None:
    """Raise `NotAllowedInStatus` if some of the tickets were used."""
    used = sum(ticket.status == "checked_in" for ticket in tickets)
    if used:
        raise NotAllowedInStatus(f"{used} of the tickets are checked in: undo the check-in first", field)
