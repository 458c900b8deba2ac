"""One tenant has thousands of orders waiting; another sends a lone one."""

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, Final

import pytest
from kombu import Connection
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, rows, scalar
from tests.processes import wait_until
from willcall.messages import Message
from willcall.packing import outgoing, pack
from willcall.queues import ORDERS, is_amqp, share_of
from worker.broker.depths import depth_of_orders

_CROWD: Final = 8_000
_LONE: Final = 5
_AT_MOST: Final = 2_500
"""Orders of the crowd that may be made while a lone one waits: those of the batches that are under way."""


def _messages(tenant: str, requests: int, *, in_each: int = 500) -> list[Message]:
    ready = [outgoing("orders.create", make_body(), tenant=tenant) for _ in range(requests)]
    return pack(ready, max_requests=in_each)


def _made(engine: Engine, tenant: str) -> int:
    counted = "SELECT count(*) FROM orders JOIN tenants ON tenants.id = tenant_id WHERE name = :name"
    return int(scalar(engine, counted, name=tenant))


def _neighbour(crowd: str, url: str, *, in_same_share: bool) -> str:
    names = (f"tenant-{number}" for number in count())
    return next(name for name in names if (share_of(name, url) == share_of(crowd, url)) is in_same_share)


def _both(engine: Engine, crowd: str, lone: str) -> None:
    for tenant in (crowd, lone):
        load(engine, make_event(ticket_classes=[make_ticket_class(capacity=100_000)]), tenant=tenant)


def _has_made(engine: Engine, tenant: str, count: int) -> bool:
    return _made(engine, tenant) == count


def _waits_for_few(broker: Broker, engine: Engine, crowd: str, lone: str) -> None:
    """Send lone orders, one after the other, and count how many of the crowd's overtake each."""
    wait_until(lambda: _made(engine, crowd) > 0, what="the first orders of the crowd")
    for number in range(1, _LONE + 1):
        before = _made(engine, crowd)
        broker.publisher().publish(_messages(lone, 1))
        wait_until(partial(_has_made, engine, lone, number), what="the lone order")
        assert _made(engine, crowd) - before <= _AT_MOST
    assert _made(engine, crowd) < _CROWD, "the crowd had nothing waiting: the test shows nothing"


@pytest.mark.parametrize("in_each", [100, 1])
def test_a_lone_order_does_not_wait_for_another_tenants_thousands(
    broker: Broker, engine: Engine, in_each: int
) -> None:
    lone = _neighbour("crowd", broker.url, in_same_share=False)
    _both(engine, "crowd", lone)
    broker.publisher().publish(_messages("crowd", _CROWD, in_each=in_each))
    worker = broker.worker()
    _waits_for_few(broker, engine, "crowd", lone)
    wait_until(lambda: _made(engine, "crowd") == _CROWD, what="all orders of the crowd")
    assert worker.end() == 0


def test_not_even_in_the_same_share_where_that_is_shared_by_more(broker: Broker, engine: Engine) -> None:
    if not is_amqp(broker.url):
        pytest.skip("Redis has sixteen times as many shares instead")
    lone = _neighbour("crowd", broker.url, in_same_share=True)
    _both(engine, "crowd", lone)
    broker.publisher().publish(_messages("crowd", _CROWD))
    broker.worker()
    _waits_for_few(broker, engine, "crowd", lone)


def test_each_tenants_orders_are_made_in_their_order(broker: Broker, engine: Engine) -> None:
    tenants = [f"tenant-{number}" for number in range(20)]  # more than shares, so that some have one together
    for tenant in tenants:
        load(engine, make_event(ticket_classes=[make_ticket_class(capacity=10_000)]), tenant=tenant)
    broker.publisher().publish(list(_mixed(tenants)))
    assert _waiting(broker)[ORDERS] == 0
    broker.worker()
    total = "SELECT count(*) FROM orders"
    wait_until(lambda: scalar(engine, total) == 20 * _EACH, what="all orders")
    in_order = (
        "SELECT reference FROM orders JOIN tenants t ON t.id = tenant_id WHERE t.name = :name ORDER BY number"
    )
    for tenant in tenants:
        assert [int(row[0]) for row in rows(engine, in_order, name=tenant)] == list(range(_EACH))


_EACH: Final = 60


def _mixed(tenants: list[str]) -> Iterator[Message]:
    """Yield messages of several sizes, those of all tenants mixed."""
    for start in range(0, _EACH, 6):
        for size, offset in ((1, 0), (2, 1), (3, 3)):
            for tenant in tenants:
                references = range(start + offset, start + offset + size)
                bodies: list[dict[str, Any]] = [make_body(reference=str(one)) for one in references]
                ready = [outgoing("orders.create", body, tenant=tenant) for body in bodies]
                yield from pack(ready, max_requests=size)


def _waiting(broker: Broker) -> dict[str, int]:
    with Connection(broker.url) as connection:
        return depth_of_orders(connection)
