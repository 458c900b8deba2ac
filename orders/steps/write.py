"""The fifth step: lock what was only read, and write the changed rows with one bulk statement per table."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Table, text

from db import tables
from db.bulk import array, insert_rows, update_rows
from orders.inventory.write import write_stock
from orders.journal import RowDiff
from orders.new_order import NewOrder
from orders.recovery.early_requests import delay_early
from orders.rows import (
    ChangeRow,
    FraudRow,
    HoldRow,
    LineRow,
    NewSeatRow,
    NoteRow,
    OrderRow,
    PaymentRow,
    TicketClassRow,
    TicketRow,
    TradeRow,
)
from orders.steps.claim import Claimed, correct
from orders.steps.late_locks import lock_late
from orders.world import World

Net = dict[str, list[RowDiff]]

_DELETE_NOTES: Final = text("""
    DELETE FROM notes WHERE (order_id, note_number) IN (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS int[])))
""")


def write(connection: Connection, world: World, claimed: Claimed, now: datetime, patience: timedelta) -> None:
    """Write everything; store early requests as rows, to be decided again later.

    First locks the stock that was only read, and decides all requests again if it no longer suffices.
    """
    lock_late(connection, world, claimed.valid, now)
    delay_early(connection, claimed.valid, claimed.others, now, patience)
    correct(connection, [request for request in claimed.valid if request.too_early is None])
    write_world(connection, world)


def write_world(connection: Connection, world: World) -> None:
    """Write the changes of the world except its event messages."""
    net = world.journal.net()
    _insert(connection, tables.ticket_classes, TicketClassRow, list(world.new_classes.values()))
    _insert(connection, tables.seats, NewSeatRow, list(world.new_seats.values()))
    _write_orders(connection, world, net)
    write_stock(connection, net)
    _write_changed(connection, tables.holds, HoldRow, net.get("holds", ()))
    _insert(connection, tables.holds, HoldRow, _made(net, "holds"))


def _write_orders(connection: Connection, world: World, net: Net) -> None:
    made = [_as_it_is_now(world, new) for new in world.new_orders.values()]
    ids = {new.order.id for new in made}
    if ids:
        # Changes that the batch made to its own new orders are already in their rows.
        net = {
            name: [one for one in diffs if name not in _OF_ORDERS or _order_id(one) not in ids]
            for name, diffs in net.items()
        }
    _write_changed(connection, tables.orders, OrderRow, net.get("orders", ()))
    _insert(connection, tables.orders, OrderRow, [new.order for new in made])
    _write_changed(connection, tables.order_lines, LineRow, net.get("order_lines", ()))
    lines = [line for new in made for line in new.lines]
    _insert(connection, tables.order_lines, LineRow, [*lines, *_made(net, "order_lines")])
    # A seat that moves to another ticket is voided on the first one before it is set on the second.
    _write_changed(connection, tables.tickets, TicketRow, net.get("tickets", ()))
    tickets = [ticket for new in made for ticket in new.tickets]
    _insert(connection, tables.tickets, TicketRow, [*tickets, *_made(net, "tickets")])
    _write_changed(connection, tables.payments, PaymentRow, net.get("payments", ()))
    payments = [payment for new in made for payment in new.payments]
    _insert(connection, tables.payments, PaymentRow, [*payments, *_made(net, "payments")])
    _delete_notes(connection, net.get("notes", ()))
    _write_changed(connection, tables.notes, NoteRow, net.get("notes", ()))
    notes = [note for new in made for note in new.notes]
    _insert(connection, tables.notes, NoteRow, [*notes, *_made(net, "notes")])
    _write_changed(connection, tables.order_trades, TradeRow, net.get("order_trades", ()))
    trades = [new.trade for new in made if new.trade is not None]
    _insert(connection, tables.order_trades, TradeRow, [*trades, *_made(net, "order_trades")])
    _insert(connection, tables.fraud_checks, FraudRow, [new.fraud for new in made if new.fraud is not None])
    _insert(connection, tables.order_changes, ChangeRow, _made(net, "order_changes"))


_OF_ORDERS: Final = frozenset({"orders", "order_lines", "tickets", "payments", "notes", "order_trades"})


def _as_it_is_now(world: World, new: NewOrder) -> NewOrder:
    """Return a new order with the changes of later requests of the batch."""
    state = world.orders.states.get(new.order.id)
    if state is None:
        return new
    return replace(
        new,
        order=state.row,
        lines=list(state.lines.values()),
        tickets=list(state.tickets.values()),
        payments=list(state.payments.values()),
        notes=list(state.notes.values()),
        trade=state.trade,
    )


def _order_id(diff: RowDiff) -> str:
    row = diff.before if diff.after is None else diff.after
    return str(row.id if isinstance(row, OrderRow) else row.order_id)


def _made(net: Net, name: str) -> list[Any]:
    """Return the new rows of a table."""
    return [one.after for one in net.get(name, ()) if one.before is None]


def _insert(connection: Connection, table: Table, row: type[Any], rows: Sequence[Any]) -> None:
    if rows:
        insert_rows(connection, table, row._fields, rows)


def _write_changed(connection: Connection, table: Table, row: type[Any], diffs: Iterable[RowDiff]) -> None:
    changed = [one for one in diffs if one.before is not None and one.after is not None]
    before, after = [one.before for one in changed], [one.after for one in changed]
    update_rows(connection, table, row._fields, before, after)


def _delete_notes(connection: Connection, diffs: Iterable[RowDiff]) -> None:
    gone = [one.before for one in diffs if one.after is None]
    if gone:
        ids, numbers = array(note.order_id for note in gone), array(note.note_number for note in gone)
        connection.execute(_DELETE_NOTES, {"ids": ids, "numbers": numbers})
