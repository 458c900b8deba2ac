"""`tickets.check_in`: use a ticket once, or report to the gate why it cannot be used."""

from datetime import datetime

from orders.batch_requests import CheckIn
from orders.changing.status import check_changeable
from orders.errors import AlreadyCheckedIn, ForgedTicket, NotIssued, TicketVoided, UnknownTicket, WrongEvent
from orders.order_change import Change
from orders.rows import TicketRow
from orders.state import OrderState
from orders.world import World
from schemas.check_in import CheckInRequest


def check_in(world: World, request: CheckIn, now: datetime) -> None:
    """Use a ticket, or undo its use; a repeated scan changes nothing.

    Raises `ForgedTicket`, `UnknownTicket`, `WrongEvent`, `TicketVoided`, `NotIssued` or
    `AlreadyCheckedIn`.
    """
    if request.forgery is not None:
        raise request.forgery
    order, ticket = _find(world, request)
    body = request.body
    check_changeable(order.row.status, request.request.kind)
    _check_event(order, ticket, body)
    if ticket.status == "voided":
        raise TicketVoided("the ticket was voided", _field(body))
    if ticket.code is None and not body.undo:
        raise NotIssued("the ticket is not issued: its order is not paid yet", _field(body))
    if body.code is not None and body.code != ticket.code:
        raise ForgedTicket("this is not the ticket's code", "code")
    if body.undo:
        if ticket.status != "checked_in":
            return
        changed = ticket._replace(status="valid", checked_in_at=None, check_in_nonce=None)
    elif ticket.status == "checked_in":
        if body.nonce is not None and body.nonce == ticket.check_in_nonce:
            return
        moment = ticket.checked_in_at and ticket.checked_in_at.isoformat()
        raise AlreadyCheckedIn(f"the ticket was used at {moment}", _field(body))
    else:
        changed = ticket._replace(status="checked_in", checked_in_at=now, check_in_nonce=body.nonce)
    change = Change(world, request, order, now)
    order.tickets.put(ticket.id, changed)
    if not body.undo:
        change.add_message("ticket.checked_in", change.ticket_data(changed))
    change.finish()


def _find(world: World, request: CheckIn) -> tuple[OrderState, TicketRow]:
    order_id = world.ticket_orders.get(request.ticket_id or "")
    order = None if order_id is None else world.order(order_id)
    if order is None or request.ticket_id is None or order.row.tenant_id != request.tenant.id:
        raise UnknownTicket(f"there is no ticket {request.ticket_id}", "ticket_id")
    request.order_id = order.id
    return order, order.tickets[request.ticket_id]


def _check_event(order: OrderState, ticket: TicketRow, body: CheckInRequest) -> None:
    names = order.names[ticket.ticket_class_id]
    if body.event_id is not None and body.event_id != names.event_external_id:
        raise WrongEvent(f"the ticket is for event {names.event_external_id}", _field(body))


def _field(body: CheckInRequest) -> str:
    return "ticket_id" if body.code is None else "code"
