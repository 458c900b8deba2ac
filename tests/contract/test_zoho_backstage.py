"""A client of Zoho Backstage, pointed at Willcall."""

from typing import Any

import httpx
import orjson

from tests.contract.messages import recorded

_PATH = "/backstage/v3/portals/19593237/events/2000000116588/orders"


def _create(caller: httpx.Client, key: str, payload: Any, path: str = _PATH) -> httpx.Response:
    headers = {"authorization": f"Zoho-oauthtoken {key}", "content-type": "application/json"}
    return caller.post(path, content=orjson.dumps(payload), headers=headers)


def test_the_sample_is_answered_with_the_order(caller: httpx.Client, key: str, worker: object) -> None:
    answer = _create(caller, key, recorded("zoho_backstage/create_order.json"))
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert order["order_by"] == "sam@zoho.com"
    assert [ticket["contact"]["first_name"] for ticket in order["tickets"]] == ["sam", "peter"]
    assert order["payment_status_string"] == "paid"
