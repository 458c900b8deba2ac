"""The transactions of the tasks: a failure is attributed to the system or to the request."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from db.failures import Fault, describe, fault_of
from db.health import find_trouble
from db.replicated import begin
from orders.errors import CatalogueChanged
from tasks.resources import engine


class KnownFailure(Exception):
    """A failure whose reason is in its text: the database need not be checked for it."""


class DatabaseUnavailable(KnownFailure):
    """The database cannot take work, for the reason in the text; all was rolled back and can be retried."""


@contextmanager
def transaction(*, is_alone: bool = True) -> Iterator[Connection]:
    """Open a transaction. Raises `DatabaseUnavailable` as `blaming_the_system` does."""
    with blaming_the_system(is_alone=is_alone), begin(engine()) as connection:
        yield connection


@contextmanager
def blaming_the_system(*, is_alone: bool = True) -> Iterator[None]:
    """Raise `DatabaseUnavailable` for failures of the system; re-raise all others, which are the request's.

    Unless `is_alone`, a batch that was too large is re-raised, too: its caller halves it.
    """
    try:
        yield
    except (CatalogueChanged, KnownFailure):
        raise
    except Exception as error:
        fault = fault_of(error)
        is_system = fault is Fault.SYSTEM or (fault is Fault.SIZE and is_alone)
        # Check the database before blaming the request: what fails for one may fail for all.
        reason = describe(error) if is_system else find_trouble(engine())
        if reason is None:
            raise
        # Old connections may lead to a former primary, and have plans from before a migration.
        engine().dispose()
        raise DatabaseUnavailable(reason) from error
