"""The first migration stands for those before the first release, and takes nothing that it cannot carry."""

from typing import Any, Final

import pytest
from sqlalchemy import Engine, text

from db.health import find_trouble
from db.migrate import upgrade
from db.revisions import BEFORE_THE_FIRST_RELEASE, SchemaTooOld, newest_revision
from db.tables import metadata
from orders.upkeep.reconciliation import reconcile
from tests.factories import NOW, load, make_change, place, read, rows, run
from tests.intake.cli.conftest import Willcall
from willcall.kinds import CANCEL

_FACTS: Final = (
    """
    SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attstorage,
        pg_get_expr(adbin, adrelid)
    FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
    LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
    WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND relnamespace = 'public'::regnamespace
    """,
    """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype <> 'n' AND connamespace = 'public'::regnamespace
    """,
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "SELECT sequencename, data_type::text, start_value, min_value, max_value, cycle FROM pg_sequences",
    "SELECT extname FROM pg_extension",
)
"""What a schema is made of, but for the order of its columns and the names of what is NOT NULL."""


def _facts(engine: Engine) -> set[str]:
    return {repr(row) for query in _FACTS for row in rows(engine, query)}


def _everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    # Without what is null: so a column that a later migration has added makes no difference.
    one = "CAST(jsonb_strip_nulls(to_jsonb(one)) AS text)"
    return {
        name: sorted(rows(engine, f"SELECT {one} FROM {name} AS one"))
        for name in ("alembic_version", *metadata.tables)
    }


def _set_revision(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


def test_it_makes_what_the_migrations_before_made(old: Engine, migrated: Engine) -> None:
    upgrade(old)  # what came later comes to both

    made = _facts(migrated)
    assert len(made) > 300
    assert made ^ _facts(old) == set()


def test_a_database_of_the_migrations_before_keeps_its_rows_and_works(old: Engine) -> None:
    load(old)
    kept, gone = place(old, quantity=2), place(old)
    before = _everything(old)

    assert upgrade(old) == ("2026_11_26_key_uses", newest_revision())

    assert _everything(old) | {"alembic_version": []} == before | {"alembic_version": []}
    assert find_trouble(old) is None
    run(old, make_change(CANCEL, order_id=str(gone)))
    place(old)
    assert [read(old, id_)["status"] for id_ in (kept, gone)] == ["placed", "cancelled"]
    with old.begin() as connection:
        assert reconcile(connection, now=NOW) == []


def test_the_command_says_that_there_is_nothing_to_do(
    old: Engine, willcall: Willcall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WILLCALL_DATABASE_URL", old.url.render_as_string(hide_password=False))
    upgrade(old)

    ran = willcall("migrate")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"The schema is already {newest_revision()}.\n"


@pytest.mark.parametrize("revision", ["2026_11_22_first_tables", "2026_11_26_documents"])
def test_a_database_that_is_older_is_refused_and_left_alone(
    old: Engine, willcall: Willcall, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    monkeypatch.setenv("WILLCALL_DATABASE_URL", old.url.render_as_string(hide_password=False))
    load(old)
    place(old)
    _set_revision(old, revision)
    facts, before = _facts(old), _everything(old)

    ran = willcall("migrate")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        f"willcall: the database's schema is {revision}, from before the first release: "
    )
    assert "migrate it to 2026_11_26_key_uses with the version that docs/operations.md names" in ran.err
    assert ran.err.count("\n") == 1
    assert ran.err == f"willcall: {find_trouble(old)}\n"
    assert _everything(old) == before
    assert _facts(old) == facts


def test_every_older_revision_is_refused(old: Engine) -> None:
    for revision in sorted(BEFORE_THE_FIRST_RELEASE):
        _set_revision(old, revision)
        with pytest.raises(SchemaTooOld, match=revision):
            upgrade(old)
