"""A change of an existing order: the operations on tickets and money, and its record in the history."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property

from db.ids import ids_of_request, time_of
from orders.batch_requests import Opened
from orders.catalogue.prices import TicketClassOffer, ticket_code
from orders.differences import RECORDED_TABLES, changed_fields
from orders.inventory.seating import Seat
from orders.money.payments import payment_status, sums
from orders.rows import ChangeRow, LineRow, TicketRow
from orders.state import OrderState
from orders.world import World
from schemas.events import EventType
from schemas.json import JsonObject


class Change:
    """A request, the order that it changes, and the world around it."""

    def __init__(self, world: World, request: Opened, order: OrderState, now: datetime) -> None:
        self.world = world
        self.request = request
        self.order = order
        self.now = now
        self._messages: list[tuple[EventType, JsonObject]] = []
        self._mark = world.journal.mark()
        self._before = order.row

    def add_message(self, type: EventType, data: JsonObject) -> None:
        """Add an event message, after the message with the whole order."""
        self._messages.append((type, data))

    def offer(self, class_id: str) -> TicketClassOffer:
        """Return the catalogue's offer of one of the order's ticket classes."""
        found = self.world.offer(self.order.row.tenant_id, self.order.external_id(class_id))
        if found is None:
            raise RuntimeError(f"ticket class {class_id} was not loaded: the look-up step must request it")
        return found

    def void(self, tickets: Sequence[TicketRow]) -> None:
        """Void tickets and give back what they took."""
        for ticket in tickets:
            class_id = ticket.ticket_class_id
            self.world.stock.sell(class_id, -1)
            if ticket.seat_id is not None:
                self.world.stock.free_seats(class_id, [self.order.seats[ticket.seat_id]])
            voided = ticket._replace(status="voided")
            self.order.tickets.put(ticket.id, voided)
            self.add_message("ticket.voided", self.ticket_data(voided))

    def issue(self, line: LineRow, count: int, seats: Sequence[Seat] | None = None) -> None:
        """Add `count` tickets to a line. The inventory must be checked, and given `seats` already taken."""
        offer = self.offer(line.ticket_class_id)
        if offer.has_seats and seats is None:
            seats = self.world.stock.choose_seats(offer.id, count)
        for seat in seats or ():
            self.world.orders.seats[seat.id] = seat
        self.world.stock.sell(offer.id, count)
        made = [self._ticket(line, seats[index].id if seats else None) for index in range(count)]
        if self.request.tenant.issues_on_payment:
            for ticket in made:
                self.order.tickets.put(ticket.id, ticket)
        else:
            self.sign(made)

    def sign(self, tickets: Sequence[TicketRow]) -> None:
        """Give tickets their codes, and add event messages for them."""
        for ticket in tickets:
            offer = self.offer(ticket.ticket_class_id)
            code = ticket_code(ticket.id, self.request.tenant.key, offer)
            issued = ticket._replace(code=code)
            self.order.tickets.put(ticket.id, issued)
            self.add_message("ticket.issued", self.ticket_data(issued))

    def settle(self) -> None:
        """Update the paid amounts from the payments, and issue tickets if the order is paid."""
        row = self.order.row
        paid, refunded = sums(self.order.payments.values(), row.currency)
        status = payment_status(row.total, paid, refunded)
        if row.status != "placed" and not paid:
            status = row.payment_status  # a cancelled order costs nothing, and is not paid for that
        in_full = row.paid_in_full_at or (self.now if status == "paid" else None)
        self.order.set(
            row._replace(paid=paid, refunded=refunded, payment_status=status, paid_in_full_at=in_full)
        )
        if status == "paid":
            self.sign(
                [
                    ticket
                    for ticket in self.order.tickets_in_order()
                    if ticket.code is None and ticket.status != "voided"
                ]
            )

    def finish(
        self, whole: EventType | None = None, patch: JsonObject | None = None, place: str | None = None
    ) -> None:
        """Increment the version, record the change in the history, and add its event messages.

        The message with the whole order comes first; it is added if requested, or if there is no other one.
        `patch` and `place` are for late updates: see `orders.changing.place`.
        """
        order, request = self.order, self.request
        if whole is None and not self._messages:
            whole = "order.updated"
        messages = len(self._messages) + (whole is not None)
        sequence = order.row.last_sequence + 1
        order.set(order.row.as_changed(self.now, messages))
        net = self.world.journal.net(self._mark, names=RECORDED_TABLES)
        fields = changed_fields(order, self._before, net)
        if whole is not None:
            self._messages.insert(0, (whole, order.render(is_public=True)))
        for number, (type_, data) in enumerate(self._messages, sequence):
            self.world.add_message(order, number, type_, data, self.now)
        change = ChangeRow(
            order_id=order.id,
            change_number=order.row.version,
            request_id=request.id,
            kind=request.request.kind,
            changed_by=request.request.by,
            changed_at=self.now,
            patch=patch,
            fields=fields,
            place=place,
        )
        order.changes.put(change.change_number, change)

    @cached_property
    def _ids(self) -> Iterator[str]:
        """Return ids for new tickets, which sort after the existing ones."""
        request_id, last = self.request.id, max(self.order.tickets, default=None)
        after_ms = 0 if last is None else time_of(last)
        return ids_of_request(request_id, self.now, f"tickets of {self.order.id}", after_ms=after_ms)

    def ticket_data(self, ticket: TicketRow) -> JsonObject:
        """Return the event data of one ticket."""
        return {"order_id": self.order.id, "ticket": self.order.render_ticket_row(ticket)}

    def _ticket(self, line: LineRow, seat_id: str | None) -> TicketRow:
        return TicketRow(
            id=next(self._ids),
            order_id=line.order_id,
            line_number=line.line_number,
            ticket_class_id=line.ticket_class_id,
            seat_id=seat_id,
            attendee_first_name=None,
            attendee_last_name=None,
            attendee_email=None,
            status="valid",
            code=None,
            created_at=self.now,
            checked_in_at=None,
            check_in_nonce=None,
        )
