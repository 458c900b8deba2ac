"""A database of its own on the tests' server: others are busy with theirs."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from db.engine import make_engine
from db.migrate import upgrade


@contextmanager
def fresh_database(server: Engine, name: str) -> Iterator[Engine]:
    """Make a database of the newest schema, with nothing in it and no statistics; drop it in the end."""
    with empty_database(server, name) as engine:
        upgrade(engine)
        yield engine


@contextmanager
def empty_database(server: Engine, name: str) -> Iterator[Engine]:
    """Make a database without tables; drop it in the end."""
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = make_engine(server.url.set(database=name).render_as_string(hide_password=False))
    try:
        yield engine
    finally:
        engine.dispose()
        with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
