"""Shared by the tests that change an order over HTTP."""

from typing import Any

import httpx

WAIT = {"prefer": "wait=30"}
MERGE_PATCH = "application/merge-patch+json"


def path_of(order: dict[str, Any], *more: str) -> str:
    return "/".join([f"/v1/orders/{order['id']}", *more])


def codes(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["code"] for error in answer.json()["errors"]]
