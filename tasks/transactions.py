"""Transactions of the tasks, whose failures are blamed on what caused them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from db.failures import Fault, describe, fault_of
from db.health import find_trouble
from db.replicated import begin
from orders.errors import CatalogueChanged
from tasks.resources import engine


class DatabaseUnavailable(Exception):
    """The database cannot take it, says the text; all was rolled back and can be tried again as it is."""


@contextmanager
def transaction(*, is_alone: bool = True) -> Iterator[Connection]:
    """Open a transaction. Raises `DatabaseUnavailable` as `blaming_the_system` does."""
    with blaming_the_system(is_alone=is_alone), begin(engine()) as connection:
        yield connection


@contextmanager
def blaming_the_system(*, is_alone: bool = True) -> Iterator[None]:
    """Raise `DatabaseUnavailable` for failures that the system is to blame for, and not what was asked.

    What is not alone can be halved when it was too much at once.
    """
    try:
        yield
    except (CatalogueChanged, DatabaseUnavailable):
        raise
    except Exception as error:
        fault = fault_of(error)
        is_system = fault is Fault.SYSTEM or (fault is Fault.SIZE and is_alone)
        # Before anybody is blamed the database is asked: what fails for one may fail for all.
        reason = describe(error) if is_system else find_trouble(engine())
        if reason is None:
            raise
        # Old connections lead to what is a standby since a failover, and have plans from before a migration.
        engine().dispose()
        raise DatabaseUnavailable(reason) from error
