from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from db.migrate import current_revision, newest_revision, upgrade
from db.tables import metadata
from tests.factories import rows


def test_the_migrations_make_the_tables_that_the_program_knows(migrated: Engine) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": lambda *it: it[1] != "alembic_version"}
        )
        assert compare_metadata(context, metadata) == []


def test_the_check_constraints_are_those_that_the_program_knows(migrated: Engine) -> None:
    known = {
        constraint.name
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    made = rows(
        migrated,
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace",
    )
    assert {name for (name,) in made} == known


def test_a_second_migration_changes_nothing(migrated: Engine) -> None:
    assert upgrade(migrated) == (newest_revision(), newest_revision())
    with migrated.connect() as connection:
        assert current_revision(connection) == newest_revision()
