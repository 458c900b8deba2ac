"""A key opens what its scopes say, on every route and in every dialect, and shows orders only to readers."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from intake.auth.scopes import SCOPES, Scope
from tests.contract.scoped_calls import (
    KEYED,
    NEEDS,
    STANDING,
    MakeKey,
    Needs,
    create,
    filled,
    key_with,
)
from tests.intakes import Intake, Worker

__all__ = ["key_with"]


def test_every_route_says_which_scope_it_needs(intake: Intake) -> None:
    paths = intake.server.app.openapi()["paths"]
    assert {(method.upper(), path) for path, calls in paths.items() for method in calls} == set(NEEDS)


@pytest.mark.parametrize(("method", "path", "needs"), KEYED)
def test_a_key_with_all_scopes_but_the_needed_one_is_refused(
    key_with: MakeKey, method: str, path: str, needs: Needs
) -> None:
    others = [scope for scope in SCOPES if scope not in needs.scopes and scope != "admin"]
    answer = key_with(*others).call(needs.dialect, method, needs.path or filled(path), prefer="wait=0")

    # Of EventBookings' tokens none is given to a key that may not read orders.
    assert answer.status_code == (401 if needs.dialect == "eventbookings" else 403), answer.text


@pytest.mark.parametrize(
    ("method", "path", "needs", "scope"),
    [(*keyed, scope) for keyed in KEYED for scope in (*keyed[2].scopes, "admin")],
)
def test_a_key_with_only_the_needed_scope_is_served(
    key_with: MakeKey, method: str, path: str, needs: Needs, scope: Scope
) -> None:
    answer = key_with(scope).call(needs.dialect, method, needs.path or filled(path), prefer="wait=0")

    assert answer.status_code in (200, 202, 400, 404, 422), answer.text


READS = [(path, needs) for method, path, needs in KEYED if method == "GET"]


@pytest.mark.parametrize(("path", "needs"), READS)
def test_a_head_is_answered_as_its_get_in_every_dialect(key_with: MakeKey, path: str, needs: Needs) -> None:
    key = key_with("admin")
    got, headed = (key.call(needs.dialect, method, needs.path or filled(path)) for method in ("GET", "HEAD"))

    assert headed.status_code == got.status_code, headed.headers
    assert headed.headers["content-type"] == got.headers["content-type"]
    assert headed.headers["content-length"] == str(len(got.content))
    assert headed.content == b""


SECRETS = ("wilhelmina", "mina@example.com", "harker")


@pytest.mark.parametrize("dialect", ["canonical", "zoho", "acme", "ticket_evolution"])
def test_who_may_not_read_orders_creates_them_and_gets_outcomes(
    key_with: MakeKey, worker: Worker, dialect: str
) -> None:
    method, path, body = create(dialect)
    blind, reader = key_with("orders.create"), key_with("orders.create", "orders.read")

    seen = reader.call(dialect, method, path, body, prefer="wait=30")
    outcome = blind.call(dialect, method, path, create(dialect)[2], prefer="wait=30")

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
    made = key_with("orders.create", "orders.read").call("canonical", *create("canonical"), prefer="wait=30")
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
        body = create("acme")[2]
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
        method, path, body = create(dialect)
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
