"""Thousands of requests that wait, of one tenant, beside one of another."""

import orjson
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, rows, scalar
from tests.processes import wait_until
from willcall.messages import Message, task_message
from willcall.queues import ORDERS


def _message(kind: str, tenant: str, *bodies: dict[str, object]) -> Message:
    content = orjson.dumps({"requests": [{"tenant": tenant, **body} for body in bodies]})
    return task_message(kind, content, queue=ORDERS, summary="…", requests=len(bodies))


def _early(key: str) -> dict[str, object]:
    return {"order_key": key, "patch": {"reference": "changed"}}


def test_an_update_before_its_order_is_woken_by_it_and_not_by_the_schedule(
    broker: Broker, engine: Engine
) -> None:
    """No beat runs here: who is not woken waits for ever."""
    for tenant in ("crowd", "demo"):
        load(engine, make_event(ticket_classes=[make_ticket_class(capacity=10_000)]), tenant=tenant)
    worker = broker.worker("orders,maintenance")
    publisher = broker.publisher()
    crowd = [_early(f"crowd-{index}") for index in range(2_000)]
    publisher.publish([_message("orders.update", "crowd", *crowd[i : i + 100]) for i in range(0, 2_000, 100)])
    publisher.publish([_message("orders.update", "demo", _early("mine"))])
    waiting = "SELECT count(*) FROM delayed_requests"
    wait_until(lambda: scalar(engine, waiting) == 2_001, what="all updates wait")

    publisher.publish([_message("orders.create", "demo", make_body(idempotency_key="mine"))])

    wait_until(
        lambda: rows(engine, "SELECT reference FROM orders") == [("changed",)], what="the update of its order"
    )
    assert worker.end() == 0
