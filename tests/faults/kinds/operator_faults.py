"""What the operator of a broker does to it: limits, permissions, connections and queues."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Final

import amqp
import redis

from tests.faults.kinds.kind import kind, seen
from tests.faults.system.actors import Actor
from tests.faults.system.stage import RABBITMQ, VALKEY, Stage
from tests.faults.system.valkey import Valkey
from tests.rabbitmq import RabbitMQ
from willcall.queues import DOCUMENTS, MAINTENANCE, ORDERS, OUTBOX

_WAKES: Final = (OUTBOX, MAINTENANCE, DOCUMENTS)
"""Queues that hold nothing but wakes: what is lost with them comes again by the clock."""


def _rabbitmq(stage: Stage) -> RabbitMQ:
    assert isinstance(stage.broker, RabbitMQ)
    return stage.broker


def _valkey(stage: Stage) -> Valkey:
    assert isinstance(stage.broker, Valkey)
    return stage.broker


@kind("the operator closes all connections: RabbitMQ", brokers=(RABBITMQ,), lasts=(0, 0.1))
def _closed_on_rabbitmq(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _rabbitmq(stage)
    before = set(broker.ctl("--silent", "list_connections", "pid").split())
    broker.ctl("close_all_connections", "for maintenance")
    yield seen(
        lambda: not before & set(broker.ctl("--silent", "list_connections", "pid").split()),
        f"the broker has closed {len(before)} connections",
    )


@kind("the operator closes all connections: Valkey", brokers=(VALKEY,), lasts=(0, 0.1))
def _closed_on_valkey(stage: Stage, rng: Random) -> Iterator[str]:
    count = _valkey(stage).ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    yield seen(lambda: count > 0, f"the broker has closed {count} connections")


@kind("the queue of orders takes no more", brokers=(RABBITMQ,), lasts=(0.5, 2))
def _full_orders(stage: Stage, rng: Random) -> Iterator[str]:
    before = stage.buyers.failures["503"]
    with _limit(stage, f"^{ORDERS}(\\.share\\..+)?$"), _without(stage.of("worker")):
        yield seen(
            lambda: stage.buyers.failures["503"] > before,
            "nobody takes from the queues of orders, which refuse the next message; a producer is told 503",
        )


@kind("the queue of a consumer of events takes no more", brokers=(RABBITMQ,), lasts=(0.5, 2))
def _full_events(stage: Stage, rng: Random) -> Iterator[str]:
    assert stage.tape is not None
    query = "SELECT count(*) FROM outbox WHERE created_at < now() - interval '0.5 s'"
    stage.tape.is_paused = True
    try:
        with _limit(stage, r"^harness\.events$"):
            yield seen(
                lambda: stage.primary.ask(query, "willcall")[0][0] > 0,
                "a consumer of events takes none, its queue refuses more, and the outbox keeps them",
            )
    finally:
        stage.tape.is_paused = False


@contextmanager
def _limit(stage: Stage, pattern: str) -> Iterator[None]:
    """Let queues refuse what comes while one message waits there: its publisher hears basic.nack."""
    words = ["--priority", "100", "--apply-to", "queues", "harness", pattern]
    # First what happens to new messages: a classic queue that gets both at once drops its oldest ones.
    _rabbitmq(stage).ctl("set_policy", *words, '{"overflow": "reject-publish"}')
    _rabbitmq(stage).ctl("set_policy", *words, '{"max-length": 1, "overflow": "reject-publish"}')
    try:
        yield
    finally:
        _rabbitmq(stage).ctl("clear_policy", "harness")


@contextmanager
def _without(actors: Sequence[Actor]) -> Iterator[None]:
    """Have no consumer: to one that stands still the broker would send as many as it may hold."""
    for actor in actors:
        actor.end()
    try:
        yield
    finally:
        for actor in actors:
            actor.start()


@kind("a queue of wakes is deleted", brokers=(RABBITMQ,), lasts=(0, 0.5))
def _deleted(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _rabbitmq(stage)
    name = rng.choice(_WAKES)
    before = _pid_of(broker, name)
    broker.ctl("delete_queue", name)
    yield seen(
        lambda: before is not None and _pid_of(broker, name) != before,
        f"the queue {name} of {before} is gone",
    )


def _pid_of(broker: RabbitMQ, queue: str) -> str | None:
    listed = broker.ctl("--silent", "list_queues", "name", "pid")
    rows = (line.split("\t") for line in listed.splitlines())
    return next((pid for name, pid in rows if name == queue), None)


@kind("permissions are taken away: RabbitMQ", brokers=(RABBITMQ,), lasts=(0.5, 2))
def _forbidden_on_rabbitmq(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _rabbitmq(stage)
    broker.ctl("set_permissions", "guest", "^$", "^$", "^$")
    # What a channel has been allowed once it may do until it is closed.
    broker.ctl("close_all_connections", "permissions have changed")
    try:
        yield seen(lambda: _is_forbidden(broker), "the broker allows nothing any more")
    finally:
        broker.ctl("set_permissions", "guest", ".*", ".*", ".*")


def _is_forbidden(broker: RabbitMQ) -> bool:
    with suppress(OSError), amqp.Connection(f"127.0.0.1:{broker.port}", confirm_publish=True) as connection:
        try:
            connection.channel().basic_publish_confirm(amqp.Message("{}"), routing_key="harness.none")
        except amqp.AccessRefused:
            return True
    return False


@kind("permissions are taken away: Valkey", brokers=(VALKEY,), lasts=(0.5, 2))
def _forbidden_on_valkey(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _valkey(stage)
    broker.ask("ACL", "SETUSER", "operator", "on", ">harness", "~*", "&*", "+@all")
    operator = redis.Redis(port=broker.port, username="operator", password="harness", socket_timeout=30)
    with operator:
        operator.execute_command("ACL", "SETUSER", "default", "-@all", "+ping")
        try:
            yield seen(lambda: _allows_nothing(broker), "the broker allows nothing any more")
        finally:
            operator.execute_command("ACL", "SETUSER", "default", "+@all")


def _allows_nothing(broker: Valkey) -> bool:
    try:
        broker.ask("LLEN", ORDERS)
    except redis.exceptions.NoPermissionError:
        return True
    return False


@kind("the broker writes its file anew", brokers=(VALKEY,), lasts=(0, 0.5), weight=1)
def _rewritten(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _valkey(stage)
    before = _rewrites(broker)
    broker.ask("BGREWRITEAOF")
    yield seen(lambda: _rewrites(broker) > before, "the broker has begun to write its file anew")


def _rewrites(broker: Valkey) -> int:
    return int(broker.ask("INFO", "persistence")["aof_rewrites"])
