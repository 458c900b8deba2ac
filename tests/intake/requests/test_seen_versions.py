"""An update is accepted with the version that its order has, where that can be read."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from tests.intakes import Intake

Order = Callable[..., dict[str, Any]]
WAIT = {"prefer": "wait=20"}


@pytest.fixture
def placed(client: httpx.Client, worker: Any, order: Order) -> str:
    """Return the path of an order that was placed just now; nobody takes from the queue any more."""
    path: str = client.post("/v1/orders", json=order(), headers=WAIT).headers["location"]
    client.patch(path, json={"reference": "a"}, headers=WAIT).raise_for_status()
    worker.stop()
    return path


def _sent(intake: Intake, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    (request,) = intake.take_requests()
    return request


@pytest.mark.parametrize("headers", [{}, {"if-match": "*"}])
def test_an_update_says_which_version_came_before_it(
    client: httpx.Client, intake: Intake, placed: str, headers: dict[str, str]
) -> None:
    sent = _sent(intake, client.patch(placed, json={"reference": "b"}, headers=headers))

    assert sent["seen_version"] == 2
    assert "seen_version" not in sent["patch"]


@pytest.mark.parametrize(
    ("tags", "field", "versions"),
    [
        ('"1"', "expected_version", 1),
        ('"1", "1"', "expected_version", 1),
        ('"7", "1", "7"', "expected_versions", [1, 7]),
    ],
)
def test_an_update_of_named_versions_says_no_other(
    client: httpx.Client, intake: Intake, placed: str, tags: str, field: str, versions: Any
) -> None:
    sent = _sent(intake, client.patch(placed, json={}, headers={"if-match": tags}))

    assert {name: value for name, value in sent.items() if "version" in name} == {field: versions}


@pytest.mark.parametrize(("more", "body"), [("/cancel", {}), ("/payments", {"type": "cash"})])
def test_what_does_not_depend_on_its_place_says_no_version(
    client: httpx.Client, intake: Intake, placed: str, more: str, body: dict[str, Any]
) -> None:
    assert "seen_version" not in _sent(intake, client.post(placed + more, json=body))


def test_of_an_order_of_nobody_or_somebody_else_no_version_is_said(intake: Intake, placed: str) -> None:
    with intake.client(tenant="other") as other:
        theirs = _sent(intake, other.patch(placed, json={}))
        nobodys = _sent(intake, other.patch(f"/v1/orders/{uuid4()}", json={}))

    assert "seen_version" not in theirs
    assert "seen_version" not in nobodys


def test_a_slow_database_does_not_stop_acceptance(client: httpx.Client, intake: Intake, placed: str) -> None:
    with intake.engine.begin() as connection:
        connection.execute(text("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"))
        started = time.monotonic()
        first = _sent(intake, client.patch(placed, json={}))
        waited = time.monotonic() - started
        second = _sent(intake, client.patch(placed, json={}))
        waited_again = time.monotonic() - started - waited

    assert "seen_version" not in first
    assert "seen_version" not in second
    assert 0.4 < waited < 2
    assert waited_again < 0.4
    time.sleep(1.1)  # so long nobody asks again
    assert _sent(intake, client.patch(placed, json={}))["seen_version"] == 2
