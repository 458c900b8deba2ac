"""A database of its own: what is migrated is in nobody's way."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.databases import fresh_database


@pytest.fixture
def old(migrated: Engine) -> Iterator[Engine]:
    with fresh_database(migrated, "older_version") as engine:
        yield engine
