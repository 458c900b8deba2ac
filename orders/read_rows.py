"""Reading orders as typed rows, for batches that change them and for readers.

The number of statements is constant, however many orders are read.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text

from db.bulk import array
from db.columns import columns_of
from orders.inventory.seating import Seat
from orders.journal import Journal
from orders.rows import LineRow, NoteRow, OrderRow, PaymentRow, TicketRow, TradeRow
from orders.state import ClassNames, Orders, OrderState


def _orders(named: str, lock: str = "") -> TextClause:
    return text(f"""
        SELECT {columns_of(OrderRow, "orders", "o")}, t.name,
            CASE WHEN f.order_id IS NOT NULL THEN
                json_build_object('verdict', f.verdict, 'reasons', f.reasons) END
        FROM {named} JOIN tenants t ON t.id = o.tenant_id LEFT JOIN fraud_checks f ON f.order_id = o.id
        {lock}
    """)  # noqa: S608 - made of our own names


_READ: Final = _orders("unnest(CAST(:ids AS uuid[])) AS named (id) JOIN orders o USING (id)")

# In id order, before any hold or ticket class: two batches for the same orders must not deadlock. Only the
# tenant's own orders: a request must not make another tenant wait. IS NOT DISTINCT FROM keeps the planner
# from starting with the tenants, and reading all orders of a tenant for each named one.
_LOCK: Final = _orders(
    """
        unnest(CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[])) AS named (id, tenant_id)
        JOIN orders o ON o.id = named.id AND o.tenant_id IS NOT DISTINCT FROM named.tenant_id
    """,
    "ORDER BY o.id FOR NO KEY UPDATE OF o",
)

_LINES: Final = text(f"""
    SELECT {columns_of(LineRow, "order_lines", "l")}, c.external_id, e.external_id, c.has_seats
    FROM order_lines l
    JOIN ticket_classes c ON c.id = l.ticket_class_id JOIN events e ON e.id = l.event_id
    WHERE l.order_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY l.order_id, l.line_number
""")  # noqa: S608

# The seat of a voided ticket may be removed, and has no position then: it is not used.
_TICKET: Final = f"""
    SELECT {columns_of(TicketRow, "tickets", "t")}, s.label, COALESCE(s.position, -1)
    FROM tickets t LEFT JOIN seats s ON s.id = t.seat_id
"""  # noqa: S608

_TICKETS: Final = text(f"""
    {_TICKET} WHERE t.order_id = ANY(CAST(:ids AS uuid[])) ORDER BY t.order_id, t.line_number, t.id
""")

_SOME_TICKETS: Final = text(f"""
    {_TICKET} WHERE t.id = ANY(CAST(:ticket_ids AS uuid[]))
    UNION
    {_TICKET} WHERE t.order_id = ANY(CAST(:unissued_of AS uuid[])) AND t.code IS NULL AND t.status <> 'voided'
""")

_SOME_LINES: Final = text(f"""
    SELECT {columns_of(LineRow, "order_lines", "l")}, c.external_id, e.external_id, c.has_seats
    FROM unnest(CAST(:order_ids AS uuid[]), CAST(:numbers AS int[])) AS named (order_id, line_number)
    JOIN order_lines l USING (order_id, line_number)
    JOIN ticket_classes c ON c.id = l.ticket_class_id JOIN events e ON e.id = l.event_id
