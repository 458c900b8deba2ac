"""A key opens what its scopes say, on every route and in every dialect, and shows orders only to readers."""

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
from intake.auth.scopes import OUTCOMES, SCOPES, Scope
from schemas.catalogue import Catalogue
from tests.contract.eventbookings.client import SCOPES as TOKEN_SCOPES
from tests.factories import make_body
from tests.intakes import Intake, Worker
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


def test_every_route_says_which_scope_it_needs(intake: Intake) -> None:
    paths = intake.server.app.openapi()["paths"]
    assert {(method.upper(), path) for path, calls in paths.items() for method in calls} == set(NEEDS)


def _filled(path: str) -> str:
    for name in ("order_id", "hold_id", "request_id", "ticket_id", "id", "order_uuid"):
        path = path.replace(f"{{{name}}}", ORDER)
    return path.replace("{event_id}", "free-event").replace("{eventId}", "x").replace("{event_uuid}", "x")


@pytest.mark.parametrize(("method", "path", "needs"), KEYED)
def test_a_key_with_all_scopes_but_the_needed_one_is_refused(
    key_with: MakeKey, method: str, path: str, needs: Needs
) -> None:
    others = [scope for scope in SCOPES if scope not in needs.scopes and scope != "admin"]
    answer = key_with(*others).call(needs.dialect, method, needs.path or _filled(path), prefer="wait=0")

    # Of EventBookings' tokens none is given to a key that may not read orders.
    assert answer.status_code == (401 if needs.dialect == "eventbookings" else 403), answer.text


@pytest.mark.parametrize(
    ("method", "path", "needs", "scope"),
    [(*keyed, scope) for keyed in KEYED for scope in (*keyed[2].scopes, "admin")],
)
def test_a_key_with_only_the_needed_scope_is_served(
    key_with: MakeKey, method: str, path: str, needs: Needs, scope: Scope
) -> None:
    answer = key_with(scope).call(needs.dialect, method, needs.path or _filled(path), prefer="wait=0")

    assert answer.status_code in (200, 202, 400, 404, 422), answer.text


READS = [(path, needs) for method, path, needs in KEYED if method == "GET"]


@pytest.mark.parametrize(("path", "needs"), READS)
def test_a_head_is_answered_as_its_get_in_every_dialect(key_with: MakeKey, path: str, needs: Needs) -> None:
    key = key_with("admin")
    got, headed = (key.call(needs.dialect, method, needs.path or _filled(path)) for method in ("GET", "HEAD"))

    assert headed.status_code == got.status_code, headed.headers
    assert headed.headers["content-type"] == got.headers["content-type"]
    assert headed.headers["content-length"] == str(len(got.content))
    assert headed.content == b""


BUYER = {"first_name": "Wilhelmina", "last_name": "Harker", "email": "mina@example.com"}
SECRETS = ("wilhelmina", "mina@example.com", "harker")


def _create(dialect: str) -> tuple[str, str, Any]:
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


@pytest.mark.parametrize("dialect", ["canonical", "zoho", "acme", "ticket_evolution"])
def test_who_may_not_read_orders_creates_them_and_gets_outcomes(
    key_with: MakeKey, worker: Worker, dialect: str
) -> None:
    method, path, body = _create(dialect)
    blind, reader = key_with("orders.create"), key_with("orders.create", "orders.read")

    seen = reader.call(dialect, method, path, body, prefer="wait=30")
    outcome = blind.call(dialect, method, path, _create(dialect)[2], prefer="wait=30")

    assert (outcome.status_code, seen.status_code) == (201, 201), outcome.text + seen.text
    _holds_no_order(outcome)
    if dialect == "ticket_evolution":
        assert [set(one) for one in outcome.json()] == [{"request_id", "status", "order_id", "errors"}] * 2
    elif dialect != "acme":  # whose answer is the id alone
        assert outcome.json()["status"] == "processed"


@dataclass
class Placed:
    """An order of a named buyer, and a ticket of it."""

    id: str
    ticket_id: str
    code: str


