"""An expired key opens nothing in any dialect, nor do its tokens; who only names a key does not use it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from intake.auth.keys import create_key
from schemas.catalogue import Catalogue
from tests.contract.scoped_calls import KEYED, Key, Needs, filled
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until

Make = Callable[..., Key]
DIALECTS = ("canonical", "zoho", "acme", "ticket_evolution", "eventbookings")


@pytest.fixture
def make(intake: Intake, catalogue: Catalogue) -> Iterator[Make]:
    """Return a factory of keys that may do all, until a moment."""
    with httpx.Client(base_url=intake.url, timeout=PATIENCE_SECONDS) as http:

        def make_key(expires_at: datetime | None = None) -> Key:
            with intake.engine.begin() as connection:
                now = datetime.now(UTC)
                made = create_key(connection, "box-office", ["admin"], now, expires_at=expires_at)
            return Key(http, made.key, str(made.id), made.secret)

        yield make_key


@pytest.mark.parametrize(("method", "path", "needs"), KEYED)
def test_an_expired_key_is_refused_everywhere(make: Make, method: str, path: str, needs: Needs) -> None:
    key = make(datetime.now(UTC) - timedelta(seconds=1))

    answer = key.call(needs.dialect, method, needs.path or filled(path), prefer="wait=0")

    assert answer.status_code == 401, answer.text


def test_an_access_token_ends_with_its_key(intake: Intake, make: Make) -> None:
    key = make(datetime.now(UTC) + timedelta(seconds=3))
    token = key._token()
    headers = {"authorization": f"Bearer {token}"}
    path = f"/orders/{key.id}"

    def status() -> int:
        return key.http.get(path, headers=headers).status_code

    if token != "none":  # on a machine so slow that it has expired already
        wait_until(lambda: status() == 401, what="the end of a token")
    assert key._token() == "none"


READS: list[tuple[str, str, Any]] = [
    (needs.dialect, needs.path or filled(path), needs) for method, path, needs in KEYED if method == "GET"
]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_in_any_dialect_is_a_use_of_the_key(intake: Intake, make: Make, dialect: str) -> None:
    key = make()
    path = next(path for name, path, _ in READS if name == dialect)

    key.call(dialect, "GET", path)

    wait_until(lambda: _was_used(intake, key), what="the use of a key")


def test_naming_a_key_without_proof_is_no_use_of_it(intake: Intake, make: Make) -> None:
    named, used = make(), make()
    forged = {"x-token": named.id.replace("-", ""), "x-signature": "AAAA"}
    assert named.http.get("/v9/orders", headers=forged).status_code == 401
    grant = {"grant_type": "client_credentials", "client_id": named.id, "client_secret": used.key}
    assert named.http.post("/connect/token", data=grant).status_code == 401

    used.call("canonical", "GET", "/v1/orders")
    wait_until(lambda: _was_used(intake, used), what="the use of a key")
    assert not _was_used(intake, named)


def _was_used(intake: Intake, key: Key) -> bool:
    query = text("SELECT last_used_at IS NOT NULL FROM api_keys WHERE id = :id")
    with intake.engine.connect() as connection:
        return bool(connection.execute(query, {"id": key.id}).scalar_one())
