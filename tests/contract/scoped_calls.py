"""Every route, which scope it needs, and how each dialect calls it with a key."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import pytest

from intake.auth.keys import create_key
from intake.auth.scopes import OUTCOMES, Scope
from schemas.catalogue import Catalogue
from tests.contract.eventbookings.client import SCOPES as TOKEN_SCOPES
from tests.factories import make_body
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS

ORDER = "018f3f6e-0000-7000-8000-000000000000"
ZOHO = "/backstage/v3/portals/19593237/events/2000000116588/orders"
STANDING = "3000000012232"


@dataclass(frozen=True)
class Needs:
    """What a route needs: one of the scopes; `names` fill in its path, and `dialect` says how to call it."""

    scopes: tuple[Scope, ...]
    dialect: str = "canonical"
    path: str | None = None


NEEDS: Mapping[tuple[str, str], Needs | None] = {
    ("POST", "/v1/orders"): Needs(("orders.create",)),
    ("GET", "/v1/orders"): Needs(("orders.read",)),
    ("GET", "/v1/orders/{order_id}"): Needs(("orders.read",)),
    ("GET", "/v1/orders/{order_id}/history"): Needs(("orders.read",)),
    ("GET", "/v1/orders/{order_id}/documents"): Needs(("orders.read",)),
    ("PATCH", "/v1/orders/{order_id}"): Needs(("orders.update",)),
    ("POST", "/v1/orders/{order_id}/cancel"): Needs(("orders.update",)),
    ("POST", "/v1/orders/{order_id}/payments"): Needs(("payments.record",)),
    ("POST", "/v1/check-ins"): Needs(("tickets.check_in",)),
    ("POST", "/v1/holds"): Needs(("holds",)),
    ("POST", "/v1/holds/{hold_id}/extend"): Needs(("holds",)),
    ("POST", "/v1/holds/{hold_id}/release"): Needs(("holds",)),
    ("GET", "/v1/holds"): Needs(("holds", "orders.read")),
    ("GET", "/v1/holds/{hold_id}"): Needs(("holds", "orders.read")),
    ("GET", "/v1/events/{event_id}/ticket-classes"): Needs(("catalogue.read",)),
    ("GET", "/v1/requests/{request_id}"): Needs(OUTCOMES),
    ("POST", "/backstage/v3/portals/{portal_id}/events/{event_id}/orders"): Needs(
        ("orders.create",), "zoho", ZOHO
    ),
    ("GET", "/backstage/v3/portals/{portal_id}/events/{event_id}/orders/{order_id}"): Needs(
        ("orders.read",), "zoho", f"{ZOHO}/1"
    ),
    ("POST", "/v1/b2c/orders"): Needs(("orders.create",), "acme"),
    ("GET", "/v1/b2c/orders"): Needs(("orders.read",), "acme"),
    ("GET", "/v1/b2c/orders/event/{eventId}"): Needs(("orders.read",), "acme"),
    ("GET", "/v1/b2c/orders/{id}"): Needs(("orders.read",), "acme"),
    ("PUT", "/v1/b2c/orders/{id}"): Needs(("orders.update",), "acme"),
    ("DELETE", "/v1/b2c/orders/{id}"): Needs(("orders.update",), "acme"),
    ("POST", "/v9/orders"): Needs(("orders.create",), "ticket_evolution"),
    ("GET", "/v9/orders"): Needs(("orders.read",), "ticket_evolution"),
    ("GET", "/v9/orders/{order_id}"): Needs(("orders.read",), "ticket_evolution"),
    ("GET", "/orders/{order_uuid}"): Needs(("orders.read",), "eventbookings"),
    ("GET", "/events/{event_uuid}/orders"): Needs(("orders.read",), "eventbookings"),
    # Without a key: who has a link, asks for a token, or looks whether the intake is well.
    ("GET", "/documents/orders/{order_id}.pdf"): None,
    ("GET", "/documents/tickets/{ticket_id}.png"): None,
    ("GET", "/documents/tickets/{ticket_id}.svg"): None,
    ("GET", "/documents/passes/{ticket_id}"): None,
    ("POST", "/connect/token"): None,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): None,
}

KEYED = [(method, path, needs) for (method, path), needs in NEEDS.items() if needs is not None]


@dataclass
class Key:
    """A key of the samples' tenant, and how each dialect is called with it."""

    http: httpx.Client
    key: str
    id: str
    secret: str

    def call(self, dialect: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        is_bare = method in ("GET", "HEAD", "DELETE")
        content = b"" if is_bare else json.dumps({} if body is None else body).encode()
        sent = self._credentials(dialect, method, path, content) | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if content:
            sent["content-type"] = "application/json"
        return self.http.request(method, path, headers=sent, content=content)

    def _credentials(self, dialect: str, method: str, path: str, content: bytes) -> dict[str, str]:
        if dialect == "zoho":
            return {"authorization": f"Zoho-oauthtoken {self.key}"}
        if dialect == "acme":
            return {"x-acme-api-key": self.key, "x-b2c-tenant-id": "t-1"}
        if dialect == "ticket_evolution":
            text = f"{method} 127.0.0.1{path}?".encode() + content
            signed = b64encode(hmac.digest(self.secret.encode(), text, sha256)).decode()
            return {"x-token": self.id.replace("-", ""), "x-signature": signed}
        if dialect == "eventbookings":
            return {"authorization": f"Bearer {self._token()}"}
        return {"authorization": f"Bearer {self.key}"}

    def _token(self) -> str:
        grant = {"grant_type": "client_credentials", "scope": TOKEN_SCOPES}
        words = grant | {"client_id": self.id, "client_secret": self.key}
        answer = self.http.post("/connect/token", data=words)
        return answer.json()["access_token"] if answer.status_code == 200 else "none"


MakeKey = Callable[..., Key]


@pytest.fixture
def key_with(intake: Intake, catalogue: Catalogue) -> Iterator[MakeKey]:
    """Return a factory of keys with these scopes and no others."""
    with httpx.Client(base_url=intake.url, timeout=PATIENCE_SECONDS) as http:

        def make(*scopes: str) -> Key:
            with intake.engine.begin() as connection:
                made = create_key(connection, "box-office", scopes, datetime.now(UTC))
            return Key(http, made.key, str(made.id), made.secret)

        yield make


def filled(path: str) -> str:
    """Return the path with a value for each of its names."""
    for name in ("order_id", "hold_id", "request_id", "ticket_id", "id", "order_uuid"):
        path = path.replace(f"{{{name}}}", ORDER)
    return path.replace("{event_id}", "free-event").replace("{eventId}", "x").replace("{event_uuid}", "x")


BUYER = {"first_name": "Wilhelmina", "last_name": "Harker", "email": "mina@example.com"}


def create(dialect: str) -> tuple[str, str, Any]:
    """Return the call that creates an order in a dialect."""
    if dialect == "zoho":
        buyer = {"purchaser_first_name": "Wilhelmina", "purchaser_email": BUYER["email"]}
        tickets = [{"ticketclass_id": STANDING, "data": {"first_name": "Wilhelmina"}}]
        return "POST", ZOHO, {"buyer_details": buyer, "tickets": tickets}
    if dialect == "acme":
        names = {"email": BUYER["email"], "contactFirstName": "Wilhelmina", "contactLastName": "Harker"}
        items = [{"eventId": "2000000116588", "ticketingTypeId": STANDING, "quantity": 1}]
        return "POST", "/v1/b2c/orders", {**names, "orderItems": items}
    if dialect == "ticket_evolution":
        items = [{"items": [{"ticket_group_id": int(STANDING), "quantity": 1, "price": 45.5}]}]
        note = {
            "seller_id": 1,
            "client_id": 17,
            "shipped_items": items,
            "tax": 8.65,
            "internal_notes": "for Harker",
        }
        return "POST", "/v9/orders", {"orders": [note, note]}
    return "POST", "/v1/orders", make_body(STANDING, buyer=BUYER)
