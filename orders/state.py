"""The state of an order: its row, lines, tickets, payments and notes."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from orders.inventory.seating import Seat
from orders.journal import Journal, Table
from orders.render import (
    render_attendee,
    render_line,
    render_note,
    render_order,
    render_payment,
    render_ticket,
)
from orders.rows import ChangeRow, LineRow, NoteRow, OrderRow, PaymentRow, TicketRow, TradeRow
from schemas.json import JsonObject


class ClassNames(NamedTuple):
    """The catalogue's ids of a ticket class and its event, as rendered orders name them."""

    external_id: str
    event_external_id: str
    has_seats: bool


class OrderState:
    """The rows of one order. Rows that were not loaded are missing; if `is_whole`, all were loaded.

    Lines, payments and notes are in order.
    """

    __slots__ = (
        "_orders",
        "_trades",
        "changes",
        "fraud_check",
        "id",
        "is_whole",
        "lines",
        "names",
        "notes",
        "payments",
        "seats",
        "tenant",
        "tickets",
    )

    def __init__(
        self,
        id: str,
        tenant: str,
        journal: Journal,
        *,
        orders: Table[str, OrderRow],
        trades: Table[str, TradeRow],
        names: dict[str, ClassNames],
        seats: dict[str, Seat],
        fraud_check: JsonObject | None,
        is_whole: bool,
    ) -> None:
        self.id = id
        self.tenant = tenant
        self._orders = orders
        self._trades = trades
        self.names = names
        """By the class's id, for all orders that were loaded together."""
        self.seats = seats
        """By the seat's id, for all orders that were loaded together."""
        self.fraud_check = fraud_check
        self.is_whole = is_whole
        self.lines: Table[int, LineRow] = Table("order_lines", journal)
        self.tickets: Table[str, TicketRow] = Table("tickets", journal)
        self.payments: Table[int, PaymentRow] = Table("payments", journal)
        self.notes: Table[int, NoteRow] = Table("notes", journal)
        self.changes: Table[int, ChangeRow] = Table("order_changes", journal)
        """The changes that a late update may need, and those of this batch."""

    @property
    def row(self) -> OrderRow:
        """Return the order's own row."""
        return self._orders[self.id]

    @property
    def trade(self) -> TradeRow | None:
        """Return the order's trade row, or None."""
        return self._trades.get(self.id)

    def set(self, row: OrderRow) -> None:
        """Set the order's own row."""
        self._orders.put(self.id, row)

    def set_trade(self, row: TradeRow) -> None:
        """Set the order's trade row."""
        self._trades.put(self.id, row)

    def valid_tickets(self, line_number: int | None = None) -> list[TicketRow]:
        """Return the tickets that are not voided, of one line or of all, in order."""
        self._check_whole()
        return [
            ticket
            for ticket in self.tickets_in_order()
            if ticket.status != "voided" and line_number in (None, ticket.line_number)
        ]

    def open_lines(self) -> list[LineRow]:
        """Return the lines with tickets, and those of purchases without tickets."""
        self._check_whole()
        return [line for line in self.lines.values() if line.quantity]

    def external_id(self, class_id: str) -> str:
        """Return the catalogue's id of one of the order's ticket classes."""
        return self.names[class_id].external_id

    def render_ticket_row(self, ticket: TicketRow) -> JsonObject:
        """Return one ticket in wire format."""
        seat = self.seats[ticket.seat_id].label if ticket.seat_id is not None else None
        class_id = self.external_id(ticket.ticket_class_id)
        return render_ticket(ticket, ticket_class_id=class_id, seat=seat)

    def render_line_row(self, line: LineRow, attendees: list[JsonObject]) -> JsonObject:
        """Return one line in wire format."""
        names = self.names[line.ticket_class_id]
        return render_line(
            line,
            ticket_class_id=names.external_id,
            event_id=names.event_external_id,
            attendees=attendees,
        )

    def render(self, *, is_public: bool = False) -> JsonObject:
        """Return the whole order in wire format; the public sees no internal notes."""
        attendees: defaultdict[int, list[JsonObject]] = defaultdict(list)
        self._check_whole()
        tickets = self.tickets_in_order()
        for ticket in tickets:
            attendee = render_attendee(ticket) if ticket.status != "voided" else None
            if attendee is not None:
                attendees[ticket.line_number].append(attendee)
        return render_order(
            self.row,
            tenant=self.tenant,
            lines=[self.render_line_row(line, attendees[line.line_number]) for line in self.lines.values()],
            tickets=[self.render_ticket_row(ticket) for ticket in tickets],
            payments=[render_payment(payment) for payment in self.payments.values()],
            notes=[render_note(note) for note in self.notes_for(is_public=is_public)],
            trade=self.trade,
            fraud_check=self.fraud_check,
        )

    def notes_for(self, *, is_public: bool) -> Iterator[NoteRow]:
        """Return the notes in order; the public sees no internal ones."""
        for number in sorted(self.notes):
            note = self.notes[number]
            if not (is_public and note.kind == "internal"):
                yield note

    def tickets_in_order(self) -> list[TicketRow]:
        """Return the loaded tickets by line and id; tickets of this batch were added when issued."""
        return sorted(self.tickets.values(), key=lambda ticket: (ticket.line_number, ticket.id))

    def _check_whole(self) -> None:
        if not self.is_whole:
            raise RuntimeError(f"order {self.id} was not loaded whole: the look-up step must request it")


class Orders:
    """Orders that were read together, and the data that their rows share."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.rows: Table[str, OrderRow] = Table("orders", journal)
        self.trades: Table[str, TradeRow] = Table("order_trades", journal)
        self.names: dict[str, ClassNames] = {}
        self.seats: dict[str, Seat] = {}
        self.states: dict[str, OrderState] = {}

    def open(
        self, row: OrderRow, tenant: str, fraud_check: JsonObject | None, *, is_whole: bool
    ) -> OrderState:
        """Add an order; its lines and other rows are added one by one."""
        self.rows.add_loaded(row.id, row)
        state = OrderState(
            row.id,
            tenant,
            self._journal,
            orders=self.rows,
            trades=self.trades,
            names=self.names,
            seats=self.seats,
            fraud_check=fraud_check,
            is_whole=is_whole,
        )
        self.states[row.id] = state
        return state
