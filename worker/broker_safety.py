"""Does the broker keep what it accepted? What a server's settings would lose, and what mends them.

Used by `willcall doctor`, and by each worker at its start.
"""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from kombu import Connection

from worker.broker_connections import open_connection
from worker.queues import (
    DEAD_EXCHANGE,
    DEAD_QUEUE,
    ORDERS,
    PROBE,
    PROBE_RETURNS,
    is_amqp,
    queues,
)
from worker.settings import Settings

log = logging.getLogger(__name__)

POLICY_COMMAND: Final = (
    r'rabbitmqctl set_policy --apply-to queues willcall "^(orders(\.share\..+)?|outbox|maintenance)$" '
    '\'{"dead-letter-exchange": "willcall.dead", "dead-letter-routing-key": "orders.dead", '
    '"delivery-limit": 1000}\''
)

_CONNECT_SECONDS: Final = 5.0
_PROBE_SECONDS: Final = 10.0
_PROBE_LIFE: Final = "2000"  # milliseconds, as text (RabbitMQ, "Per-Message TTL")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: its name, whether all is well, and a sentence."""

    check: str
    is_ok: bool
    message: str


def tell_of_risks(broker_url: str, settings: Settings) -> None:
    """Have what is not safe said in the log, by a thread of its own."""
    threading.Thread(target=_tell, args=(broker_url, settings), name="broker-safety", daemon=True).start()


def _tell(broker_url: str, settings: Settings) -> None:
    try:
        with open_connection(broker_url, settings, seconds=_CONNECT_SECONDS) as connection:
            for finding in check_broker(connection):
                if not finding.is_ok:
                    log.error(
                        "the broker may lose orders",
                        extra={"check": finding.check, "advice": finding.message},
                    )
    except Exception as error:  # noqa: BLE001 - whatever it is, `willcall doctor` asks again
        log.warning("the broker's settings could not be checked", extra={"error": str(error)[:500]})


def check_broker(connection: Connection) -> Iterator[Finding]:
    """Say whether the broker keeps what it accepted; takes up to ten seconds."""
    if is_amqp(connection.as_uri()):
        yield _check_dead_lettering(connection)
    else:
        yield from _check_redis(connection)


def _check_dead_lettering(connection: Connection) -> Finding:
    """Send a message that must become a dead letter, and say whether it did.

    AMQP shows no policies. So a probe goes to the queue of orders: a worker returns it a few times and then
    rejects it, and where none runs it expires. Either way it must come to the dead-letter exchange.
    """
    name = "dead-letter policy"
    version = str(connection.connection.server_properties.get("version", "?"))
    death, is_queue_busy = _kill_a_probe(connection)
    if death == "delivery_limit":
        return Finding(
            name,
            False,
            f"RabbitMQ {version} gives a message up that came back {PROBE_RETURNS} times or fewer, though it "
            f"may only have waited: {POLICY_COMMAND}",
        )
    if death is not None:
        return Finding(name, True, "what RabbitMQ gives up becomes a dead letter")
    if is_queue_busy:
        return Finding(name, True, "not checked: the queue of orders is too busy; try again later")
    return Finding(
        name,
        False,
        f"RabbitMQ {version} drops what it gives up, and with it orders (from version 4 on what came back 20 "
        f"times): {POLICY_COMMAND}",
    )


def _kill_a_probe(connection: Connection) -> tuple[str | None, bool]:
    """Return how the probe died, None if nobody saw it, and whether the queue has others before it."""
    found: list[str] = []
    probe = uuid4().hex

    def receive(message: Any) -> None:
        headers = message.headers or {}
        if headers.get(PROBE) == probe:
            deaths = headers.get("x-death") or [{}]
            found.append(str(deaths[0].get("reason")))

    with connection.channel() as channel:
        for entity in (*queues(connection.as_uri()), DEAD_EXCHANGE, DEAD_QUEUE):
            entity(channel).declare()
        own = channel.queue_declare("", exclusive=True, auto_delete=True).queue
        # A queue beside the one that the workers read: each gets a copy.
        channel.queue_bind(own, DEAD_EXCHANGE.name, DEAD_QUEUE.routing_key)
        channel.basic_consume(own, no_ack=True, callback=receive)
        message = channel.prepare_message(
            b"", headers={PROBE: probe}, properties={"delivery_mode": 2, "expiration": _PROBE_LIFE}
        )
        channel._basic_publish(message, "", ORDERS)
        deadline = time.monotonic() + _PROBE_SECONDS
        while not found and (left := deadline - time.monotonic()) > 0:
            try:
                connection.drain_events(timeout=left)
            except TimeoutError:
                break
        waiting = channel.queue_declare(ORDERS, passive=True).message_count
    return (found[0] if found else None), waiting > 0


def _check_redis(connection: Connection) -> Iterator[Finding]:
    import redis

    client = connection.default_channel.client
    wanted = {
        "maxmemory-policy": ("noeviction", "it may evict the queue"),
        "appendonly": ("yes", "a restart loses the queue"),
        "appendfsync": ("always", "a crash of the machine loses the orders of the last second, or more"),
    }
    try:
        answers: dict[str, str] = client.config_get(*wanted)
    except redis.ResponseError:
        needed = ", ".join(f"{name} {value}" for name, (value, _) in wanted.items())
        yield Finding("Redis settings", True, f"the server does not show them; be sure of {needed}")
        return
    for name, (value, risk) in wanted.items():
        is_ok = answers[name] == value
        advice = "" if is_ok else f": {risk}; redis-cli CONFIG SET {name} {value}, and CONFIG REWRITE"
        yield Finding(name, is_ok, f"it is {answers[name]}{advice}")
