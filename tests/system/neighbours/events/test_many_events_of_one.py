"""Thousands of event messages of one order leave in groups, in their order."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tasks import relay_group
from tasks.relay import relay
from tests.brokers import Broker
from tests.factories import load
from tests.processes import wait_until
from tests.system.neighbours.events.listening import listening, tell, unsent
from worker.runtime.settings import get_settings

_ORDER = "01890a5d-ac96-774b-bcce-b302099a8057"
_MANY = 2_300


@pytest.fixture
def on_broker(broker: Broker, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    load(engine)
    monkeypatch.setenv("WILLCALL_BROKER_URL", broker.url)
    monkeypatch.setenv("WILLCALL_PUBLISH_TIMEOUT_SECONDS", "60")
    get_settings.cache_clear()
    return broker.url


def _count(of: Callable[..., object], calls: list[object]) -> Callable[..., object]:
    def counting(*arguments: object) -> object:
        calls.append(arguments)
        return of(*arguments)

    return counting


def test_they_leave_in_groups_and_in_order_beside_those_of_others(
    on_broker: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[object] = []
    monkeypatch.setattr("tasks.relay.relay_group", _count(relay_group.relay_group, groups))
    with listening(on_broker) as listener:
        others = set(tell(engine, *["small"] * 700))
        tell(engine, *["small"] * _MANY, subject=_ORDER)

        assert relay() == 700 + _MANY

        heard = listener.take()
    assert len(groups) <= 10
    of_one = [event["sequence"] for event in heard if event["subject"] == _ORDER]
    assert of_one == list(range(1, _MANY + 1))
    assert {UUID(str(event["subject"])) for event in heard} == {UUID(_ORDER), *map(UUID, map(str, others))}


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_none_overtakes_one_that_its_consumers_queue_had_no_room_for(on_broker: str, engine: Engine) -> None:
    full = {"x-max-length": 100, "x-overflow": "reject-publish"}
    with listening(on_broker, "order.updated", **full) as listener:
        tell(engine, *["text"] * 900, type="order.updated", subject=_ORDER)
        heard: list[int] = []

        def is_empty() -> bool:
            relay()
            heard.extend(event["sequence"] for event in listener.take())
            return not unsent(engine)

        wait_until(is_empty, what="an outbox that empties as its consumer takes")
    assert list(dict.fromkeys(heard)) == list(range(1, 901))
