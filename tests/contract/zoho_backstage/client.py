"""What a client of Zoho Backstage does: nothing but its base URL and its key are ours."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import orjson

from tests.contract.messages import recorded
from vendors.zoho_backstage.errors import Refusal
from vendors.zoho_backstage.response_models import PlacedOrder

SAMPLE = "zoho_backstage/create_order.json"


def path(portal: str = "19593237", event: str = "2000000116588") -> str:
    return f"/backstage/v3/portals/{portal}/events/{event}/orders"


def create(caller: httpx.Client, key: str, payload: Any, to: str = path(), **headers: str) -> httpx.Response:
    sent = {"authorization": f"Zoho-oauthtoken {key}", "content-type": "application/json", **headers}
    answer = caller.post(to, content=orjson.dumps(payload), headers=sent)
    if answer.status_code == 201:
        PlacedOrder.model_validate_json(answer.content)
    elif answer.status_code >= 400:
        Refusal.model_validate_json(answer.content)
    return answer


def show(caller: httpx.Client, key: str, order: Any, at: str = path()) -> dict[str, Any]:
    answer = caller.get(f"{at}/{order}", headers={"authorization": f"Zoho-oauthtoken {key}"})
    assert answer.status_code == 200, answer.text
    PlacedOrder.model_validate_json(answer.content)
    return words_of(answer)


def words_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON of an answer, its numbers as they are written."""
    words: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
    return words


def placed(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    return words_of(answer)


def details(answer: httpx.Response) -> list[tuple[str, str | None]]:
    return [(mistake["code"], mistake["field"]) for mistake in answer.json()["details"]]


def sample(**changes: Any) -> dict[str, Any]:
    words: dict[str, Any] = recorded(SAMPLE) | changes
    return words


def tickets(*class_ids: str) -> list[dict[str, Any]]:
    """Return tickets of these classes, held by people who are named by their places."""
    return [
        {"ticketclass_id": id_, "data": {"first_name": str(place), "email": f"{place}@example.com"}}
        for place, id_ in enumerate(class_ids)
    ]


def sums(order: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return what all tickets cost together, and the prices of those that are not voided."""
    names = ("discount", "service_fee", "tax", "total")
    found = {name: Decimal(sum(Decimal(ticket[name]) for ticket in order["tickets"])) for name in names}
    live = [ticket for ticket in order["tickets"] if ticket["status_string"] in ("placed", "checked_in")]
    return {"sub_total": Decimal(sum(Decimal(ticket["base_price"]) for ticket in live))} | found


def costs(order: Mapping[str, Any]) -> dict[str, Decimal]:
    return {
        name: Decimal(order["cost"][name])
        for name in ("sub_total", "discount", "service_fee", "tax", "total")
    }
