"""A program that speaks to Ticket Evolution, pointed at Willcall: it signs as the vendor's document says."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.messages import recorded
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS

ALL = SCOPES[:-1]


def signature(secret: str, text: str) -> str:
    return b64encode(hmac.new(secret.encode(), text.encode(), sha256).digest()).decode()


@dataclass
class Broker:
    """Calls with a token and its secret."""

    intake: Intake
    http: httpx.Client
    token: str
    secret: str
    key: str

    def with_scopes(self, *scopes: str) -> "Broker":
        return broker_of(self.intake, self.http, *scopes)

    def post(self, payload: Any, *, media_type: str = "application/json", **headers: str) -> httpx.Response:
        body = payload if isinstance(payload, str) else json.dumps(payload)
        signed = signature(self.secret, f"POST 127.0.0.1/v9/orders?{body}")
        names = {"x-token": self.token, "x-signature": signed, "content-type": media_type} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.http.post("/v9/orders", content=body, headers=names)

    def get(self, path: str, **query: Any) -> httpx.Response:
        text = urlencode(sorted(query.items()))
        signed = signature(self.secret, f"GET 127.0.0.1{path}?{text}")
        headers = {"x-token": self.token, "x-signature": signed}
        return self.http.get(f"{path}?{text}" if text else path, headers=headers)

    def made(self, *orders: Any, **call: Any) -> list[dict[str, Any]]:
        answer = self.post({"orders": list(orders), **call})
        assert answer.status_code == 201, answer.text
        found: list[dict[str, Any]] = answer.json()["orders"]
        return found

    def call(self, method: str, path: str, **words: Any) -> httpx.Response:
        """Make a canonical call with the same key, and wait for its outcome."""
        headers = {"authorization": f"Bearer {self.key}", "prefer": "wait=30"}
        answer = self.http.request(method, path, headers=headers, json=words or None)
        return answer.raise_for_status()

    def canonical(self, number: int) -> dict[str, Any]:
        """Return the order in canonical words."""
        (found,) = [one for one in self.call("GET", "/v1/orders").json()["items"] if one["number"] == number]
        words: dict[str, Any] = found
        return words


def broker_of(intake: Intake, http: httpx.Client, *scopes: str) -> Broker:
    with intake.engine.begin() as connection:
        made = create_key(connection, "brokerage", scopes, datetime.now(UTC))
    return Broker(intake, http, made.id.hex, made.secret, made.key)


@pytest.fixture(scope="session")
def brokerage(shared_intake: Intake) -> None:
    """Load the brokers' tenant, once for all tests of this process."""
    found = Catalogue.model_validate(recorded("ticket_evolution/catalogue.json"))
    load_catalogue(shared_intake.engine, found, now=datetime.now(UTC))


@pytest.fixture
def broker(intake: Intake, brokerage: None) -> Iterator[Broker]:
    """Return a program of office 101 that may do everything."""
    with httpx.Client(base_url=intake.url, timeout=PATIENCE_SECONDS) as http:
        yield broker_of(intake, http, *ALL)


def sale(*items: Any, **changes: Any) -> dict[str, Any]:
    """Return a boring order of one ticket, or of these items."""
    shipped = [{"items": list(items) or [{"ticket_group_id": 16637811, "price": 45.5, "quantity": 1}]}]
    return {"seller_id": 101, "client_id": 17, "shipped_items": shipped} | changes
