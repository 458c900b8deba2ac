"""What a dead worker held on Redis or Valkey comes back at once, and nothing else does."""

import orjson
from kombu import Connection

from tests.factories import make_body
from tests.system.brokers.hands import VISIBILITY_SECONDS, make_old, settings
from willcall.messages import Message, task_message
from willcall.publishing import Publisher
from willcall.queues import MAINTENANCE, ORDERS, share_of
from worker.broker.redis.source import RedisSource
from worker.runtime.settings import Settings

__all__ = ["settings"]

_MESSAGES = 1_200


def _message(queue: str = ORDERS, tenant: str | None = None) -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    return task_message("orders.create", content, queue=queue, summary="…", requests=1, tenant=tenant)


def _publish(settings: Settings, messages: list[Message]) -> None:
    with Publisher(settings.broker(), settings) as publisher:
        publisher.publish(messages)


def _take_all(settings: Settings) -> tuple[RedisSource, list[str]]:
    """Return a source, and the ids of the messages in its hand."""
    source = RedisSource(settings.broker(), settings)
    taken: list[str] = []
    while deliveries := source.take(500, 1):
        taken += [delivery.message_id for delivery in deliveries]
    return source, taken


def test_all_that_a_dead_worker_held_comes_back_in_one_sweep(settings: Settings) -> None:
    messages = [_message() for _ in range(_MESSAGES)]
    _publish(settings, messages)
    _, first = _take_all(settings)  # never closed: its worker is dead
    assert len(first) == _MESSAGES
    make_old(settings, seconds=VISIBILITY_SECONDS + 1)

    living, again = _take_all(settings)

    assert again == first == [message.headers["id"] for message in messages]
    living.close()


def test_the_order_stays_also_where_the_dead_worker_had_kept_them(settings: Settings) -> None:
    messages = [_message() for _ in range(_MESSAGES)]
    _publish(settings, messages)
    dead, _ = _take_all(settings)
    dead.keep([])
    make_old(settings, seconds=VISIBILITY_SECONDS + 1)

    living, again = _take_all(settings)

    assert again == [message.headers["id"] for message in messages]
    living.close()


def test_what_came_to_a_share_with_a_priority_is_taken_too(settings: Settings) -> None:
    share = share_of("demo", settings.broker())
    with Connection(settings.broker()) as connection:
        client = connection.default_channel.client
        sent = [_message(tenant="demo") for _ in range(8)]
        with Publisher(settings.broker(), settings) as publisher:
            publisher.publish(sent)
        for priority in (3, 6, 9):
            client.lmove(share, f"{share}\x06\x16{priority}", "RIGHT", "LEFT")

        source, taken = _take_all(settings)

    assert sorted(taken) == sorted(message.headers["id"] for message in sent)
    source.close()


def test_a_message_that_came_back_is_counted_as_delivered_again(settings: Settings) -> None:
    _publish(settings, [_message()])
    _take_all(settings)
    make_old(settings, seconds=VISIBILITY_SECONDS + 1)
    source = RedisSource(settings.broker(), settings)
    [delivery] = source.take(500, 1)
    assert delivery.count == 2
    source.acknowledge([delivery])
    source.close()


def test_what_a_living_worker_holds_stays_with_it(settings: Settings) -> None:
    _publish(settings, [_message() for _ in range(10)])
    living, held = _take_all(settings)
    make_old(settings, seconds=VISIBILITY_SECONDS / 2)
    other, taken = _take_all(settings)
    assert (len(held), taken) == (10, [])
    living.close()
    other.close()


def test_messages_of_other_queues_are_left_to_kombu(settings: Settings) -> None:
    _publish(settings, [_message(MAINTENANCE)])
    with Connection(settings.broker()) as connection:
        client = connection.default_channel.client
        message = client.rpop(MAINTENANCE)
        entry = b"[" + message + b',"maintenance","maintenance"]'
        client.hset("unacked", "theirs", entry)
        client.zadd("unacked_index", {"theirs": 1})
        source, taken = _take_all(settings)
        assert taken == []
        assert client.hget("unacked", "theirs") == entry
    source.close()


def test_while_another_sweeps_nothing_comes_back_twice(settings: Settings) -> None:
    _publish(settings, [_message() for _ in range(10)])
    _take_all(settings)
    make_old(settings, seconds=VISIBILITY_SECONDS + 1)
    with Connection(settings.broker()) as connection:
        client = connection.default_channel.client
        client.set("unacked_mutex", "another's")
        source, taken = _take_all(settings)
        assert taken == []
        client.delete("unacked_mutex")
        taken += [delivery.message_id for delivery in source.take(500, 1)]
        assert len(taken) == len(set(taken)) == 10
        assert client.get("unacked_mutex") is None
    source.close()
