"""A thousand updates of ten orders at once, through two workers: none fails, none is lost."""

import random
import threading
from collections import Counter
from typing import Any

import orjson
from sqlalchemy import Engine

from db.ids import new_id
from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, rows, run, scalar
from tests.factories import make_request as make_create
from tests.processes import wait_until
from willcall.messages import Message, task_message
from willcall.queues import ORDERS

_ORDERS = 10
_PRODUCERS = 4
_ROUNDS = 25  # each producer updates each order once a round


def _message(bodies: list[dict[str, Any]]) -> Message:
    content = orjson.dumps({"requests": bodies})
    return task_message("orders.update", content, queue=ORDERS, summary="…", requests=len(bodies))


def _update(order_id: str, producer: int, round_: int, version: int | None) -> dict[str, Any]:
    """Change quantities, so that inventory moves, and leave a word of one's own in the history."""
    amounts = random.Random(f"{producer} {round_} {order_id}").sample(range(1, 6), 2)
    lines = [
        {"ticket_class_id": name, "quantity": quantity}
        for name, quantity in zip(("standing", "pit"), amounts, strict=True)
    ]
    return {
        "tenant": "demo",
        "request_id": str(new_id()),
        "idempotency_key": f"{producer}-{round_}-{order_id}",
        "order_id": order_id,
        "patch": {"line_items": lines, "reference": f"{producer}-{round_}"},
    } | ({"expected_version": version} if version is not None else {})


def _wait_for(engine: Engine, keys: list[str]) -> None:
    query = "SELECT count(*) FROM requests WHERE idempotency_key = ANY(:keys)"
    wait_until(lambda: scalar(engine, query, keys=keys) == len(keys), what="outcomes")


def test_concurrent_updates_neither_fail_nor_get_lost(broker: Broker, engine: Engine) -> None:
    """Half of the orders are changed with the version that the producer has seen, half without."""
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_ticket_class("pit", price="10.00")]))
    items = [{"ticket_class_id": name, "quantity": 1} for name in ("standing", "pit")]
    created = run(engine, *(make_create(make_body(line_items=items)) for _ in range(_ORDERS)))
    ids = [str(outcome.order_id) for outcome in created]
    guarded = set(ids[::2])
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = scalar(engine, deadlocks)
    workers = [
        broker.worker("orders,maintenance", name=name, WILLCALL_BATCH_SIZE="20") for name in ("one", "two")
    ]
    failures: list[BaseException] = []

    def produce(producer: int) -> None:
        try:
            _produce(producer)
        except BaseException as error:
            failures.append(error)
            raise

    def _produce(producer: int) -> None:
        publisher = broker.publisher()
        for round_ in range(_ROUNDS):
            versions = dict(rows(engine, "SELECT id::text, version FROM orders"))
            updates = [
                _update(id, producer, round_, versions[id] if id in guarded else None)
                for id in random.Random(f"{producer} {round_}").sample(ids, len(ids))
            ]
            publisher.publish([_message(updates[:3]), _message(updates[3:])])
            sent = [update["idempotency_key"] for update in updates]
            # Whoever names a version looks first what became of the last one.
            _wait_for(engine, sent)

    threads = [threading.Thread(target=produce, args=(number,)) for number in range(_PRODUCERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    wait_until(lambda: broker.depth() == 0, what="an empty queue")

    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
    assert scalar(engine, "SELECT count(*) FROM delayed_requests") == 0
    assert scalar(engine, deadlocks) == before
    for worker in workers:
        assert "deadlock" not in worker.output()
        assert "failed unexpectedly" not in worker.output()

    outcomes = rows(
        engine,
        "SELECT idempotency_key, status, errors FROM requests WHERE kind = 'orders.update'",
    )
    assert len(outcomes) == _PRODUCERS * _ROUNDS * _ORDERS
    processed: Counter[str] = Counter()
    for key, status, errors in outcomes:
        order_id = key.split("-", 2)[2]
        processed[order_id] += status == "processed"
        if order_id in guarded:
            assert status == "processed" or [error["code"] for error in errors] == ["version_conflict"]
        else:
            assert status == "processed"
    versions = dict(rows(engine, "SELECT id::text, version FROM orders"))
    assert versions == {id: 1 + processed[id] for id in ids}
    # Each has its own place in the history, without gaps.
    history = (
        "SELECT order_id::text, array_agg(change_number ORDER BY change_number) FROM order_changes GROUP BY 1"
    )
    assert dict(rows(engine, history)) == {id: list(range(2, versions[id] + 1)) for id in ids}
    assert rows(engine, "SELECT sum(sold) FROM ticket_classes") == rows(
        engine, "SELECT sum(quantity) FROM order_lines"
    )
    valid = "SELECT count(*) FROM tickets WHERE status = 'valid'"
    assert scalar(engine, valid) == scalar(engine, "SELECT sum(quantity) FROM order_lines")
