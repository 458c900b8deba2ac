"""Rows arrive as they are, whether an INSERT or a COPY writes them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    select,
)

from db.bulk import insert_rows

_TABLE: Final = Table(
    "bulk_rows",
    MetaData(),
    Column("number", Integer),
    Column("id", Uuid),
    Column("name", Text),
    Column("amount", Numeric(14, 4)),
    Column("is_free", Boolean),
    Column("at", DateTime(timezone=True)),
    Column("hash", LargeBinary),
    Column("extras", JSON(none_as_null=True)),
    prefixes=["TEMPORARY"],
)

_TEXTS: Final = st.sampled_from(
    ["", "NULL", "null", "\\N", "\\", '"', "{}", "{,}", "a,b", "a\tb", "a\nb\r", "'", "%s", " "]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_ROWS: Final = st.tuples(
    st.none() | st.uuids(),
    st.none() | _TEXTS,
    st.none() | st.decimals(min_value=-(10**9), max_value=10**9, places=4),
    st.none() | st.booleans(),
    st.none() | st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    st.none() | st.binary(),
    st.none() | st.dictionaries(_TEXTS, _TEXTS | st.lists(_TEXTS)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=timedelta(seconds=10))
@given(st.lists(_ROWS, min_size=1, max_size=6), st.booleans())
def test_rows_arrive_as_they_are(engine: Engine, rows: list[tuple[Any, ...]], is_many: bool) -> None:
    given_rows = [(number, *rows[number % len(rows)]) for number in range(100 if is_many else len(rows))]
    assert _read_back(engine, given_rows) == given_rows


@pytest.mark.parametrize("count", [1, 32, 33, 500])
def test_every_number_of_rows_arrives(engine: Engine, count: int) -> None:
    row = (
        UUID(int=1),
        "Ada",
        Decimal("1.5000"),
        True,
        datetime(2026, 1, 1, tzinfo=UTC),
        b"\0\xff",
        {"a": "b"},
    )
    given_rows = [(number, *row) for number in range(count)]
    assert _read_back(engine, given_rows) == given_rows


def test_no_rows_send_nothing(engine: Engine) -> None:
    with engine.connect() as connection:
        insert_rows(connection, _TABLE, ["number"], [])  # the table is not there


def _read_back(engine: Engine, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        _TABLE.create(connection)
        insert_rows(connection, _TABLE, [column.name for column in _TABLE.columns], rows)
        return [tuple(row) for row in connection.execute(select(_TABLE).order_by(_TABLE.c.number))]
