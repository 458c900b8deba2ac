"""Each row type of the path has the columns of its table, in their order and of their types."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from sqlalchemy import Boolean, Column, DateTime, Integer, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSON

from db import tables
from orders import rows

ROWS: Final[Mapping[type[Any], Table]] = {
    rows.OrderRow: tables.orders,
    rows.LineRow: tables.order_lines,
    rows.TicketRow: tables.tickets,
    rows.PaymentRow: tables.payments,
    rows.NoteRow: tables.notes,
    rows.TradeRow: tables.order_trades,
    rows.ChangeRow: tables.order_changes,
    rows.FraudRow: tables.fraud_checks,
    rows.HoldRow: tables.holds,
    rows.TicketClassRow: tables.ticket_classes,
    rows.CatalogueEventRow: tables.events,
    rows.CatalogueClassRow: tables.ticket_classes,
    rows.PromoCodeRow: tables.promo_codes,
    rows.SeatRow: tables.seats,
    rows.NewSeatRow: tables.seats,
    rows.MessageRow: tables.event_messages,
}

LEFT_OUT: Final[Mapping[type[Any], frozenset[str]]] = {
    # The counters are the inventory's, and a purchase describes nothing.
    rows.TicketClassRow: frozenset({"sold", "held", "details"}),
    # The counters are the inventory's, and who bought it a purchase says.
    rows.CatalogueClassRow: frozenset({"sold", "held", "bought_by_order_id"}),
    rows.PromoCodeRow: frozenset({"used"}),
    # A batch changes who has a seat; which seats there are, the catalogue says.
    rows.SeatRow: frozenset({"ticket_class_id", "position", "label"}),
    # A new seat is free.
    rows.NewSeatRow: frozenset({"is_taken", "hold_id"}),
}
"""Columns that a row type has not, on purpose."""

AS_TEXT: Final = frozenset({(rows.MessageRow, "data")})
"""JSON that is written as it was rendered."""

PYTHON: Final[Mapping[type[Any], type[Any]]] = {
    Uuid: str,
    Text: str,
    Numeric: Decimal,
    DateTime: datetime,
    Boolean: bool,
    Integer: int,
}

row_types = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)


def _is_nullable(hint: Any) -> bool:
    return NoneType in get_args(hint)


def _types_of(hint: Any) -> set[type[Any]]:
    """Return the Python types that values of a hint have, without None."""
    if get_origin(hint) in (Union, UnionType):
        return {one for part in get_args(hint) if part is not NoneType for one in _types_of(part)}
    if get_origin(hint) is Literal:
        return {type(word) for word in get_args(hint)}
    return {get_origin(hint) or hint}


def _allowed(row: type[Any], column: Column[Any]) -> set[type[Any]]:
    if isinstance(column.type, JSON):
        return {str} if (row, column.name) in AS_TEXT else {dict, list}
    return next({python} for type_, python in PYTHON.items() if isinstance(column.type, type_))


def test_every_row_type_has_a_table() -> None:
    found = {
        one
        for one in vars(rows).values()
        if isinstance(one, type) and hasattr(one, "_fields") and one.__module__ == rows.__name__
    }

    assert found == ROWS.keys()


@row_types
def test_a_row_has_the_columns_of_its_table_in_their_order(row: type[Any]) -> None:
    columns = [column.name for column in ROWS[row].columns]
    left_out = LEFT_OUT.get(row, frozenset())

    assert left_out <= set(columns)
    assert list(row._fields) == [name for name in columns if name not in left_out]


@row_types
def test_a_row_leaves_out_every_column_that_the_database_computes(row: type[Any]) -> None:
    computed = {column.name for column in ROWS[row].columns if column.computed is not None}

    assert computed <= LEFT_OUT.get(row, frozenset())


@row_types
def test_a_field_is_optional_where_its_column_may_be_null(row: type[Any]) -> None:
    hints = get_type_hints(row)
    columns = ROWS[row].columns

    assert {name: _is_nullable(hints[name]) for name in row._fields} == {
        name: columns[name].nullable for name in row._fields
    }


@row_types
def test_a_field_has_the_type_of_its_column(row: type[Any]) -> None:
    hints = get_type_hints(row)

    for name in row._fields:
        types = _types_of(hints[name])
        assert types <= _allowed(row, ROWS[row].columns[name]), name
        assert types, name


@pytest.mark.parametrize(
    "row", [one for one in LEFT_OUT if one is not rows.SeatRow], ids=lambda row: row.__name__
)
def test_what_an_inserted_row_leaves_out_the_database_fills_in(row: type[Any]) -> None:
    columns = ROWS[row].columns

    for name in LEFT_OUT[row]:
        column = columns[name]
        assert column.nullable or column.server_default is not None, name
