"""Writing orders that were changed: each table once, however many changes a batch made."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete
from sqlalchemy.dialects.postgresql import insert

from db import tables
from orders.order_state import OrderState, Row


def save_orders(connection: Connection, states: Sequence[OrderState]) -> None:
    """Write the rows of these orders; those that are there are replaced by what they have become."""
    if not states:
        return
    ids = [state.row["id"] for state in states]
    _upsert(connection, tables.orders, (state.row for state in states))
    _upsert(connection, tables.order_lines, (line for state in states for line in state.lines))
    tickets = [ticket for state in states for ticket in state.tickets]
    # A seat that changes hands is voided on the one ticket before it is on the other.
    tickets.sort(key=lambda ticket: ticket["status"] != "voided")
    _upsert(connection, tables.tickets, tickets)
    _upsert(connection, tables.payments, (payment for state in states for payment in state.payments))
    connection.execute(delete(tables.notes).where(tables.notes.c.order_id.in_(ids)))
    _upsert(connection, tables.notes, (note for state in states for note in state.notes))
    _upsert(connection, tables.order_trades, (state.trade for state in states if state.trade is not None))


def _upsert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    names = [column.name for column in table.columns]
    values = [{name: row.get(name) for name in names} for row in rows]
    if not values:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changes: Mapping[str, Any] = {name: statement.excluded[name] for name in names if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), values)
