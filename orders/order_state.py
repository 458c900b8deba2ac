"""An order as it stands, with its lines, tickets, payments and notes: what readers and changes work on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from db.tables import (
    events,
    fraud_checks,
    notes,
    order_lines,
    order_trades,
    orders,
    payments,
    seats,
    tenants,
    ticket_classes,
    tickets,
)
from orders.render import (
    Words,
    render_attendee,
    render_line,
    render_note,
    render_order,
    render_payment,
    render_ticket,
)

Row = dict[str, Any]


@dataclass(slots=True)
class OrderState:
    """The rows of one order; ids are UUIDs, as read. Lines, payments and notes are in their order."""

    row: Row
    lines: list[Row] = field(default_factory=list)
    """Also with `external_id` of the class, `event_external_id` and `has_seats`."""
    tickets: list[Row] = field(default_factory=list)
    """Also with `external_id` of the class, `seat_label` and `seat_position`."""
    payments: list[Row] = field(default_factory=list)
    notes: list[Row] = field(default_factory=list)
    trade: Row | None = None

    @property
    def id(self) -> str:
        """Return the order's id as text, as the path of a batch has it."""
        return str(self.row["id"])

    def valid_tickets(self, line_number: int | None = None) -> list[Row]:
        """Return the tickets that are not voided, of one line or of all."""
        return [
            ticket
            for ticket in self.tickets
            if ticket["status"] != "voided" and line_number in (None, ticket["line_number"])
        ]

    def line(self, line_number: int) -> Row | None:
        """Return the line of this number, or None."""
        return next((line for line in self.lines if line["line_number"] == line_number), None)

    def words(self, *, is_public: bool = False) -> Words:
        """Return the whole order in the words of the wire; the public sees no internal notes."""
        attendees: defaultdict[int, list[Words]] = defaultdict(list)
        for ticket in self.valid_tickets():
            attendee = render_attendee(ticket)
            if attendee is not None:
                attendees[ticket["line_number"]].append(attendee)
        return render_order(
            self.row,
            tenant=self.row["tenant"],
            lines=[
                render_line(
                    line,
                    ticket_class_id=line["external_id"],
                    event_id=line["event_external_id"],
                    attendees=attendees[line["line_number"]],
                )
                for line in self.lines
            ],
            tickets=[
                render_ticket(ticket, ticket_class_id=ticket["external_id"], seat=ticket["seat_label"])
                for ticket in self.tickets
            ],
            payments=[render_payment(payment) for payment in self.payments],
            notes=[
                render_note(note) for note in self.notes if not (is_public and note["kind"] == "internal")
            ],
            trade=self.trade,
        )


def select_orders() -> Select[Any]:
    """Return the query of all orders' rows, with the tenant's name; to be narrowed."""
    fraud_check = func.json_build_object("verdict", fraud_checks.c.verdict, "reasons", fraud_checks.c.reasons)
    return (
        select(
            orders,
            tenants.c.name.label("tenant"),
            case((fraud_checks.c.order_id.is_not(None), fraud_check)).label("fraud_check"),
        )
        .join(tenants, tenants.c.id == orders.c.tenant_id)
        .outerjoin(fraud_checks, fraud_checks.c.order_id == orders.c.id)
    )


def read_orders(connection: Connection, query: Select[Any]) -> list[OrderState]:
    """Return the orders that the query selects, in its order: six statements, however many they are."""
    found = [OrderState(dict(row)) for row in connection.execute(query).mappings()]
    states = {state.row["id"]: state for state in found}
    if not states:
        return []
    ids = list(states)
    for row in connection.execute(_lines(ids)).mappings():
        states[row["order_id"]].lines.append(dict(row))
    for row in connection.execute(_tickets(ids)).mappings():
        states[row["order_id"]].tickets.append(dict(row))
    for row in connection.execute(_of(payments, payments.c.payment_number, ids)).mappings():
        states[row["order_id"]].payments.append(dict(row))
    for row in connection.execute(_of(notes, notes.c.note_number, ids)).mappings():
        states[row["order_id"]].notes.append(dict(row))
    for row in connection.execute(_of(order_trades, order_trades.c.order_id, ids)).mappings():
        states[row["order_id"]].trade = dict(row)
    return found


def _lines(ids: Sequence[Any]) -> Select[Any]:
    return (
        select(
            order_lines,
            ticket_classes.c.external_id,
            ticket_classes.c.has_seats,
            events.c.external_id.label("event_external_id"),
        )
        .join(ticket_classes, ticket_classes.c.id == order_lines.c.ticket_class_id)
        .join(events, events.c.id == order_lines.c.event_id)
        .where(order_lines.c.order_id.in_(ids))
        .order_by(order_lines.c.order_id, order_lines.c.line_number)
    )


def _tickets(ids: Sequence[Any]) -> Select[Any]:
    return (
        select(
            tickets,
            ticket_classes.c.external_id,
            seats.c.label.label("seat_label"),
            seats.c.position.label("seat_position"),
        )
        .join(ticket_classes, ticket_classes.c.id == tickets.c.ticket_class_id)
        .outerjoin(seats, seats.c.id == tickets.c.seat_id)
        .where(tickets.c.order_id.in_(ids))
        .order_by(tickets.c.order_id, tickets.c.line_number, tickets.c.id)
    )


def _of(table: Any, number: Any, ids: Sequence[Any]) -> Select[Any]:
    return select(table).where(table.c.order_id.in_(ids)).order_by(table.c.order_id, number)
