"""API keys are stored as hashes, and shown once."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from intake.auth.keys import (
    UnknownScope,
    UnknownTenant,
    create_key,
    find_caller,
    hash_key,
    is_key,
    list_keys,
    revoke_key,
)
from intake.auth.scopes import SCOPES
from tests.intakes import Intake

NOW = datetime(2027, 1, 2, tzinfo=UTC)


@pytest.fixture
def connection(intake: Intake) -> Iterator[Connection]:
    with intake.engine.connect() as connection:
        yield connection
        connection.rollback()


def test_a_key_stands_for_its_tenant_with_its_scopes(connection: Connection) -> None:
    key_id, key, _ = create_key(connection, "demo", ["orders.read", "orders.create", "orders.read"], NOW)

    caller = find_caller(connection, hash_key(key))
    assert caller is not None
    assert (caller.tenant, caller.scopes) == ("demo", frozenset({"orders.create", "orders.read"}))
    assert caller.may("orders.read")
    assert not caller.may("orders.update")
    [listed] = [one for one in list_keys(connection) if one.id == key_id]
    assert (listed.tenant, listed.scopes) == ("demo", ("orders.create", "orders.read"))
    assert (listed.created_at, listed.revoked_at) == (NOW, None)


def test_admin_may_everything(connection: Connection) -> None:
    _, key, _ = create_key(connection, "demo", ["admin"], NOW)

    caller = find_caller(connection, hash_key(key))
    assert caller is not None
    assert all(caller.may(scope) for scope in SCOPES)


def test_a_key_is_32_random_bytes_and_only_its_hash_is_stored(connection: Connection) -> None:
    key_id, key, _ = create_key(connection, "demo", [], NOW)
    _, another, _ = create_key(connection, "demo", [], NOW)

    assert is_key(key)
    assert len(key) == len("wc_") + 43
    assert key != another
    query = text("SELECT api_keys.*::text FROM api_keys WHERE id = :id")
    stored = connection.execute(query, {"id": key_id}).scalar_one()
    assert hashlib.sha256(key.encode()).hexdigest() in stored
    assert key[3:] not in stored


def test_an_unknown_tenant_or_scope_gets_no_key(connection: Connection) -> None:
    with pytest.raises(UnknownTenant, match="there is no tenant nobody"):
        create_key(connection, "nobody", ["admin"], NOW)
    with pytest.raises(UnknownScope, match=r"orders\.delete is not a scope"):
        create_key(connection, "demo", ["orders.delete"], NOW)


def test_a_key_is_revoked_once_and_for_good(connection: Connection) -> None:
    key_id, key, _ = create_key(connection, "demo", ["admin"], NOW)
    later = NOW + timedelta(days=1)

    assert revoke_key(connection, key_id, later)
    assert not revoke_key(connection, key_id, later + timedelta(days=1))
    assert find_caller(connection, hash_key(key)) is None
    assert [one.revoked_at for one in list_keys(connection) if one.id == key_id] == [later]
