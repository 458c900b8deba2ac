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
    line = {"ticket_class_id": "standing", "quantity": 1}
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}

    def order(signature: str) -> httpx.Response:
        body = {"buyer": buyer, "line_items": [line | {"ticket_group_signature": signature}]}
        return client.post("/v1/orders", json=body, headers={"prefer": "wait=30"})

    # It stays good after a sale: enough is left, at the same price.
    assert [order(standing["signature"]).status_code for _ in range(2)] == [201, 201]
    forged = order(standing["signature"] + "x")
    assert forged.status_code == 422
    assert forged.json()["errors"][0]["field"] == "line_items.0.ticket_group_signature"


def test_an_unknown_event_is_not_found(client: httpx.Client) -> None:
    assert client.get("/v1/events/none/ticket-classes").status_code == 404
