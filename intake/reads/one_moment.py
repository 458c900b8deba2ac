"""Reads of several statements that must fit each other."""

from sqlalchemy import Engine


def at_one_moment(engine: Engine) -> Engine:
    """Return the engine for reads of several statements that must fit each other."""
    # An order is read by several statements: the version must fit the tickets.
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
