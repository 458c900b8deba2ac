"""An `Idempotency-Key` in the dialects: repeats are marked, and another body is refused at once."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.scoped_calls import Key, MakeKey, create, key_with
from tests.intakes import Intake, Worker

__all__ = ["key_with"]

WAIT = "wait=30"


def _other(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of another order than this one."""
    if "orders" in body:
        return {"orders": [{**body["orders"][0], "internal_notes": "another"}]}
    if "tickets" in body:
        return {**body, "tickets": body["tickets"] * 2}
    return {**body, "orderItems": body["orderItems"] * 2}


def _call(dialect: str) -> tuple[str, str, dict[str, Any]]:
    method, path, body = create(dialect)
    return method, path, {"orders": body["orders"][:1]} if "orders" in body else body


@pytest.fixture
def key(key_with: MakeKey) -> Key:
    return key_with("admin")


@pytest.mark.parametrize("dialect", ["zoho", "acme", "ticket_evolution"])
def test_a_dialect_marks_repeats_and_refuses_another_body_at_once(
    key: Key, intake: Intake, worker: Worker, dialect: str
) -> None:
    name = str(uuid4())
    method, path, body = _call(dialect)
    first, again = (key.call(dialect, method, path, body, prefer=WAIT, idempotency_key=name) for _ in "12")
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.json() == again.json()
    assert [one.headers.get("idempotency-replayed") for one in (first, again)] == [None, "true"]

    waited = key.call(dialect, method, path, _other(body), prefer=WAIT, idempotency_key=name)
    worker.stop()
    at_once = key.call(dialect, method, path, _other(body), prefer="wait=0", idempotency_key=name)

    assert (waited.status_code, at_once.status_code) == (409, 409), waited.text + at_once.text
    assert waited.json() == at_once.json()
    assert "idempotency-replayed" not in at_once.headers
    assert intake.take_requests() == []


def test_several_orders_of_one_call_are_marked_together(key: Key, worker: Worker) -> None:
    sent = {"prefer": WAIT, "idempotency_key": str(uuid4())}
    first, again = (key.call("ticket_evolution", *create("ticket_evolution"), **sent) for _ in "12")

    assert len(first.json()["orders"]) == 2
    assert first.json() == again.json()
    assert [one.headers.get("idempotency-replayed") for one in (first, again)] == [None, "true"]


def test_acmes_own_name_of_a_call_is_refused_and_not_replayed(key: Key, worker: Worker) -> None:
    sent = {"prefer": WAIT, "x_acme_request_uuid": str(uuid4())}
    first, again = (key.call("acme", *create("acme"), **sent) for _ in "12")

    assert (first.status_code, again.status_code) == (201, 409)
    assert "idempotency-replayed" not in again.headers
