"""Whatever statement fails, and whatever with: the error tells what happened, and quotes nothing."""

import traceback
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from db import tables
from db.bulk import insert_rows
from db.failures import describe, sqlstate_of
from worker.runtime.traces import name_of, trace_of

BUYER = "Zephyrine"

STATEMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a row that is there": ("INSERT INTO guests VALUES (:name, 1)", {"name": "Zephyrine the first"}),
    "a missing value": ("INSERT INTO guests VALUES (:name, NULL)", {"name": BUYER}),
    "a check": ("INSERT INTO guests VALUES (:name, -1)", {"name": BUYER}),
    "too long": ("INSERT INTO guests VALUES (:name, 1)", {"name": BUYER * 10}),
    "no such reference": ("INSERT INTO companions VALUES (:name)", {"name": BUYER}),
    "no uuid": ("SELECT CAST(:name AS uuid)", {"name": BUYER}),
    "no date": ("SELECT CAST(:name AS date)", {"name": BUYER}),
    "no number": ("SELECT CAST(CAST(:name AS text) AS integer)", {"name": BUYER}),
    "no JSON": ("SELECT CAST(:name AS jsonb)", {"name": f'{{"name": {BUYER}'}),
    "no pattern": ("SELECT 'x' ~ CAST(:name AS text)", {"name": f"({BUYER}"}),
    "division": ("SELECT 1 / (length(:name) - length(:name))", {"name": BUYER}),
    "no table": ("SELECT :name FROM nowhere", {"name": BUYER}),
    "no column": ("SELECT nothing FROM guests WHERE name = :name", {"name": BUYER}),
    "no function": ("SELECT nothing(:name)", {"name": BUYER}),
    "no syntax": ("SELEC :name", {"name": BUYER}),
    "what a trigger says": ("INSERT INTO quoted VALUES (:name)", {"name": BUYER}),
    "NUL": ("SELECT CAST(:name AS text)", {"name": f"{BUYER}\0"}),
    "a surrogate": ("SELECT CAST(:name AS text)", {"name": f"{BUYER}\ud800"}),
    "what no driver can send": ("SELECT :name", {"name": {BUYER: object()}}),
    "no parameter": ("SELECT :name, :other", {"name": BUYER}),
}

TABLES = (
    "CREATE TEMPORARY TABLE guests (name varchar(40) PRIMARY KEY, age integer NOT NULL CHECK (age > 0))",
    "INSERT INTO guests VALUES ('Zephyrine the first', 1)",
    "CREATE TEMPORARY TABLE companions (name varchar(40) REFERENCES guests)",
    "CREATE TEMPORARY TABLE quoted (name text)",
    "CREATE FUNCTION pg_temp.quote_it() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the row is %%', NEW; END $$",
    "CREATE TRIGGER quote_it BEFORE INSERT ON quoted FOR EACH ROW EXECUTE FUNCTION pg_temp.quote_it()",
)


def _all_of(error: BaseException) -> str:
    """Return all ways in which an error becomes text."""
    texts = [*traceback.format_exception(error), str(error), trace_of(error), name_of(error), describe(error)]
    if not isinstance(error, UnicodeError):  # Python's own representation, which nothing here uses
        texts.append(repr(error))
    while error.__cause__ is not None:
        error = error.__cause__
        texts += [str(error), repr(error)]
    return "\n".join(texts)


def _fail(connection: Connection, statement: str, parameters: dict[str, Any]) -> BaseException:
    with pytest.raises((StatementError, psycopg.Error, UnicodeError)) as caught:
        connection.execute(text(statement), parameters)
    return caught.value


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_error_quotes_neither_the_statement_nor_a_value(engine: Engine, name: str) -> None:
    statement, parameters = STATEMENTS[name]
    with engine.connect() as connection:
        for one in TABLES:
            connection.exec_driver_sql(one)

        error = _fail(connection, statement, parameters)

    shown = _all_of(error)
    for secret in (BUYER, "[SQL", "[parameters", statement[:20], "LINE 1", "DETAIL", "CONTEXT"):
        assert secret not in shown
    assert type(error).__name__ in trace_of(error)


def test_what_is_left_tells_what_happened_and_where(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE guests (name text CONSTRAINT once UNIQUE)")
        connection.exec_driver_sql("INSERT INTO guests VALUES ('Zephyrine')")
        error = _fail(connection, "INSERT INTO guests VALUES (:name)", {"name": BUYER})

    assert isinstance(error, IntegrityError)
    assert isinstance(error.orig, psycopg.errors.UniqueViolation)
    assert sqlstate_of(error) == "23505"
    assert "duplicate key value violates unique constraint" in str(error)
    assert "once" in name_of(error)
    assert "guests" in describe(error)


@pytest.mark.parametrize("count", [2, 100])
def test_bulk_writes_tell_as_little(engine: Engine, count: int) -> None:
    row = {column.name: None for column in tables.tenants.columns} | {"name": BUYER}
    with engine.connect() as connection, pytest.raises(psycopg.Error) as caught:
        insert_rows(connection, tables.tenants, list(row), [list(row.values())] * count)

    assert BUYER not in _all_of(caught.value)
    assert "tenants" in str(caught.value)


def test_a_connection_that_fails_still_says_why() -> None:
    from db.engine import make_engine

    engine = make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(DBAPIError, match="Connection refused"):
        engine.connect()
    engine.dispose()


def test_a_trace_quotes_no_value_and_no_line_of_code() -> None:
    name = BUYER

    def fail() -> None:
        try:
            dict[str, str]()[name]
        except KeyError as error:
            raise ValueError(f"INSERT INTO guests: {name}") from error

    with pytest.raises(ValueError, match=BUYER) as caught:
        fail()

    trace = trace_of(caught.value)
    assert trace.index("KeyError") < trace.index("ValueError")
    assert "test_quiet_errors.py" in trace
    assert "in fail" in trace
    assert BUYER not in trace
    assert "INSERT" not in trace
