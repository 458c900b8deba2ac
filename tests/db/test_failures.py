"""Whose fault each SQLSTATE is."""

import re

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.failures import BY_SQLSTATE, Fault, describe, fault_of
from tests.processes import ROOT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError("connection refused"), Fault.SYSTEM),
        (psycopg.InterfaceError("the connection is closed"), Fault.SYSTEM),
        (psycopg.errors.AdminShutdown("shutting down"), Fault.SYSTEM),
        (psycopg.errors.DeadlockDetected("deadlock"), Fault.SYSTEM),
        (psycopg.errors.DiskFull("no space"), Fault.SYSTEM),
        (psycopg.errors.ReadOnlySqlTransaction("read-only"), Fault.SYSTEM),
        (psycopg.errors.InsufficientPrivilege("permission denied"), Fault.SYSTEM),
        (psycopg.errors.InvalidSqlStatementName("_pg3_0"), Fault.SYSTEM),
        (psycopg.errors.FeatureNotSupported("cached plan must not change result type"), Fault.SYSTEM),
        (psycopg.errors.QueryCanceled("statement timeout"), Fault.SIZE),
        (psycopg.errors.IdleInTransactionSessionTimeout("stood still"), Fault.SIZE),
        (psycopg.errors.OutOfMemory("out of memory"), Fault.SIZE),
        (psycopg.errors.UndefinedColumn("column"), Fault.STATEMENT),
        (psycopg.errors.InFailedSqlTransaction("aborted"), Fault.STATEMENT),
        (psycopg.errors.ProgramLimitExceeded("index row too large"), Fault.STATEMENT),
        (psycopg.errors.CheckViolation("never_oversold"), Fault.STATEMENT),
        (psycopg.DataError("text fields cannot contain NUL"), Fault.STATEMENT),
    ],
)
def test_a_failure_is_blamed_on_what_caused_it(error: psycopg.Error, expected: Fault) -> None:
    assert fault_of(error) is expected
    assert fault_of(DBAPIError("SELECT", {}, error)) is expected


def test_a_pool_without_a_free_connection_is_the_systems_fault() -> None:
    assert fault_of(PoolTimeout()) is Fault.SYSTEM


def test_a_bug_of_ours_is_not_the_systems_fault() -> None:
    assert fault_of(KeyError("a bug")) is Fault.STATEMENT


def test_a_description_has_the_servers_words_in_a_line() -> None:
    assert describe(psycopg.OperationalError("no\n  route")) == "the database does not answer: no route"
    assert describe(psycopg.errors.DiskFull("no space")) == "53100: no space"
    assert describe(KeyError("a bug")) == "KeyError: 'a bug'"


def _documented() -> dict[str, str]:
    """Return what `docs/operations.md` says of each SQLSTATE and class."""
    page = (ROOT / "docs/operations.md").read_text()
    found = re.findall(r"^\| ([0-9A-Z, ]+) \|[^|]*\| (\w+) \|", page, re.MULTILINE)
    return {code: fault for codes, fault in found for code in codes.split(", ")}


def _sqlstates() -> set[str]:
    """Return all codes that the driver knows, which are those of PostgreSQL's appendix A."""
    states = (getattr(error, "sqlstate", None) for error in vars(psycopg.errors).values())
    return {state for state in states if isinstance(state, str)}


def test_the_operators_page_tells_of_every_sqlstate_what_is_done() -> None:
    documented = _documented()
    assert len(_sqlstates()) > 200
    for state in sorted(_sqlstates()):
        told = documented.get(state) or documented[state[:2]]
        assert told == fault_of(psycopg.errors.lookup(state)("")), state


def test_the_operators_page_has_every_code_that_differs_from_its_class() -> None:
    assert BY_SQLSTATE.keys() <= _documented().keys()
