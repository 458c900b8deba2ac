"""What can be bought is shown, with a signature that an order can carry."""

import httpx


def test_the_ticket_classes_of_an_event_are_listed_with_what_is_free(client: httpx.Client) -> None:
    answer = client.get("/v1/events/concert/ticket-classes")

    assert answer.status_code == 200, answer.text
    shown = {one["id"]: one for one in answer.json()["items"]}
    assert shown["standing"]["price"] == "45.50"
    assert shown["standing"]["free"] <= shown["standing"]["capacity"]


def test_an_order_carries_the_signature_back(client: httpx.Client, worker: object) -> None:
    (standing,) = [
        one
        for one in client.get("/v1/events/concert/ticket-classes").json()["items"]
        if one["id"] == "standing"
    ]
    line = {"ticket_class_id": "standing", "quantity": 1, "ticket_group_signature": standing["signature"]}
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}

    def order() -> httpx.Response:
        body = {"buyer": buyer, "line_items": [line]}
        return client.post("/v1/orders", json=body, headers={"prefer": "wait=30"})

    assert order().status_code == 201
    stale = order()
    assert stale.status_code == 422
    assert stale.json()["errors"][0]["field"] == "line_items.0.ticket_group_signature"


def test_an_unknown_event_is_not_found(client: httpx.Client) -> None:
    assert client.get("/v1/events/none/ticket-classes").status_code == 404
