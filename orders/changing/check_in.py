"""`tickets.check_in`: a ticket is used once, and the gate hears why it cannot be."""

from collections.abc import Mapping
from uuid import UUID

from orders.catalogue.ticket_codes import ForgedCode, UnknownKey, verify_ticket
from orders.changing.change import Change
from orders.errors import AlreadyCheckedIn, ForgedTicket, TicketVoided, UnknownTicket, WrongEvent
from orders.order_state import Row
from schemas.check_in import CheckInRequest


def ticket_id_of(asked: CheckInRequest, public_keys: Mapping[int, bytes]) -> UUID:
    """Return which ticket is meant. Raises `ForgedTicket` for a code that nobody here has signed."""
    if asked.ticket_id is not None:
        return asked.ticket_id
    assert asked.code is not None  # noqa: S101 - the schema holds it
    try:
        return verify_ticket(asked.code, public_keys).ticket_id
    except (ForgedCode, UnknownKey) as error:
        raise ForgedTicket(str(error), "code") from error


def check_in(change: Change, asked: CheckInRequest, ticket_id: UUID) -> bool:
    """Use a ticket, or undo its use; return whether anything changed.

    Raises `UnknownTicket`, `WrongEvent`, `TicketVoided` or `AlreadyCheckedIn`.
    """
    ticket = next((one for one in change.state.tickets if one["id"] == ticket_id), None)
    if ticket is None:
        raise UnknownTicket(f"there is no ticket {ticket_id}", "ticket_id")
    _check_event(change, asked, ticket)
    if ticket["status"] == "voided":
        raise TicketVoided("the ticket was voided", _field(asked))
    if asked.code is not None and asked.code != ticket["code"]:
        raise ForgedTicket("this is not the ticket's code", "code")
    if asked.undo:
        return _undo(ticket)
    if ticket["status"] == "checked_in":
        if asked.nonce is not None and asked.nonce == ticket["check_in_nonce"]:
            return False  # the same scan once more
        raise AlreadyCheckedIn(f"the ticket was used at {ticket['checked_in_at'].isoformat()}", _field(asked))
    ticket["status"] = "checked_in"
    ticket["checked_in_at"], ticket["check_in_nonce"] = change.now, asked.nonce
    change.told.append(("ticket.checked_in", change.ticket_words(ticket)))
    return True


def _undo(ticket: Row) -> bool:
    if ticket["status"] != "checked_in":
        return False
    ticket["status"] = "valid"
    ticket["checked_in_at"] = ticket["check_in_nonce"] = None
    return True


def _check_event(change: Change, asked: CheckInRequest, ticket: Row) -> None:
    line = change.state.line(ticket["line_number"])
    assert line is not None  # noqa: S101 - a foreign key holds it
    if asked.event_id is not None and asked.event_id != line["event_external_id"]:
        raise WrongEvent(f"the ticket is for event {line['event_external_id']}", _field(asked))


def _field(asked: CheckInRequest) -> str:
    return "ticket_id" if asked.code is None else "code"
