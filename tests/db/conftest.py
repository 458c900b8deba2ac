"""Databases as the migrations before the first release left them."""

from collections.abc import Iterator
from typing import Final

import pytest
from sqlalchemy import Engine

from tests.databases import empty_database
from tests.intake.cli.conftest import no_settings, willcall
from tests.processes import ROOT

__all__ = ["no_settings", "willcall"]

_SCHEMA: Final = (ROOT / "tests/data/schema_before_the_first_release.sql").read_text()


@pytest.fixture
def old(migrated: Engine) -> Iterator[Engine]:
    """An engine of a database that those migrations have built, to the newest of them."""
    with empty_database(migrated, "older_version") as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql(_SCHEMA)
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('2026_11_26_key_uses')")
        yield engine
