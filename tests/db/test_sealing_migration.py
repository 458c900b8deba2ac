"""Secrets that stood in the database in plain are sealed; tickets and signing clients go on."""

import hmac
from base64 import urlsafe_b64encode
from typing import Any

from sqlalchemy import Engine, text

from db.migrate import upgrade
from db.sealed_rows import count_unreadable
from db.tables import metadata
from db.tenant_secrets import PURPOSES, open_secret
from intake.auth.keys import create_key, find_caller_by_id
from schemas.requests import CHECK_IN
from tests.db.older import BEFORE_SEALING, go_back
from tests.factories import NOW, load, make_change, place, read, rows, run


def _mac(secret: bytes, *parts: bytes) -> bytes:
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, "sha256")


def _values(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return [
            bytes(value) if isinstance(value, memoryview) else value
            for table in metadata.sorted_tables
            for row in connection.execute(table.select())
            for value in row
        ]


def test_plain_keys_are_sealed_and_their_tickets_stay_good(old: Engine) -> None:
    load(old)
    with old.begin() as connection:
        key_id = create_key(connection, "demo", ["orders.read"], NOW).id
    code = read(old, place(old))["tickets"][0]["code"]
    go_back(old, BEFORE_SEALING)
    ((plain,),) = rows(old, "SELECT private_key FROM ticket_keys")

    upgrade(old)

    assert bytes(plain) not in _values(old)
    assert run(old, make_change(CHECK_IN, code=code))[0].errors == ()
    assert read(old, place(old))["tickets"][0]["code"] is not None
    derived = _mac(_mac(bytes(plain), b"willcall intake"), b"request signatures", key_id.bytes)
    with old.connect() as connection:
        caller = find_caller_by_id(connection, key_id)
        assert count_unreadable(connection) == (0, 5)
    assert caller is not None
    assert caller.request_secret == urlsafe_b64encode(derived).decode()[:40]


def test_each_tenant_has_a_secret_for_each_purpose(old: Engine) -> None:
    load(old)
    load(old, tenant="other")
    go_back(old, BEFORE_SEALING)

    upgrade(old)

    with old.connect() as connection:
        sealed = connection.execute(text("SELECT tenant_id, purpose, sealed FROM tenant_secrets")).all()
    opened = {open_secret(row.sealed, row.tenant_id, row.purpose) for row in sealed}
    assert {row.purpose for row in sealed} == set(PURPOSES)
    assert len(opened) == len(sealed) == 2 * len(PURPOSES)
    assert {len(secret) for secret in opened} == {32}
