"""Checking whether the broker's settings may lose accepted messages.

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

from willcall.connections import open_connection
from willcall.queues import (
    DEAD_EXCHANGE,
    DEAD_QUEUE,
    ORDERS,
    PROBE,
    PROBE_RETURNS,
    SHARE,
    is_amqp,
    queues,
    share_queue,
)
from worker.broker.depths import depth_of
from worker.runtime.settings import Settings

log = logging.getLogger(__name__)

POLICY_COMMAND: Final = (
    r'rabbitmqctl set_policy --apply-to queues willcall "^(orders(\.share\..+)?|outbox|maintenance)$" '
    '\'{"dead-letter-exchange": "willcall.dead", "dead-letter-routing-key": "orders.dead", '
    '"delivery-limit": 1000}\''
)

_CONNECT_SECONDS: Final = 5.0
_PROBE_SECONDS: Final = 10.0
_PROBED: Final = (ORDERS, f"{SHARE}0")
_PROBE_LIFE: Final = "2000"  # milliseconds, as text (RabbitMQ, "Per-Message TTL")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: its name, whether it passed, and a sentence."""

    check: str
    is_ok: bool
    message: str


def report_risks(broker_url: str, settings: Settings) -> None:
    """Log unsafe settings of the broker, in a thread of its own."""
    threading.Thread(target=_report, args=(broker_url, settings), name="broker-safety", daemon=True).start()


def _report(broker_url: str, settings: Settings) -> None:
    try:
        with open_connection(broker_url, settings, seconds=_CONNECT_SECONDS) as connection:
            for finding in check_broker(connection):
                if not finding.is_ok:
                    log.error(
                        "the broker may lose orders",
                        extra={"check": finding.check, "advice": finding.message},
                    )
    except Exception as error:  # noqa: BLE001 - whatever it is, `willcall doctor` checks again
        log.warning("the broker's settings could not be checked", extra={"error": str(error)[:500]})


def check_broker(connection: Connection) -> Iterator[Finding]:
    """Yield the findings of all checks of the broker; takes up to ten seconds."""
    if is_amqp(connection.as_uri()):
        yield _check_dead_lettering(connection)
    else:
        yield from _check_redis(connection)


def _check_dead_lettering(connection: Connection) -> Finding:
    """Send messages that must become dead letters, and check whether they did.

    AMQP does not show policies. So a probe is sent to the queue of orders, and one to a share: a worker
    returns it some times and then rejects it, and without a worker it expires. Either way it must arrive at
    the dead-letter exchange.
    """
    name = "dead-letter policy"
    version = str(connection.connection.server_properties.get("version", "?"))
    deaths = _kill_probes(connection)
    if "delivery_limit" in deaths.values():
        return Finding(
            name,
            False,
            f"RabbitMQ {version} gives up a message after {PROBE_RETURNS} returns or fewer, even if it only "
            f"waited. Run: {POLICY_COMMAND}",
        )
    missing = [queue for queue in _PROBED if queue not in deaths]
    if not missing:
        return Finding(name, True, "messages that RabbitMQ gives up become dead letters")
    if any(depth_of(connection, queue).waiting for queue in missing):
        return Finding(name, True, "not checked: the queue of orders is too busy. Try again later")
    return Finding(
        name,
        False,
        f"RabbitMQ {version} drops the messages that it gives up in the queue {missing[0]}, and so loses "
        f"orders (version 4 gives up after 20 returns). Run: {POLICY_COMMAND}",
    )


def _kill_probes(connection: Connection) -> dict[str, str]:
    """Return the reason of each probe's death by queue, without probes that did not arrive."""
    deaths: dict[str, str] = {}
    probes = {uuid4().hex: queue for queue in _PROBED}

    def receive(message: Any) -> None:
        headers = message.headers or {}
        queue = probes.get(str(headers.get(PROBE)))
        if queue is not None:
            deaths[queue] = str((headers.get("x-death") or [{}])[0].get("reason"))

    with connection.channel() as channel:
        for entity in (*queues(connection.as_uri()), share_queue(_PROBED[1]), DEAD_EXCHANGE, DEAD_QUEUE):
            entity(channel).declare()
        own = channel.queue_declare("", exclusive=True, auto_delete=True).queue
        # A second queue next to the workers' dead-letter queue: each gets a copy.
        channel.queue_bind(own, DEAD_EXCHANGE.name, DEAD_QUEUE.routing_key)
        channel.basic_consume(own, no_ack=True, callback=receive)
        for probe, queue in probes.items():
            message = channel.prepare_message(
                b"", headers={PROBE: probe}, properties={"delivery_mode": 2, "expiration": _PROBE_LIFE}
            )
            channel._basic_publish(message, "", queue)
        deadline = time.monotonic() + _PROBE_SECONDS
        while len(deaths) < len(probes) and (left := deadline - time.monotonic()) > 0:
            try:
                connection.drain_events(timeout=left)
            except TimeoutError:
                break
    return deaths


def _check_redis(connection: Connection) -> Iterator[Finding]:
    import redis

    client = connection.default_channel.client
    wanted = {
        "maxmemory-policy": ("noeviction", "the queue may be evicted"),
        "appendonly": ("yes", "a restart loses the queue"),
        "appendfsync": ("always", "a crash of the machine loses the orders of the last second, or more"),
    }
    try:
        answers: dict[str, str] = client.config_get(*wanted)
    except redis.ResponseError:
        needed = ", ".join(f"{name} {value}" for name, (value, _) in wanted.items())
        yield Finding("Redis settings", True, f"the server does not show them. Make sure of {needed}")
        return
    for name, (value, risk) in wanted.items():
        is_ok = answers[name] == value
        advice = (
            "" if is_ok else f", so {risk}. Run: redis-cli CONFIG SET {name} {value}, then CONFIG REWRITE"
        )
        yield Finding(name, is_ok, f"it is {answers[name]}{advice}")