@pytest.fixture
def placed(key_with: MakeKey, worker: Worker) -> Placed:
    made = key_with("orders.create", "orders.read").call("canonical", *_create("canonical"), prefer="wait=30")
    assert made.status_code == 201, made.text
    ticket = made.json()["tickets"][0]
    return Placed(made.json()["id"], ticket["id"], ticket["code"])


BLIND: list[tuple[Scope, str, str, str, Any]] = [
    ("orders.update", "canonical", "PATCH", "/v1/orders/{id}", {}),
    ("orders.update", "canonical", "PATCH", "/v1/orders/{id}", {"reference": "PO-1"}),
    ("orders.update", "canonical", "POST", "/v1/orders/{id}/cancel", {"lines": [{"line_number": 1}]}),
    ("payments.record", "canonical", "POST", "/v1/orders/{id}/payments", {"type": "cash", "amount": "1.00"}),
    ("tickets.check_in", "canonical", "POST", "/v1/check-ins", {"ticket_id": "{ticket}"}),
    ("orders.update", "acme", "PUT", "/v1/b2c/orders/{id}", None),
    ("orders.update", "acme", "DELETE", "/v1/b2c/orders/{id}", None),
]


@pytest.mark.parametrize(("scope", "dialect", "method", "path", "body"), BLIND)
def test_who_may_not_read_orders_changes_them_and_gets_outcomes(
    key_with: MakeKey, placed: Placed, scope: Scope, dialect: str, method: str, path: str, body: Any
) -> None:
    if method == "PUT":
        body = _create("acme")[2]
    elif body:
        body = json.loads(json.dumps(body).replace("{ticket}", placed.ticket_id))
    blind = key_with(scope)
    answer = blind.call(dialect, method, path.replace("{id}", placed.id), body, prefer="wait=30")

    assert answer.status_code in (200, 201), answer.text
    _holds_no_order(answer)
    assert placed.code not in answer.text


def _holds_no_order(answer: httpx.Response) -> None:
    assert not [name for name in SECRETS if name in answer.text.lower()], answer.text
    assert "subtotal" not in answer.text


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ("canonical", {"discount": "45.50"}),
        ("canonical", {"tax": "0"}),
        ("canonical", {"line_items": [{"ticket_class_id": STANDING, "quantity": 1, "unit_price": "0"}]}),
        ("acme", {"orderItems": [{"discountedUnitPrice": 0}]}),
        ("acme", {"orderItems": [{"unitPrice": 0}]}),
        ("ticket_evolution", {"price": 0}),
        ("ticket_evolution", {"price": 45.49}),
        ("ticket_evolution", {"discount": 45.5}),
        ("ticket_evolution", {"tax": 0}),
    ],
)
def test_nobody_sells_below_the_catalogue_in_any_dialect(
    key_with: MakeKey, worker: Worker, dialect: str, words: dict[str, Any]
) -> None:
    statuses = {}
    for scopes in (("orders.create",), ("orders.create", "orders.set_price")):
        method, path, body = _create(dialect)
        answer = key_with(*scopes).call(
            dialect, method, path, _merged(dialect, body, words), prefer="wait=30"
        )
        statuses[scopes] = answer.status_code, "price_mismatch" in answer.text

    assert list(statuses.values()) == [(422, dialect != "ticket_evolution"), (201, False)], statuses


def _merged(dialect: str, body: dict[str, Any], words: dict[str, Any]) -> dict[str, Any]:
    if dialect == "acme":
        (item,), (change,) = body["orderItems"], words["orderItems"]
        return {**body, "orderItems": [item | change]}
    if dialect == "ticket_evolution":
        note = body["orders"][0]
        (item,) = note["shipped_items"][0]["items"]
        price = {name: value for name, value in words.items() if name == "price"}
        charges = {name: value for name, value in words.items() if name != "price"}
        return {"orders": [{**note, "shipped_items": [{"items": [item | price]}], **charges}]}
    return body | words
