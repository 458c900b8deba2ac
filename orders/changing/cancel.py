"""`orders.cancel`: void tickets and return their inventory, once; paid amounts become refundable."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from orders.batch_requests import CancelOrder, Opened
from orders.changing.open_order import open_order
from orders.changing.place import place_of
from orders.changing.reprice import before_change, emptied, give_back_promo_uses, reprice_rest
from orders.changing.status import close_refunded, moved
from orders.changing.tickets import check_unused, last_unused
from orders.errors import Invalid, NotAllowedInStatus, UnknownTicket
from orders.money.promo_terms import returned
from orders.order_change import Change
from orders.rows import TicketRow
from orders.state import OrderState
from orders.world import World
from schemas.changes import CancelRequest
from schemas.json import JsonObject
from schemas.money import zero


def cancel(world: World, request: CancelOrder, now: datetime) -> None:
    """Cancel the order, or a part of it; already cancelled parts stay cancelled.

    Raises `Invalid`, `UnknownTicket` or `NotAllowedInStatus`; the world is then unchanged.
    """
    order = open_order(world, request)
    if order.row.status != "placed":
        return
    body = request.body
    if body.is_whole or not order.tickets:
        if not body.is_whole:
            raise Invalid("a purchase order without tickets can only be cancelled as a whole", "lines")
        cancel_whole(world, request, order, body.reason, now)
        return
    tickets = _named(order, body)
    check_unused(tickets, "ticket_ids")
    if not tickets:
        return  # all of them are already cancelled
    if len(tickets) == len(order.valid_tickets()):
        cancel_whole(world, request, order, body.reason, now)
        return
    place = place_of(order, request)
    change = Change(world, request, order, now)
    before = before_change(order)
    patch = {"cancelled": _cancelled(order, body, tickets)}
    _take_out(change, tickets)
    reprice_rest(change, before)
    change.settle()
    change.finish("order.updated", patch=patch, place=place)


def cancel_whole(world: World, request: Opened, order: OrderState, reason: str | None, now: datetime) -> None:
    """Cancel the rest of the order, and the purchase order of a sale.

    Raises `NotAllowedInStatus` if a ticket was used, or if tickets that a purchase created are sold.
    """
    tickets = order.valid_tickets()
    check_unused(tickets, "ticket_ids")
    change = Change(world, request, order, now)
    if not order.tickets:
        _let_go(change)
    _take_out(change, tickets)
    _close(change, reason)
    change.settle()
    close_refunded(order)
    change.finish("order.cancelled")
    trade = order.trade
    if trade is None or trade.is_purchase or trade.counterpart_id is None:
        return
    purchase = world.order(trade.counterpart_id)
    if purchase is not None and purchase.row.status == "placed":
        cancel_whole(world, request, purchase, reason, now)


def _let_go(change: Change) -> None:
    """Withdraw the inventory that a purchase order without tickets created."""
    order, stock = change.order, change.world.stock
    # Inventory bought for a sale belongs to the sale, and is returned with its tickets.
    is_maker = order.trade is not None and order.trade.counterpart_id is None
    for line in order.open_lines() if is_maker else ():
        if not stock.has(line.ticket_class_id, line.quantity):
            class_id = order.external_id(line.ticket_class_id)
            raise NotAllowedInStatus(f"tickets of ticket class {class_id} are sold or held", "order_id")
        stock.withdraw(line.ticket_class_id, line.quantity)


def _take_out(change: Change, tickets: Sequence[TicketRow]) -> None:
    """Void the tickets, and remove them from their lines."""
    change.void(tickets)
    lines, nothing = change.order.lines, zero(change.order.row.currency)
    for number, count in Counter(ticket.line_number for ticket in tickets).items():
        line = lines[number]
        left = line.quantity - count
        lines.put(number, line._replace(quantity=left) if left else emptied(line, nothing))


def _close(change: Change, reason: str | None) -> None:
    """Set the order cancelled: nothing is owed for it, and paid amounts are refundable."""
    order = change.order
    row, nothing = order.row, zero(order.row.currency)
    terms = row.promo_terms
    if change.request.tenant.returns_promo_uses:
        give_back_promo_uses(change)
        terms = returned(terms)
    for line in order.open_lines():
        order.lines.put(line.line_number, emptied(line, nothing))
    order.set(
        row._replace(
            status=moved(row.status, "cancelled"),
            cancelled_at=change.now,
            cancel_reason=reason,
            subtotal=nothing,
            shipping=nothing,
            service_fee=nothing,
            additional_expense=nothing,
            tax=nothing,
            included_tax=nothing,
            discount=nothing,
            total=nothing,
            given_tax=None,
            given_discount=None,
            promo_terms=terms,
        )
    )


def _named(order: OrderState, body: CancelRequest) -> list[TicketRow]:
    """Return the named valid tickets, each once."""
    named: dict[str, TicketRow] = {}
    for index, ticket_id in enumerate(body.ticket_ids):
        ticket = order.tickets.get(str(ticket_id))
        if ticket is None:
            raise UnknownTicket(f"the order has no ticket {ticket_id}", f"ticket_ids.{index}")
        if ticket.status != "voided":
            named[ticket.id] = ticket
    for index, part in enumerate(body.lines):
        if part.line_number not in order.lines:
            raise Invalid(f"the order has no line {part.line_number}", f"lines.{index}.line_number")
        left = [ticket for ticket in order.valid_tickets(part.line_number) if ticket.id not in named]
        named.update((ticket.id, ticket) for ticket in _last(left, part.quantity, index))
    return list(named.values())


def _last(tickets: Sequence[TicketRow], quantity: int | None, index: int) -> Sequence[TicketRow]:
    if quantity is None:
        return tickets
    if quantity > len(tickets):
        raise Invalid(f"the line has only {len(tickets)} valid tickets", f"lines.{index}.quantity")
    return last_unused(tickets, quantity)


def _cancelled(order: OrderState, body: CancelRequest, tickets: Sequence[TicketRow]) -> list[JsonObject]:
    """Return the parts that a late update must not restore, by line: see `orders.changing.merge`."""
    whole = {part.line_number for part in body.lines if part.quantity is None}
    return [
        {
            "line_number": number,
            "ticket_class_id": order.external_id(order.lines[number].ticket_class_id),
            # A line that was cancelled as a whole keeps no tickets, even those that a late update adds.
            "quantity": None if number in whole else count,
            # The indexes of the tickets in the line: its first attendee belongs to the first ticket.
            "places": [
                index
                for index, ticket in enumerate(order.valid_tickets(number))
                if ticket.id in {one.id for one in tickets}
            ],
            "seats": [
                order.seats[ticket.seat_id].label
                for ticket in tickets
                if ticket.line_number == number and ticket.seat_id is not None
            ],
        }
        for number, count in Counter(ticket.line_number for ticket in tickets).items()
    ]
