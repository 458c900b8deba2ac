from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from db.migrate import upgrade
from db.revisions import MIGRATIONS, current_revision, is_known, newest_revision
from db.tables import metadata
from tests.databases import fresh_database
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


def test_the_migrations_are_read_as_alembic_reads_them(migrated: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)

    assert newest_revision() == scripts.get_current_head()
    assert all(is_known(script.revision) for script in scripts.walk_revisions())
    assert not is_known("of_a_newer_program")


def test_a_database_that_was_never_migrated_has_no_revision(migrated: Engine) -> None:
    with fresh_database(migrated, "never_migrated") as engine, engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))

        assert current_revision(connection) is None
