"""The world of a batch: the rows that it has locked and read, with its changes so far.

Decisions read and change only the world. Every change goes through the journal, so a rejected request leaves
no trace.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from db.ids import is_recent
from orders.batch_requests import ChangeOrder, Opened
from orders.catalogue.prices import EventOffer, Offers, TicketClassOffer
from orders.errors import HoldExpired, NotYet, UnknownOrder
from orders.inventory.seating import Seat
from orders.inventory.stock import Stock
from orders.journal import Journal, Table
from orders.new_order import NewOrder
from orders.render import to_json
from orders.rows import HoldRow, MessageRow, NewSeatRow, TicketClassRow
from orders.state import ClassNames, Orders, OrderState
from schemas.events import EventType
from schemas.json import JsonObject

FraudKey = tuple[str, str, str | None]
"""A tenant's id, `email` or `ip`, and the address."""

_LATELY: Final = timedelta(minutes=1)

_UNKNOWN: Final = "no order was created with the key"


class World:
    """Orders, holds, stock, offers and promo codes, and the rows to write."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.orders = Orders(self.journal)
        self.stock = Stock(self.journal)
        self.holds: Table[str, HoldRow] = Table("holds", self.journal)
        self.hold_seats: dict[str, list[Seat]] = {}
        """The seats of holds, by the hold's id."""
        self.class_ids: dict[str, str] = {}
        """The catalogue's ids of the ticket classes that are held, by the class's id."""
        self.offers: Mapping[str, Offers] = {}
        """By the tenant's id."""
        self.events_by_name: Mapping[tuple[str, str], EventOffer] = {}
        """The events for which ticket groups will be created, by tenant and the catalogue's id."""
        self.created_by: dict[tuple[str, str], str | None] = {}
        """The order that a tenant's request with a key created; None where it was rejected."""
        self.ticket_orders: dict[str, str] = {}
        """The orders of scanned tickets that belong to the tenant."""
        self.undecided: dict[str, str | None] = {}
        """The undecided requests of the batch, with the orders that they will create."""
        self.decided_holds: set[str] = set()
        """Requests for holds that have an outcome; a hold has its request's id."""
        self.fraud_counts: Table[FraudKey, int] = Table("fraud counts", self.journal)
        self.new_orders: Table[str, NewOrder] = Table("new orders", self.journal, is_all_new=True)
        self.new_classes: Table[str, TicketClassRow] = Table(
            "new ticket classes", self.journal, is_all_new=True
        )
        self.new_seats: Table[str, NewSeatRow] = Table("new seats", self.journal, is_all_new=True)
        self._made_offers: dict[str, Table[str, TicketClassOffer]] = {}
        self.messages: Table[tuple[str, int], MessageRow] = Table(
            "event_messages", self.journal, is_all_new=True
        )

    # Look-ups of what requests name.

    def order(self, order_id: str) -> OrderState | None:
        """Return an existing order, or one that the batch has created; None for others."""
        state = self.orders.states.get(order_id)
        if state is None and (new := self.new_orders.get(order_id)) is not None:
            state = self._open(new)
        return state

    def order_of(self, request: ChangeOrder) -> OrderState:
        """Return the order that the request names.

        Raises `UnknownOrder`, or `NotYet` for one that may still be created.
        """
        body = request.body
        if body.order_id is not None:
            state = self.order(request.claimed_for or str(body.order_id))
            if state is None or state.row.tenant_id != request.tenant.id:
                raise UnknownOrder(f"there is no order {body.order_id}", "order_id")
            return state
        name = (request.tenant.id, body.order_key or "")
        if name not in self.created_by:
            raise NotYet(UnknownOrder(f"{_UNKNOWN} {body.order_key}", "order_key"), name[1])
        order_id = self.created_by[name]
        state = None if order_id is None else self.order(order_id)
        if state is None and order_id is not None and order_id in self.undecided.values():
            raise NotYet(UnknownOrder(f"{_UNKNOWN} {body.order_key}", "order_key"), name[1])
        if state is None:
            raise UnknownOrder("its order was rejected", "order_key")
        return state

    def is_hold_underway(self, hold_id: str, now: datetime) -> bool:
        """Return whether the hold may still be taken: it was requested recently and has no outcome yet.

        A hold's id is that of the request that takes it.
        """
        if hold_id in self.holds or hold_id in self.decided_holds:
            return False
        return hold_id in self.undecided or is_recent(UUID(hold_id), now, _LATELY)

    def running_hold(self, hold_id: str, tenant_id: str, now: datetime, field: str) -> HoldRow:
        """Return the tenant's hold of this id. Raises `HoldExpired` with the hold's status."""
        hold = self.holds.get(hold_id)
        if hold is None or hold.tenant_id != tenant_id:
            raise HoldExpired(f"there is no hold {hold_id}", field)
        if hold.status != "held":
            raise HoldExpired(f"hold {hold_id} is {hold.status}", field)
        if hold.expires_at is not None and hold.expires_at <= now:
            raise HoldExpired(f"hold {hold_id} expired at {hold.expires_at.isoformat()}", field)
        return hold

    def offer(self, tenant_id: str, external_id: str) -> TicketClassOffer | None:
        """Return the tenant's offer with the catalogue's id, or None."""
        return self.offers[tenant_id].ticket_classes.get(external_id)

    def add_offer(self, tenant_id: str, offer: TicketClassOffer) -> None:
        """Add the offer of a ticket class that the batch creates."""
        offered = self.offers[tenant_id].ticket_classes
        table = self._made_offers.setdefault(tenant_id, Table("offers", self.journal, offered))
        table.put(offer.external_id, offer)

    # Event messages.

    def add_message(
        self, order: OrderState, sequence: int, type: EventType, data: JsonObject, now: datetime
    ) -> None:
        """Add an event message of an order, with its sequence number."""
        self.add_encoded_message(order.id, sequence, order.row.tenant_id, type, to_json(data).decode(), now)

    def add_encoded_message(
        self, subject: str, sequence: int, tenant_id: str, type: EventType, data: str, now: datetime
    ) -> None:
        """Add an event message whose data are encoded JSON."""
        row = MessageRow(subject, sequence, tenant_id, type, data, now)
        self.messages.put((subject, sequence), row)

    # The loop over requests.

    def begin(self, requests: Mapping[str, str | None]) -> None:
        """Remember the requests to decide, with the orders that they will create."""
        self.undecided = dict(requests)

    def start_over(self) -> None:
        """Undo all decisions."""
        self.journal.undo(0)
        self.stock.read_only = None
        self.stock.was_short = False
        self.stock.chosen_seats.clear()

    def end(self, request: Opened) -> None:
        """Remember that the request is decided."""
        self.undecided.pop(request.id, None)
        self.decided_holds.add(request.id)

    def _open(self, new: NewOrder) -> OrderState:
        names = self.orders.names
        for line in new.quote.priced.lines:
            offer = line.offer
            names[offer.id] = ClassNames(offer.external_id, offer.event.external_id, offer.has_seats)
        self.orders.seats.update(new.seats)
        fraud_check = new.fraud and {"verdict": new.fraud.verdict, "reasons": new.fraud.reasons}
        state = self.orders.open(new.order, new.tenant, fraud_check, is_whole=True)
        for line_row in new.lines:
            state.lines.add_loaded(line_row.line_number, line_row)
        for ticket in new.tickets:
            state.tickets.add_loaded(ticket.id, ticket)
        for payment in new.payments:
            state.payments.add_loaded(payment.payment_number, payment)
        for note in new.notes:
            state.notes.add_loaded(note.note_number, note)
        if new.trade is not None:
            self.orders.trades.add_loaded(state.id, new.trade)
        return state
