"""A client of EventBookings, pointed at Willcall, and ways to get orders to read."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.intakes import Intake

SCOPES = "event.list_order order.read"


@dataclass
class Client:
    """Reads orders as EventBookings' document says; places and changes them in our own words."""

    http: httpx.Client
    key: str
    token: str

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query, headers={"authorization": f"Bearer {self.token}"})

    def order(self, order_id: str) -> dict[str, Any]:
        answer = self.get(f"/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        words: dict[str, Any] = answer.json()["result"]["orders"]
        return words

    def list(self, event: str, **query: Any) -> dict[str, Any]:
        answer = self.get(f"/events/{event}/orders", **query)
        assert answer.status_code == 200, answer.text
        words: dict[str, Any] = answer.json()["result"]
        return words

    def send(self, method: str, path: str, body: Any, status: int = 200) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.key}", "prefer": "wait=30"}
        answer = self.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        words: dict[str, Any] = answer.json()
        return words

    def place(self, *lines: tuple[str, int], **fields: Any) -> dict[str, Any]:
        """Place an order; each line is a ticket class and how many."""
        items = [{"ticket_class_id": name, "quantity": quantity} for name, quantity in lines]
        buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
        return self.send("POST", "/v1/orders", {"buyer": buyer, "line_items": items, **fields}, 201)


def credentials(intake: Intake, key: str) -> dict[str, str]:
    """Return what a client sends to get a token."""
    with intake.engine.connect() as connection:
        from intake.auth.keys import find_caller, hash_key

        caller = find_caller(connection, hash_key(key))
    assert caller is not None
    return {"grant_type": "client_credentials", "client_id": str(caller.key_id), "client_secret": key}


def connect(http: httpx.Client, intake: Intake, key: str) -> Client:
    answer = http.post("/connect/token", json=credentials(intake, key))
    assert answer.status_code == 200, answer.text
    return Client(http, key, answer.json()["access_token"])


def total(order: dict[str, Any], name: str) -> Decimal:
    """Return the sum of one of the line items' amounts."""
    return sum((Decimal(item[name]["amount"]) for item in order["line_items"]), Decimal(0))


def attribute(item: dict[str, Any], name: str) -> Any:
    """Return the value of a product's attribute."""
    (value,) = [one["value"] for one in item["product"]["attributes"] if one["name"] == name]
    return value


def tickets(order: dict[str, Any]) -> list[dict[str, Any]]:
    return [attribute(item, "TICKET") for item in order["line_items"]]


def ids(listed: dict[str, Any]) -> list[str]:
    return [order["uuid"] for order in listed["orders"]]


def statuses(order: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in order["extended_status"]}
