"""The life of orders through real brokers: in order, and duplicated and shuffled, with the same end."""

import random
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from sqlalchemy import Engine

from db.ids import new_id
from orders.reading.order_reading import OrderFilter, find_tenant, list_orders
from orders.upkeep.reconciliation import reconcile
from tests.brokers import Broker
from tests.factories import (
    NOW,
    load,
    make_body,
    make_event,
    make_seated_class,
    make_ticket_class,
    rows,
    scalar,
)
from tests.processes import wait_until
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, TAKE, UPDATE
from willcall.messages import Message, task_message
from willcall.queues import ORDERS

_ORDERS = 36
_PROMPTLY = {"WILLCALL_SWEEP_SECONDS": "0.5", "WILLCALL_UNKNOWN_ORDER_SECONDS": "3600"}

Step = tuple[str, dict[str, Any]]


def _message(steps: Sequence[Step], tenant: str) -> Message:
    """Return a message of steps of one kind; their ids say when they were accepted."""
    bodies = [{"tenant": tenant, "request_id": str(new_id()), **body} for _, body in steps]
    content = orjson.dumps({"requests": bodies})
    return task_message(steps[0][0], content, queue=ORDERS, summary="…", requests=len(bodies))


def _holds(tenant: str) -> list[Step]:
    return [
        (
            TAKE,
            {
                "request_id": str(_hold_id(tenant, number)),
                "idempotency_key": f"hold-{number}",
                "ticket_class_id": "standing",
                "quantity": 2,
                "unit_price": "40.00",
            },
        )
        for number in range(0, _ORDERS, 3)
    ]


def _hold_id(tenant: str, number: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"hold {number} of {tenant}")


def _lives(tenant: str) -> list[Step]:
    return [step for number in range(_ORDERS) for step in _life(tenant, number)]


def _life(tenant: str, number: int) -> list[Step]:
    """Return the steps of one order, in order. Every fourth order is changed without naming versions."""
    key = f"order-{number}"
    standing: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 2}
    if number % 3 == 0:
        standing = {"hold_id": str(_hold_id(tenant, number))}
    body = make_body(
        idempotency_key=key,
        line_items=[standing, {"ticket_class_id": "stalls", "quantity": 2}],
        shipping="5.00",
        discount="3.00",
        reference=f"PO-{number}",
    )
    if number % 2:
        body["tax"] = "7.77"
    if number % 4 == 3:
        return [(CREATE, body), *_unguarded_changes(key)]
    changes: list[Step] = [
        (UPDATE, {"patch": {"shipping": "1.50", "buyer": {"phone": "+44 1"}}}),
        (PAY, {"type": "check", "status": "pending", "amount": "60.00"}),
        (UPDATE, {"patch": {"line_items": [_standing(3), {"ticket_class_id": "stalls", "quantity": 1}]}}),
        (PAY, {"type": "check", "payment_number": 1}),
        (CANCEL, {"lines": [{"line_number": 1, "quantity": 1}], "reason": "one is ill"}),
        (CANCEL, {}) if number % 6 == 0 else (PAY, {"type": "cash"}),
    ]
    return [
        (CREATE, body),
        *(
            (
                kind,
                {
                    "idempotency_key": f"{key}-{version}",
                    "order_key": key,
                    "expected_version": version,
                    **words,
                },
            )
            for version, (kind, words) in enumerate(changes, 1)
        ),
    ]


def _standing(quantity: int) -> dict[str, Any]:
    attendees = [{"first_name": "Ada"}, {"first_name": "Bob"}]
    return {"ticket_class_id": "standing", "quantity": quantity, "attendees": attendees}


def _unguarded_changes(key: str) -> list[Step]:
    """Return updates of which the last accepted one wins, whatever comes when."""
    patches: list[dict[str, Any]] = [
        {"reference": "first", "shipping": "1.00", "buyer": {"company": "First"}},
        {"reference": "second", "buyer": {"company": None, "phone": "2"}},
        {"shipping": "3.00", "internal_notes": ["third"]},
    ]
    return [
        (
            UPDATE,
            {
                "request_id": str(new_id()),
                "idempotency_key": f"{key}-{number}",
                "order_key": key,
                "patch": patch,
            },
        )
        for number, patch in enumerate(patches)
    ]


