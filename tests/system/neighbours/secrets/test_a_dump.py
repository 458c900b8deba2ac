"""Whoever has a dump of the database, and nothing else, forges nothing."""

import base64
import hashlib
import hmac
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from nacl.signing import SigningKey
from sqlalchemy import text

from db import tables
from db.tenant_secrets import Purpose, open_secret
from intake.auth.keys import NewKey, create_key
from intake.auth.scopes import SCOPES
from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.factories import make_body, make_event
from tests.intakes import Intake, Worker
from tests.processes import PATIENCE_SECONDS

TENANT = "dumped-house"


_MOST_BYTES = 2_000
"""Of a value whose parts are tried, too; what is longer is a document or an order, and no secret."""

Loot = frozenset[bytes]
"""Every value of a dump that could be a secret, or be made into one."""


@pytest.fixture
def key(intake: Intake) -> NewKey:
    words = {"tenant": TENANT, "aliases": {"ticket_evolution": ["5001"]}, "events": [make_event()]}
    load_catalogue(intake.engine, Catalogue.model_validate(words), now=datetime.now(UTC))
    with intake.engine.begin() as connection:
        return create_key(connection, TENANT, SCOPES[:-1], datetime.now(UTC))


@pytest.fixture
def owner(intake: Intake, key: NewKey) -> Iterator[httpx.Client]:
    with intake.client_of(key.key) as client:
        yield client


@pytest.fixture
def order(owner: httpx.Client, worker: Worker) -> dict[str, Any]:
    answer = owner.post("/v1/orders", json=make_body(), headers={"prefer": "wait=30"})
    assert answer.status_code == 201, answer.text
    words: dict[str, Any] = answer.json()
    return words


@pytest.fixture
def loot(intake: Intake, order: dict[str, Any]) -> Loot:
    """Read every row of every table, as `pg_dump` does."""
    found: set[bytes] = set()
    with intake.engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(table.select()):
                found.update(one for value in row for one in _bytes_of(value))
    return frozenset(found)


def _bytes_of(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes | memoryview):
        yield bytes(value)
    elif isinstance(value, UUID):
        yield value.bytes
    elif isinstance(value, str):
        yield value.encode()


def candidates(loot: Loot) -> Iterator[bytes]:
    """Yield what the thief takes for secrets: what is stored, its parts, and what may be derived of them."""
    for value in loot:
        if len(value) >= 32:
            yield value
            if len(value) <= _MOST_BYTES:
                yield from {value[start : start + 32] for start in range(len(value) - 31)}
            yield hashlib.sha256(value).digest()
            yield _mac(value, b"willcall intake")


def _mac(secret: bytes, *parts: bytes) -> bytes:
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, "sha256")


def _url_safe(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def test_no_link_to_a_document_is_forged(
    intake: Intake, owner: httpx.Client, order: dict[str, Any], loot: Loot
) -> None:
    links = owner.get(f"/v1/orders/{order['id']}/documents").raise_for_status().json()
    true = urlsplit(links["order_pdf"])
    expires = parse_qs(true.query)["expires"][0]
    signature = parse_qs(true.query)["signature"][0]

    def forged(loot: Loot) -> set[str]:
        parts = b"link", true.path.encode(), expires.encode()
        return {_url_safe(_mac(one, *parts)) for one in candidates(loot)}

    assert signature not in forged(loot)
    assert signature in forged(_plain(intake, "links"))


def test_no_access_token_is_forged(intake: Intake, key: NewKey, order: dict[str, Any], loot: Loot) -> None:
    grant = {"grant_type": "client_credentials", "client_id": str(key.id), "client_secret": key.key}
    answer = httpx.post(f"{intake.url}/connect/token", data=grant, timeout=PATIENCE_SECONDS)
    token = answer.raise_for_status().json()["access_token"]
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    signed, signature = raw[:-32], raw[-32:]

    def forged(loot: Loot) -> set[bytes]:
        return {_mac(one, b"access token", signed) for one in candidates(loot)}

    assert signature not in forged(loot)
    assert signature in forged(_plain(intake, "access_tokens"))


def test_no_call_of_ticket_evolution_is_signed(intake: Intake, key: NewKey, loot: Loot) -> None:
    def status(secret: bytes) -> int:
        signed = base64.b64encode(hmac.digest(secret, b"GET 127.0.0.1/v9/orders?", sha256)).decode()
        headers = {"x-token": key.id.hex, "x-signature": signed}
        return httpx.get(f"{intake.url}/v9/orders", headers=headers, timeout=PATIENCE_SECONDS).status_code

    right = hmac.digest(key.secret.encode(), b"GET 127.0.0.1/v9/orders?", sha256)
    forged = set()
    for one in candidates(loot):
        derived = base64.urlsafe_b64encode(_mac(one, b"request signatures", key.id.bytes))[:40]
        forged |= {hmac.digest(secret, b"GET 127.0.0.1/v9/orders?", sha256) for secret in (one, derived)}

    assert status(key.secret.encode()) == 200
    assert right not in forged
    assert {status(one) for one in itertools.islice(candidates(loot), 20)} == {401}


def test_no_signature_of_a_ticket_group_is_forged(intake: Intake, owner: httpx.Client, loot: Loot) -> None:
    listed = owner.get("/v1/events/concert/ticket-classes").raise_for_status().json()["items"][0]
    free, price, signature = listed["signature"].split("_", 2)
    with intake.engine.connect() as connection:
        query = text("""
            SELECT c.id::text FROM ticket_classes c JOIN tenants t ON t.id = c.tenant_id
            WHERE t.name = :tenant AND c.external_id = :id
        """)
        class_id = connection.execute(query, {"tenant": TENANT, "id": listed["id"]}).scalar_one()
    message = f"ticket group {class_id} {free} {price}".encode()

    def forged(loot: Loot) -> set[str]:
        return {_url_safe(hmac.digest(one, message, sha256)) for one in candidates(loot)}

    assert signature not in forged(loot)
    assert signature in forged(_plain(intake, "ticket_groups"))


def test_no_code_of_a_ticket_is_forged(
    intake: Intake, owner: httpx.Client, order: dict[str, Any], loot: Loot
) -> None:
    code = base64.urlsafe_b64decode(order["tickets"][0]["code"] + "=")
    payload, signature = code[:-64], code[-64:]
    seeds = {one for one in candidates(loot) if len(one) == 32}

    # Ed25519 signs the same text alike: a seed that signs this code would have been found.
    assert signature not in {SigningKey(seed).sign(payload).signature for seed in seeds}
    forged = _url_safe(payload + SigningKey(next(iter(seeds))).sign(payload).signature)
    refused = owner.post("/v1/check-ins", json={"code": forged}, headers={"prefer": "wait=30"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "forged_ticket")


def test_keys_and_secrets_are_not_in_the_dump(key: NewKey, loot: Loot) -> None:
    everything = b"\n".join(loot)

    for secret in (key.key.encode(), key.key.removeprefix("wc_").encode(), key.secret.encode()):
        assert secret not in everything
    assert hashlib.sha256(key.key.encode()).digest() in loot


def _plain(intake: Intake, purpose: Purpose) -> Loot:
    """Return a dump with the tenant's secret in plain: with it the thief succeeds, hence knows the way."""
    query = text("""
        SELECT t.id, s.sealed FROM tenant_secrets s JOIN tenants t ON t.id = s.tenant_id
        WHERE t.name = :tenant AND s.purpose = :purpose
    """)
    with intake.engine.connect() as connection:
        row = connection.execute(query, {"tenant": TENANT, "purpose": purpose}).one()
    return frozenset([open_secret(row.sealed, row.id, purpose)])
