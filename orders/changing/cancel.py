"""`orders.cancel`: tickets are voided and their inventory returned, once; what was paid is owed back."""

from collections.abc import Sequence

from orders.changing.change import Change, check_unused, last_unused
from orders.changing.repricing import reduced, reprice
from orders.changing.status import moved
from orders.changing.terms import terms_of
from orders.errors import Invalid, NotAllowedInStatus, UnknownTicket
from orders.money.pricing import TOTALS
from orders.order_state import Row
from schemas.changes import CancelRequest
from schemas.money import zero


def cancel(change: Change, asked: CancelRequest) -> bool:
    """Cancel the order, or a part of it; return whether anything changed.

    Raises `Invalid`, `UnknownTicket` or `NotAllowedInStatus`.
    """
    state = change.state
    if state.row["status"] != "placed":
        return False
    if not state.tickets:
        _let_go(change, asked)
    tickets = state.valid_tickets() if asked.is_whole else _named(change, asked)
    check_unused(tickets, "ticket_ids")
    if not tickets and not asked.is_whole:
        return False  # all of them are cancelled already
    change.void(tickets)
    for ticket in tickets:
        line = state.line(ticket["line_number"])
        assert line is not None  # noqa: S101 - a foreign key holds it
        line["quantity"] -= 1
    if any(line["quantity"] for line in state.lines):
        reprice(change, reduced(change, terms_of(state)))
    else:
        _close(change, asked.reason)
    change.settle()
    return True


def _let_go(change: Change, asked: CancelRequest) -> None:
    """Take out the lines of a purchase order that has no tickets, with the inventory that it made."""
    state = change.state
    if not asked.is_whole:
        raise Invalid("a purchase order without tickets is cancelled as a whole", "lines")
    for line in state.lines:
        # What a sale bought is the sale's, and goes back with its tickets.
        if state.trade is not None and state.trade["counterpart_id"] is None:
            class_id = str(line["ticket_class_id"])
            if change.stock.free[class_id] < line["quantity"]:
                raise NotAllowedInStatus(
                    f"tickets of ticket class {line['external_id']} are sold or held", "order_id"
                )
            change.stock.withdraw(class_id, line["quantity"])
        line["quantity"] = 0


def _close(change: Change, reason: str | None) -> None:
    row = change.state.row
    row["status"] = moved(row["status"], "cancelled")
    row["cancelled_at"], row["cancel_reason"] = change.now, reason
    # Nothing is owed for it any more; what was paid is the buyer's.
    nothing = zero(row["currency"])
    row.update(dict.fromkeys(TOTALS, nothing), given_tax=None, given_discount=None)
    for line in change.state.lines:
        line["amount"] = line["tax"] = line["rounding"] = nothing


def _named(change: Change, asked: CancelRequest) -> list[Row]:
    """Return the valid tickets that are named, each once."""
    state = change.state
    known = {ticket["id"]: ticket for ticket in state.tickets}
    named: dict[object, Row] = {}
    for index, ticket_id in enumerate(asked.ticket_ids):
        if ticket_id not in known:
            raise UnknownTicket(f"the order has no ticket {ticket_id}", f"ticket_ids.{index}")
        if known[ticket_id]["status"] != "voided":
            named[ticket_id] = known[ticket_id]
    for index, part in enumerate(asked.lines):
        if state.line(part.line_number) is None:
            raise Invalid(f"the order has no line {part.line_number}", f"lines.{index}.line_number")
        left = [ticket for ticket in state.valid_tickets(part.line_number) if ticket["id"] not in named]
        named.update((ticket["id"], ticket) for ticket in _last(left, part.quantity, index))
    return list(named.values())


def _last(tickets: Sequence[Row], quantity: int | None, index: int) -> Sequence[Row]:
    if quantity is None:
        return tickets
    if quantity > len(tickets):
        raise Invalid(f"the line has {len(tickets)} tickets left", f"lines.{index}.quantity")
    return last_unused(tickets, quantity)