def _check_ins(orders: Iterable[dict[str, Any]]) -> list[Step]:
    """Return a scan of the first ticket of each order that has one."""
    return [
        (CHECK_IN, {"idempotency_key": "scan " + ticket["code"][-40:], "code": ticket["code"], "nonce": "1"})
        for order in orders
        for ticket in [one for one in order["tickets"] if one["status"] == "valid"][:1]
    ]


def _wait_for(engine: Engine, tenant: str, steps: Sequence[Step]) -> None:
    query = """SELECT count(*) FROM requests r JOIN tenants t ON t.id = tenant_id
        WHERE t.name = :tenant AND idempotency_key = ANY(:keys)"""
    keys = [body["idempotency_key"] for _, body in steps]
    wait_until(
        lambda: scalar(engine, query, tenant=tenant, keys=keys) == len(keys),
        what=f"{len(keys)} outcomes",
    )


def _orders(engine: Engine, tenant: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        tenant_id = find_tenant(connection, tenant)
        page, _ = list_orders(connection, OrderFilter(tenant_id=tenant_id), limit=_ORDERS + 1)
    return sorted(page, key=lambda order: str(order["idempotency_key"]))


def _state(order: dict[str, Any]) -> dict[str, Any]:
    """Return what two orders that lived the same life have in common; seats depend on who came first."""
    words = {
        name: order[name]
        for name in (
            "idempotency_key",
            "status",
            "payment_status",
            "version",
            "totals",
            "line_items",
            "buyer",
            "reference",
            "notes",
            "check_in",
        )
    }
    words["reason"] = order["cancellation"] and order["cancellation"]["reason"]
    words["payments"] = [{**payment, "created_at": None} for payment in order["payments"]]
    words["tickets"] = sorted(
        (ticket["ticket_class_id"], ticket["status"], str(ticket["attendee"])) for ticket in order["tickets"]
    )
    return words


def test_a_life_ends_the_same_in_order_and_duplicated_and_shuffled(broker: Broker, engine: Engine) -> None:
    for tenant in ("demo", "other"):
        classes = [make_ticket_class(), make_seated_class(seats="1-200")]
        load(engine, make_event(ticket_classes=classes), tenant=tenant)

    # In order, as one producer sends it. Nobody waits for a hold: it is there before it is used.
    broker.worker(name="one", queues="orders,maintenance", WILLCALL_BATCH_SIZE="20", **_PROMPTLY)
    publisher = broker.publisher()
    for steps in (_holds("demo"), _lives("demo")):
        publisher.publish([_message([step], "demo") for step in steps])
        _wait_for(engine, "demo", steps)
    in_order = _orders(engine, "demo")
    scans = _check_ins(in_order)
    publisher.publish([_message([step], "demo") for step in scans])
    _wait_for(engine, "demo", scans)
    in_order = _orders(engine, "demo")

    # Twice, shuffled, to two workers; what comes too early waits as a row, which the schedule sweeps.
    broker.worker(name="two", queues="orders,maintenance", WILLCALL_BATCH_SIZE="20", **_PROMPTLY)
    broker.beat("beat", **_PROMPTLY)
    shuffle = random.Random(7).shuffle
    for make in (_holds, _lives, lambda tenant: _check_ins(_orders(engine, tenant))):
        steps = make("other")
        shuffled = list(steps)
        shuffle(shuffled)
        messages = [_message([step], "other") for step in shuffled] * 2
        shuffle(messages)
        publisher.publish(messages)
        _wait_for(engine, "other", steps)
    wait_until(lambda: broker.depth() == 0, what="an empty queue")
    waiting = "SELECT count(*) FROM delayed_requests"
    wait_until(lambda: scalar(engine, waiting) == 0, what="nothing that waits")

    assert len(in_order) == _ORDERS
    assert [_state(order) for order in _orders(engine, "other")] == [_state(order) for order in in_order]
    assert rows(engine, "SELECT DISTINCT status FROM requests") == [("processed",)]
    assert {order["status"] for order in in_order} == {"placed", "cancelled"}
    assert rows(engine, "SELECT DISTINCT status FROM holds") == [("used",)]
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
    with engine.begin() as connection:
        assert reconcile(connection, now=NOW) == []
