"""A client of ACME Ticketing, pointed at Willcall: what the tests call it with."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.contract.messages import recorded
from vendors.acme.response_models import AnsweredOrder

PATH = "/v1/b2c/orders"
EVENT = "2000000116588"
STANDING = "3000000012232"
STALLS = "3000000012233"


def read(answer: httpx.Response) -> Any:
    """Return the JSON of an answer; numbers with a fraction are `Decimal`."""
    return json.loads(answer.text, parse_float=Decimal)


def order_of(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Return the order of an answer, which has every documented field and no other."""
    assert answer.status_code == status, answer.text
    words: dict[str, Any] = read(answer)
    AnsweredOrder.model_validate(words)
    return words


@dataclass(frozen=True)
class Acme:
    """A program that was written for ACME: only its base URL and its credentials are ours."""

    http: httpx.Client
    key: str
    tenant: str = "t-1"

    def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> httpx.Response:
        sent = {"x-acme-api-key": self.key, "x-b2c-tenant-id": self.tenant, **headers}
        sent = {name.replace("_", "-"): value for name, value in sent.items()}
        if body is None:
            return self.http.request(method, PATH + path, headers=sent)
        sent["content-type"] = "application/json"
        return self.http.request(method, PATH + path, headers=sent, content=_written(body))

    def create(self, body: Any, **headers: str) -> str:
        """Return the id of the order."""
        answer = self.call("POST", "", body, **headers)
        assert answer.status_code == 201, answer.text
        id_: str = answer.json()
        return id_

    def get(self, id_: str) -> dict[str, Any]:
        return order_of(self.call("GET", f"/{id_}"))

    def put(self, id_: str, body: Any) -> dict[str, Any]:
        return order_of(self.call("PUT", f"/{id_}", body))

    def delete(self, id_: str) -> dict[str, Any]:
        return order_of(self.call("DELETE", f"/{id_}"))

    def canonical(self, id_: str) -> dict[str, Any]:
        """Return the order in our own words."""
        found = self.http.get(f"/v1/orders/{id_}", headers={"authorization": f"Bearer {self.key}"})
        words: dict[str, Any] = found.raise_for_status().json()
        return words

    def check_in(self, ticket_id: str) -> None:
        """Let the ticket in at the gate."""
        headers = {"authorization": f"Bearer {self.key}", "prefer": "wait=30"}
        found = self.http.post("/v1/check-ins", json={"ticket_id": ticket_id}, headers=headers)
        assert found.status_code == 200, found.text

    def canonical_call(self, path: str, body: Any, method: str = "POST") -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.key}", "prefer": "wait=30"}
        found = self.http.request(method, f"/v1/orders{path}", json=body, headers=headers)
        assert found.status_code in (200, 201), found.text
        words: dict[str, Any] = found.json()
        return words


def _written(body: Any) -> str:
    """Return JSON in which an amount is the number that it is."""
    if isinstance(body, Decimal):
        return format(body, "f")
    if isinstance(body, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(value)}" for name, value in body.items()) + "}"
    if isinstance(body, list):
        return "[" + ",".join(_written(item) for item in body) + "]"
    return json.dumps(body)


def sample(**changes: Any) -> dict[str, Any]:
    """Return the recorded order, which says everything that a client can say."""
    words: dict[str, Any] = recorded("acme/create_order.json")
    return {**words, **changes}


def simple(**changes: Any) -> dict[str, Any]:
    """Return an order that says no more than it must."""
    return {"email": "sam@example.com", "orderItems": [item()], **changes}


def item(**changes: Any) -> dict[str, Any]:
    return {"ticketingTypeId": STANDING, "quantity": 2, **changes}