""")  # noqa: S608


def _of_orders(row: type[Any], table_name: str, order: str) -> TextClause:
    return text(f"""
        SELECT {columns_of(row, table_name, "x")} FROM {table_name} x
        WHERE x.order_id = ANY(CAST(:ids AS uuid[])) ORDER BY {order}
    """)  # noqa: S608


_PAYMENTS: Final = _of_orders(PaymentRow, "payments", "x.order_id, x.payment_number")
_NOTES: Final = _of_orders(NoteRow, "notes", "x.order_id, x.note_number")
_TRADES: Final = _of_orders(TradeRow, "order_trades", "x.order_id")


def lock_orders(
    connection: Connection, orders: Orders, named: Iterable[tuple[str, str]], whole: set[str]
) -> None:
    """Lock and open the existing ones of these orders, which are named with their tenants.

    `whole` are the ids of the orders that will be read whole.
    """
    pairs = list(named)
    parameters = {"ids": array(id_ for id_, _ in pairs), "tenant_ids": array(tenant for _, tenant in pairs)}
    _open(orders, connection.execute(_LOCK, parameters), whole)


def read_whole(connection: Connection, orders: Orders, ids: Sequence[str]) -> None:
    """Read all rows of these open orders."""
    if not ids:
        return
    parameters = {"ids": array(ids)}
    _add_lines(orders, connection.execute(_LINES, parameters))
    _add_tickets(orders, connection.execute(_TICKETS, parameters))
    read_payments(connection, orders, ids)
    for note in map(NoteRow._make, connection.execute(_NOTES, parameters)):
        orders.states[note.order_id].notes.add_loaded(note.note_number, note)
    for trade in map(TradeRow._make, connection.execute(_TRADES, parameters)):
        orders.trades.add_loaded(trade.order_id, trade)


def read_payments(connection: Connection, orders: Orders, ids: Sequence[str]) -> None:
    """Read the payments of these open orders."""
    if ids:
        for payment in map(PaymentRow._make, connection.execute(_PAYMENTS, {"ids": array(ids)})):
            orders.states[payment.order_id].payments.add_loaded(payment.payment_number, payment)


def read_some_tickets(
    connection: Connection, orders: Orders, ticket_ids: Iterable[str], unissued_of: Iterable[str]
) -> None:
    """Read these tickets, and the tickets without a code of these orders, with their lines."""
    parameters = {"ticket_ids": array(ticket_ids), "unissued_of": array(unissued_of)}
    found = connection.execute(_SOME_TICKETS, parameters).all()
    # A ticket of an order that is read whole is read twice, which is harmless.
    found = [columns for columns in found if columns[1] in orders.states]
    _add_tickets(orders, found)
    lines = sorted({(columns[1], columns[2]) for columns in found})
    if lines:
        parameters = {"order_ids": array(id_ for id_, _ in lines), "numbers": array(n for _, n in lines)}
        _add_lines(orders, connection.execute(_SOME_LINES, parameters))


def read_orders(connection: Connection, ids: Sequence[Any]) -> list[OrderState]:
    """Return the existing ones of these orders, whole, in the order of the ids."""
    wanted = [str(id_) for id_ in ids]
    if not wanted:
        return []
    orders = Orders(Journal())
    _open(orders, connection.execute(_READ, {"ids": array(wanted)}), set(wanted))
    found = [id_ for id_ in wanted if id_ in orders.states]
    read_whole(connection, orders, found)
    return [orders.states[id_] for id_ in found]


def _open(orders: Orders, found: Iterable[Any], whole: set[str]) -> None:
    width = len(OrderRow._fields)
    for columns in found:
        row = OrderRow._make(columns[:width])
        tenant, fraud_check = columns[width:]
        orders.open(row, tenant, fraud_check, is_whole=row.id in whole)


def _add_lines(orders: Orders, found: Iterable[Any]) -> None:
    width = len(LineRow._fields)
    for columns in found:
        line = LineRow._make(columns[:width])
        orders.names[line.ticket_class_id] = ClassNames._make(columns[width:])
        orders.states[line.order_id].lines.add_loaded(line.line_number, line)


def _add_tickets(orders: Orders, found: Iterable[Any]) -> None:
    width = len(TicketRow._fields)
    for columns in found:
        ticket = TicketRow._make(columns[:width])
        if ticket.seat_id is not None:
            orders.seats[ticket.seat_id] = Seat(ticket.seat_id, *columns[width:])
        orders.states[ticket.order_id].tickets.add_loaded(ticket.id, ticket)
