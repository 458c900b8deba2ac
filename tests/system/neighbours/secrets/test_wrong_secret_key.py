"""A secret key that does not fit: the system waits, and one tenant's trouble stays its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import Engine, select, update

from db.sealed_rows import count_unreadable, find_wrong_key
from db.sealing import Keyring, SecretsUnreadable, keyring
from db.tables import api_keys, tenant_secrets, tenants, ticket_keys
from intake.auth.keys import create_key
from orders.catalogue.loading import add_ticket_key
from tasks.messages import QueueMessage
from tasks.orders import process_messages
from tasks.transactions import DatabaseUnavailable
from tests.factories import load, make_body, rows, scalar
from tests.intakes import Intake
from worker.runtime.secret_key import generate_key, parse_keys

NOW = datetime.now(UTC)

SEALED = (
    (tenant_secrets, "sealed", ("tenant_id", "purpose")),
    (ticket_keys, "sealed_key", ("id",)),
    (api_keys, "sealed_secret", ("id",)),
)


def _message(*tenants: str) -> QueueMessage:
    requests = [{"tenant": tenant, **make_body()} for tenant in tenants]
    return QueueMessage("orders.create", "m", orjson.dumps([[], {"requests": requests}, {}]))


@contextmanager
def sealed_with_another_key(engine: Engine, *tenants: str) -> Iterator[None]:
    """Have the secrets of these tenants sealed with a key that this process does not have."""
    other, mine = Keyring(parse_keys(generate_key())), keyring()
    _reseal(engine, tenants, mine, other)
    try:
        yield
    finally:
        _reseal(engine, tenants, other, mine)


def _reseal(engine: Engine, names: tuple[str, ...], old: Keyring, new: Keyring) -> None:
    of_names = select(tenants.c.id).where(tenants.c.name.in_(names))
    with engine.begin() as connection:
        for table, column, key in SEALED:
            query = select(table.c[column], *(table.c[name] for name in key))
            for sealed, *values in connection.execute(query.where(table.c.tenant_id.in_(of_names))).all():
                again = new.seal(old.open(bytes(sealed), table.name, *values), table.name, *values)
                which = [table.c[name] == value for name, value in zip(key, values, strict=True)]
                connection.execute(update(table).where(*which).values({column: again}))


@pytest.fixture
def two(engine: Engine) -> Engine:
    load(engine)
    load(engine, tenant="other")
    return engine


def _counts(engine: Engine) -> tuple[int, int, int]:
    tables = ("orders", "delayed_requests", "dead_letters")
    orders, delayed, dead = (int(scalar(engine, f"SELECT count(*) FROM {table}")) for table in tables)
    return orders, delayed, dead


def test_a_batch_waits_until_the_key_fits(two: Engine) -> None:
    message = _message("demo", "other")
    with (
        sealed_with_another_key(two, "demo", "other"),
        pytest.raises(DatabaseUnavailable, match="WILLCALL_SECRET_KEY"),
    ):
        process_messages([message])
    assert _counts(two) == (0, 0, 0)

    process_messages([message])

    assert _counts(two) == (2, 0, 0)


def test_one_tenant_whose_secrets_are_shut_delays_no_other(two: Engine) -> None:
    with sealed_with_another_key(two, "other"):
        report = process_messages([_message("demo", "other", "demo", "other")])

    assert (report.count, report.delayed) == (2, 2)
    assert _counts(two) == (2, 2, 0)


def test_nothing_is_sealed_beside_what_does_not_open(two: Engine) -> None:
    with sealed_with_another_key(two, "demo", "other"):
        with pytest.raises(SecretsUnreadable), two.begin() as connection:
            create_key(connection, "demo", ["admin"], NOW)
        ((tenant_id,),) = rows(two, "SELECT id FROM tenants WHERE name = 'demo'")
        with pytest.raises(SecretsUnreadable), two.begin() as connection:
            add_ticket_key(connection, tenant_id, now=NOW)
        with pytest.raises(SecretsUnreadable):
            load(two, tenant="third")
        with two.connect() as connection:
            assert count_unreadable(connection) == (8, 8)
    with two.connect() as connection:
        assert find_wrong_key(connection) is None
        assert count_unreadable(connection) == (0, 8)


def test_a_key_whose_secrets_are_shut_gets_503_and_no_other_key_does(intake: Intake) -> None:
    shut, well = intake.new_key("orders.read", tenant="other"), intake.new_key("orders.read")
    with sealed_with_another_key(intake.engine, "other"), intake.client_of(shut) as one:
        assert one.get("/v1/orders").status_code == 503
        with intake.client_of(well) as another:
            assert another.get("/v1/orders").status_code == 200
        assert "retry-after" in one.get("/v1/orders").headers
    with intake.client_of(shut) as one:
        assert one.get("/v1/orders").status_code == 200
