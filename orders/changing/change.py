"""One request on an order that is there: what it works on, and the few things that every change does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.ids import new_id
from orders.catalogue.offers import Offers, TicketClassOffer
from orders.catalogue.tenants import Tenant
from orders.draft import Draft
from orders.errors import NotAllowedInStatus
from orders.inventory.seating import Seat
from orders.inventory.stock import Stock
from orders.money.payments import payment_status, sums
from orders.order_state import OrderState, Row
from orders.render import Words, render_ticket
from schemas.events import EventType


@dataclass(slots=True)
class Change:
    """A draft, the order that it changes, and the stock that it takes from and gives back to."""

    draft: Draft
    state: OrderState
    stock: Stock
    offers: Offers
    tenant: Tenant
    now: datetime
    told: list[tuple[EventType, Words]] = field(default_factory=list)
    """Event messages beside the one that tells of the whole order."""

    def offer_of(self, external_id: str) -> TicketClassOffer:
        """Return the offer of a ticket class that a line of the order has."""
        return self.offers.ticket_classes[external_id]

    def void(self, tickets: Sequence[Row]) -> None:
        """Void tickets and give back what they took."""
        for ticket in tickets:
            class_id = str(ticket["ticket_class_id"])
            self.stock.sell(class_id, -1)
            if ticket["seat_id"] is not None:
                seat = Seat(str(ticket["seat_id"]), ticket["seat_label"], ticket["seat_position"])
                self.stock.free_seats(class_id, [seat])
            ticket["status"] = "voided"
            self.told.append(("ticket.voided", self.ticket_words(ticket)))

    def issue(self, line: Row, count: int, seats: Sequence[Seat] | None = None) -> list[Row]:
        """Add so many tickets to a line; the inventory was checked. Seats are given or chosen."""
        offer = self.offer_of(line["external_id"])
        if offer.has_seats and seats is None:
            seats = self.stock.choose_seats(offer.id, count)
        elif seats:
            self.stock.take_seats(offer.id, seats)
        self.stock.sell(offer.id, count)
        made = [self._ticket(line, offer, seats[index] if seats else None) for index in range(count)]
        self.state.tickets += made
        if not self.tenant.issues_on_payment:
            self.sign(made)
        return made

    def sign(self, tickets: Sequence[Row]) -> None:
        """Give tickets their codes, and tell that they are issued."""
        for ticket in tickets:
            offer = self.offer_of(ticket["external_id"])
            ticket["code"] = self.tenant.key.sign(ticket["id"].bytes, offer.code_scope)
            self.told.append(("ticket.issued", self.ticket_words(ticket)))

    def settle(self) -> None:
        """Let what was paid follow from the payments, and the tickets from what was paid."""
        row = self.state.row
        row["paid"], row["refunded"] = sums(self.state.payments, row["currency"])
        # What was cancelled before anybody paid costs nothing, and is not paid for that.
        is_unpaid = row["status"] == "cancelled" and not row["paid"]
        status = payment_status(row["total"], row["paid"], row["refunded"])
        row["payment_status"] = "unpaid" if is_unpaid else status
        if row["payment_status"] == "paid":
            self.sign([ticket for ticket in self.state.valid_tickets() if ticket["code"] is None])

    @property
    def balance(self) -> Decimal:
        """Return what the buyer owes; negative when there is money to give back."""
        row = self.state.row
        balance: Decimal = row["total"] - row["paid"] + row["refunded"]
        return balance

    def _ticket(self, line: Row, offer: TicketClassOffer, seat: Seat | None) -> Row:
        ticket: dict[str, Any] = {
            "id": new_id(),
            "order_id": self.state.row["id"],
            "line_number": line["line_number"],
            "ticket_class_id": line["ticket_class_id"],
            "seat_id": seat and UUID(seat.id),
            "attendee_first_name": None,
            "attendee_last_name": None,
            "attendee_email": None,
            "status": "valid",
            "code": None,
            "created_at": self.now,
            "checked_in_at": None,
            "check_in_nonce": None,
            "external_id": offer.external_id,
            "seat_label": seat and seat.label,
            "seat_position": seat and seat.position,
        }
        return ticket

    def ticket_words(self, ticket: Row) -> Words:
        """Return what an event message tells of one ticket."""
        return {
            "order_id": self.state.row["id"],
            "ticket": render_ticket(ticket, ticket_class_id=ticket["external_id"], seat=ticket["seat_label"]),
        }


def last_unused(tickets: Sequence[Row], count: int) -> Sequence[Row]:
    """Return so many of a line's tickets, the last ones; used ones only where there are no others."""
    used_first = sorted(tickets, key=lambda ticket: ticket["status"] != "checked_in")
    return used_first[len(tickets) - count :]


def check_unused(tickets: Sequence[Row], field: str) -> None:
    """Raise `NotAllowedInStatus` if some of the tickets were used."""
    used = sum(ticket["status"] == "checked_in" for ticket in tickets)
    if used:
        raise NotAllowedInStatus(f"{used} of the tickets were used at the gate", field)
