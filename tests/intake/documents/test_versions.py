"""A PDF is of another version as soon as it would look different, whatever row that comes from."""

from dataclasses import astuple
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db.tables import metadata
from intake.documents.read_facts import read_order_document
from intake.documents.versions import version_of
from tests.factories import (
    load,
    make_event,
    make_seated_class,
    make_ticket_class,
    place,
    scalar,
)

# The tables of which a PDF may show something, or might some day.
TABLES = ("tenants", "events", "ticket_classes", "seats", "orders", "order_lines", "tickets", "payments")

# What a value becomes: by the column's type, another one that is as good.
OTHERS = {
    "TEXT": [
        "{column} || 'x'",
        "'Something else'",
        "'voided'",
        "'refunded'",
        "'checked_in'",
        "'Asia/Tokyo'",
        "'JPY'",
        "NULL",
    ],
    "INTEGER": ["{column} + 1"],
    "BIGINT": ["{column} + 1"],
    "NUMERIC": ["{column} + 1", "0.5"],
    "BOOLEAN": ["NOT {column}"],
    "DATETIME": ["{column} + interval '1 day'", "'2027-04-12T00:00:00Z'"],
    "JSON": [
        """'{{"name": "Another", "email": "else@example.com", "variation": "Late", "is_full_day": true,"""
        """ "line_1": "2 Street"}}'""",
        """'{{"name": "Another"}}'""",
        """'{{"variation": "Late"}}'""",
        """'{{"is_full_day": true}}'""",
        """'{{"line_1": "2 Street"}}'""",
        "NULL",
    ],
}


@pytest.fixture
def order_id(engine: Engine) -> UUID:
    event = make_event(
        tax={"name": "VAT", "rate": "0.10", "is_included": True},
        ticket_classes=[make_ticket_class(), make_seated_class()],
    )
    load(engine, event)
    lines = [{"ticket_class_id": name, "quantity": 2} for name in ("standing", "stalls")]
    return place(engine, line_items=lines, payments=[{"type": "cash", "amount": "5.00"}])


def _changes() -> list[tuple[str, str]]:
    """Return each column, and what it may become, as SQL."""
    return [
        (f"{table}.{column.name}", f'UPDATE {table} SET "{column.name}" = {other.format(column=column.name)}')
        for table in TABLES
        for column in metadata.tables[table].columns
        for other in OTHERS.get(str(column.type).split("(")[0], ())
    ]


def _drop_checks(connection: Connection) -> None:
    """Let each column change alone, until the end of the transaction."""
    query = """
        SELECT CAST(CAST(conrelid AS regclass) AS text) AS name, conname FROM pg_constraint
        WHERE contype = 'c' AND conrelid > 0
    """
    checks = connection.execute(text(query))
    for check in checks.all():
        if check.name in TABLES:
            connection.execute(text(f"ALTER TABLE {check.name} DROP CONSTRAINT {check.conname}"))


def _look(connection: Connection, order_id: UUID, tenant_id: UUID) -> Any:
    document = read_order_document(connection, tenant_id, order_id)
    assert document is not None
    return astuple(document.text), document.zones


def _change(
    connection: Connection, statement: str, order_id: UUID, tenant_id: UUID
) -> tuple[Any, str | None]:
    """Return how the document looks after a change, and which version it is of; nothing stays changed."""
    with connection.begin_nested() as change:
        connection.execute(text(statement))
        found = _look(connection, order_id, tenant_id), version_of(connection, order_id)
        change.rollback()
    return found


def test_what_changes_the_look_changes_the_version(engine: Engine, order_id: UUID) -> None:
    tenant_id = scalar(engine, "SELECT tenant_id FROM orders")
    seen, same = set(), []
    with engine.connect() as connection:
        look, version = _look(connection, order_id, tenant_id), version_of(connection, order_id)
        _drop_checks(connection)
        for column, statement in _changes():
            try:
                after, now = _change(connection, statement, order_id, tenant_id)
            except Exception:  # noqa: BLE001 - the database, or the order's model, takes no such value
                continue
            if after != look:
                seen.add(column)
                same += [statement] if now == version else []

    assert same == []
    assert seen >= {
        "tenants.name",
        "tenants.organisation",
        "events.name",
        "events.starts_at",
        "events.ends_at",
        "events.timezone",
        "events.tax_name",
        "events.details",
        "ticket_classes.name",
        "ticket_classes.section",
        "ticket_classes.row",
        "ticket_classes.details",
        "seats.label",
        "orders.code",
        "orders.status",
        "orders.buyer_email",
        "orders.total",
        "order_lines.unit_price",
        "tickets.attendee_first_name",
        "tickets.code",
        "tickets.checked_in_at",
    }


def test_what_others_buy_changes_no_version(engine: Engine, order_id: UUID) -> None:
    with engine.connect() as connection:
        version = version_of(connection, order_id)

    place(engine, quantity=3)

    with engine.connect() as connection:
        assert version_of(connection, order_id) == version
        connection.execute(text("SET timezone = 'Asia/Tokyo'"))
        connection.execute(text("SET datestyle = 'German'"))
        assert version_of(connection, order_id) == version, "whatever the session's settings are"
