"""The key decides the tenant and what a call may do."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from intake.auth.authentication import FRESH_SECONDS, Authenticator
from intake.auth.keys import hash_key, list_keys, revoke_key
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS

Order = Callable[..., dict[str, Any]]
BASIC = "Basic d2NfOng="


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": BASIC}])
def test_a_call_without_a_key_is_told_how_to_send_one(intake: Intake, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{intake.url}/v1/orders", headers=headers, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="willcall"'
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["wc_", "wc_" + "A" * 43, "A" * 46, "wc_" + "ü" * 43, "wc_" + "A" * 10_000])
def test_an_unknown_key_is_refused(intake: Intake, key: str) -> None:
    headers = {b"authorization": b"Bearer " + key.encode("latin-1")}
    answer = httpx.get(f"{intake.url}/v1/orders", headers=headers, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="willcall", error="invalid_token"'


def test_the_scheme_may_be_written_in_any_case(intake: Intake) -> None:
    headers = {"authorization": f"bearer {intake.new_key('admin')}"}

    assert httpx.get(f"{intake.url}/v1/orders", headers=headers, timeout=PATIENCE_SECONDS).status_code == 200


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("orders.create", "POST", "/v1/orders", 202),
        ("orders.create", "GET", "/v1/orders", 403),
        ("orders.read", "GET", "/v1/orders", 200),
        ("admin", "POST", "/v1/orders", 202),
        ("admin", "GET", "/v1/orders", 200),
    ],
)
def test_each_call_needs_its_scope(intake: Intake, scope: str, method: str, path: str, status: int) -> None:
    with intake.client(scope) as client:
        answer = client.request(method, path, json=None if method == "GET" else {})

    assert answer.status_code == status
    if status == 403:
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        assert answer.json()["errors"] == []


def test_a_revoked_key_stops_working_within_seconds(intake: Intake) -> None:
    key = intake.new_key("orders.read")
    with intake.client_of(key) as client:
        assert client.get("/v1/orders").status_code == 200
        revoked_at = time.monotonic()
        revoke(intake, key)
        called_at = revoked_at
        while client.get("/v1/orders").status_code == 200:
            assert called_at < revoked_at + FRESH_SECONDS
            time.sleep(0.2)
            called_at = time.monotonic()

        assert client.get("/v1/orders").status_code == 401


def test_a_key_that_was_revoked_before_its_first_call_never_works(intake: Intake) -> None:
    key = intake.new_key("orders.read")
    revoke(intake, key)

    with intake.client_of(key) as client:
        assert client.get("/v1/orders").status_code == 401


def test_a_hundred_calls_with_a_new_key_ask_the_database_once(intake: Intake) -> None:
    async def scenario(key: str) -> list[Any]:
        authenticator = Authenticator(intake.engine)
        return await asyncio.gather(*[authenticator.find(key) for _ in range(100)])

    key = intake.new_key("admin")
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(intake.engine, "before_cursor_execute", note)
    try:
        callers = asyncio.run(scenario(key))
    finally:
        event.remove(intake.engine, "before_cursor_execute", note)

    assert [caller.tenant for caller in callers] == ["demo"] * 100
    assert len([statement for statement in statements if "api_keys" in statement]) == 1


def revoke(intake: Any, key: str) -> None:
    with intake.engine.begin() as connection:
        query = "SELECT id FROM api_keys WHERE key_hash = %s"
        row = connection.exec_driver_sql(query, (hash_key(key),)).one()
        assert row.id in [listed.id for listed in list_keys(connection)]
        assert revoke_key(connection, row.id, datetime.now(UTC))
