"""An order as it stands, with its lines, tickets, payments and notes: what changes and readers work on."""

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
    """What an order's words call a ticket class and its event."""

    external_id: str
    event_external_id: str
    has_seats: bool


class OrderState:
    """The rows of one order. What was not loaded cannot be asked for: `is_whole` says that everything was.

    Lines, payments and notes are in their order.
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
        """By the class's id; of all orders that were loaded together."""
        self.seats = seats
        """By the seat's id; likewise."""
        self.fraud_check = fraud_check
        self.is_whole = is_whole
        self.lines: Table[int, LineRow] = Table("order_lines", journal)
        self.tickets: Table[str, TicketRow] = Table("tickets", journal)
        self.payments: Table[int, PaymentRow] = Table("payments", journal)
        self.notes: Table[int, NoteRow] = Table("notes", journal)
        self.changes: Table[int, ChangeRow] = Table("order_changes", journal)
        """Those that may matter to a late update, and those of this batch."""

    @property
    def row(self) -> OrderRow:
        """Return the order's own row."""
        return self._orders[self.id]

    @property
    def trade(self) -> TradeRow | None:
        """Return between whom the order is, where somebody said."""
        return self._trades.get(self.id)

    def set(self, row: OrderRow) -> None:
        """Let this be the order's own row."""
        self._orders.put(self.id, row)

    def set_trade(self, row: TradeRow) -> None:
        """Let this be between whom the order is."""
        self._trades.put(self.id, row)

    def valid_tickets(self, line_number: int | None = None) -> list[TicketRow]:
        """Return the tickets that are not voided, of one line or of all, in their order."""
        self._check_whole()
        return [
            ticket
            for ticket in self.tickets_in_order()
            if ticket.status != "voided" and line_number in (None, ticket.line_number)
        ]

    def open_lines(self) -> list[LineRow]:
        """Return the lines that have tickets, or are bought without any."""
        self._check_whole()
        return [line for line in self.lines.values() if line.quantity]

    def external_id(self, class_id: str) -> str:
        """Return the catalogue's id of one of the order's ticket classes."""
        return self.names[class_id].external_id

    def ticket_words(self, ticket: TicketRow) -> JsonObject:
        """Return one ticket in the words of the wire."""
        seat = self.seats[ticket.seat_id].label if ticket.seat_id is not None else None
        class_id = self.external_id(ticket.ticket_class_id)
        return render_ticket(ticket, ticket_class_id=class_id, seat=seat)

    def line_words(self, line: LineRow, attendees: list[JsonObject]) -> JsonObject:
        """Return one line in the words of the wire."""
        names = self.names[line.ticket_class_id]
        return render_line(
            line,
            ticket_class_id=names.external_id,
            event_id=names.event_external_id,
            attendees=attendees,
        )

    def words(self, *, is_public: bool = False) -> JsonObject:
        """Return the whole order in the words of the wire; the public sees no internal notes."""
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
            lines=[self.line_words(line, attendees[line.line_number]) for line in self.lines.values()],
            tickets=[self.ticket_words(ticket) for ticket in tickets],
            payments=[render_payment(payment) for payment in self.payments.values()],
            notes=[render_note(note) for note in self.notes_for(is_public=is_public)],
            trade=self.trade,
            fraud_check=self.fraud_check,
        )

    def notes_for(self, *, is_public: bool) -> Iterator[NoteRow]:
        """Return the notes in their order; the public sees no internal ones."""
        for number in sorted(self.notes):
            note = self.notes[number]
            if not (is_public and note.kind == "internal"):
                yield note

    def tickets_in_order(self) -> list[TicketRow]:
        """Return the loaded tickets by line and id: those of this batch were added as they were issued."""
        return sorted(self.tickets.values(), key=lambda ticket: (ticket.line_number, ticket.id))

    def _check_whole(self) -> None:
        if not self.is_whole:
            raise RuntimeError(f"order {self.id} was not loaded whole: the look step has to name it so")


class Orders:
    """Orders that were read together, and what their rows have in common."""

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
        """Add an order; its lines and the rest come one by one."""
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
