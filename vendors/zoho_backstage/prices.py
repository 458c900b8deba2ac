"""The prices of an order's tickets, with their shares of fees, taxes and discounts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from schemas.background import Background
from schemas.money import ZERO
from schemas.orders import LineItem, Order, Ticket
from vendors.values import spread


@dataclass(frozen=True, slots=True)
class TicketPrice:
    """The price of one ticket; `total` is the amount to be paid for it."""

    base: Decimal
    discount: Decimal
    service_fee: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """Return base price − discount + service fee + tax."""
        return self.base - self.discount + self.service_fee + self.tax


def fees(order: Order) -> Decimal:
    """Return all added amounts except tax: the vendor has one fee, and the parts must add up to the total."""
    totals = order.totals
    return totals.service_fee + totals.shipping + totals.additional_expense


def ticket_prices(order: Order, background: Background) -> dict[UUID, TicketPrice]:
    """Return the price of each ticket that is not voided; their sums are exactly the order's."""
    live: defaultdict[int, list[Ticket]] = defaultdict(list)
    for ticket in order.tickets:
        if ticket.status != "voided":
            live[ticket.line_number].append(ticket)
    lines = [line for line in order.line_items if live[line.line_number]]
    counts = [len(live[line.line_number]) for line in lines]
    currency = order.currency
    bases = _over_tickets([line.amount for line in lines], counts, currency)
    added = spread(fees(order), bases, currency)
    by_line = _taxes(lines, background)
    if sum(by_line, ZERO) == order.totals.tax:
        taxes = _over_tickets(by_line, counts, currency)
    else:  # the producer stated one tax for the whole order
        taxes = spread(order.totals.tax, bases, currency)
    # By the amount to be paid, not by the price alone: so no ticket has a negative total.
    gross = [base + fee + tax for base, fee, tax in zip(bases, added, taxes, strict=True)]
    taken_off = spread(order.totals.discount, gross, currency)
    tickets = [ticket for line in lines for ticket in live[line.line_number]]
    return {
        ticket.id: TicketPrice(base, discount, fee, tax)
        for ticket, base, discount, fee, tax in zip(tickets, bases, taken_off, added, taxes, strict=True)
    }


def _taxes(lines: Sequence[LineItem], background: Background) -> list[Decimal]:
    """Return the tax that is added to each line's price; included tax adds nothing."""
    return [ZERO if background.events[line.event_id].tax_is_included else line.tax for line in lines]


def _over_tickets(amounts: Sequence[Decimal], counts: Sequence[int], currency: str) -> list[Decimal]:
    """Return the shares of each line's tickets in the line's amount, line by line."""
    return [
        share
        for amount, count in zip(amounts, counts, strict=True)
        for share in spread(amount, [Decimal(1)] * count, currency)
    ]
