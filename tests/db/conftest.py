"""A database of its own: what is migrated is in nobody's way."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from db.engine import make_engine
from db.migrate import upgrade

_DATABASE = "older_version"


@pytest.fixture
def old(migrated: Engine) -> Iterator[Engine]:
    """A database of its own on the tests' server: others are busy with theirs."""
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {_DATABASE}"))
    url = migrated.url.set(database=_DATABASE).render_as_string(hide_password=False)
    engine = make_engine(url)
    upgrade(engine)
    yield engine
    engine.dispose()
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {_DATABASE} WITH (FORCE)"))
