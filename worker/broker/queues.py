"""The queues, one per concern so that slow work never starves orders, and the events' exchange."""

import socket
import ssl
import zlib
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from kombu import Exchange, Queue

from worker.runtime.broker_urls import SENTINEL, servers_in
from worker.runtime.settings import Settings

ORDERS: Final = "orders"
OUTBOX: Final = "outbox"
MAINTENANCE: Final = "maintenance"
DOCUMENTS: Final = "documents"
"""Wakes those who make documents. Nothing is lost with a message of it, so RabbitMQ may drop them."""

SHARE: Final = "orders.share."
"""How the queues begin that hold the orders of some tenants each, so that a tenant waits for few others."""

_SHARES_OF_RABBITMQ: Final = 16  # each is a Raft group with members and files
_SHARES_OF_REDIS: Final = 256  # each is a key, and only while something waits

EVENTS: Final = Exchange("willcall.events", type="topic", durable=True)

DEAD_EXCHANGE: Final = Exchange("willcall.dead", type="direct", durable=True)
DEAD_QUEUE: Final = Queue(
    "orders.dead",
    DEAD_EXCHANGE,
    "orders.dead",
    durable=True,
    queue_arguments={"x-queue-type": "quorum"},
)
"""RabbitMQ only: what was delivered too often without ever being processed, kept as it came."""

PROBE: Final = "willcall_probe"
"""The header of a message that asks whether the broker keeps what it gives up: `worker.broker.safety`."""

PROBE_RETURNS: Final = 25
"""How often a worker gives a probe back; RabbitMQ 4 gives up after 20, unless it is told otherwise."""


def is_amqp(broker_url: str) -> bool:
    """Say whether the broker speaks AMQP (RabbitMQ), and not Redis's protocol."""
    return broker_url.startswith("amqp")


def queues(broker_url: str) -> tuple[Queue, ...]:
    """Return the queues to declare; on RabbitMQ quorum queues, which count deliveries.

    They carry no argument but their type: a Celery client that declares `orders` before it publishes
    must say the same, and has a setting for this one only (`task_create_missing_queue_type`).
    """
    arguments = {"x-queue-type": "quorum"} if is_amqp(broker_url) else None
    return tuple(_direct(name, arguments) for name in (ORDERS, OUTBOX, MAINTENANCE, DOCUMENTS))


def order_queues(broker_url: str) -> tuple[str, ...]:
    """Return all queues of orders: `orders`, where any Celery client publishes, then the shares."""
    return (ORDERS, *(f"{SHARE}{number}" for number in range(_shares(broker_url))))


def share_of(tenant: str, broker_url: str) -> str:
    """Return the queue for a tenant's requests, which it has with few others."""
    return f"{SHARE}{zlib.crc32(tenant.encode('utf-8', 'surrogatepass')) % _shares(broker_url)}"


def share_queue(name: str) -> Queue:
    """Return a share to declare on RabbitMQ; the default exchange, which knows all queues, leads there."""
    return Queue(name, durable=True, queue_arguments={"x-queue-type": "quorum"})


def _shares(broker_url: str) -> int:
    return _SHARES_OF_RABBITMQ if is_amqp(broker_url) else _SHARES_OF_REDIS


def _direct(name: str, arguments: dict[str, Any] | None) -> Queue:
    # An exchange of the queue's own name: what Celery makes by default, so that any client's
    # `send_task(queue=…)` and ours meet in the same place.
    exchange = Exchange(name, type="direct", durable=True)
    return Queue(name, exchange, name, durable=True, queue_arguments=arguments)


_KEEPALIVE: Final = {
    getattr(socket, name): value
    for name, value in (
        ("TCP_KEEPIDLE", 2),
        ("TCP_KEEPINTVL", 1),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 5_000),  # milliseconds
    )
    if hasattr(socket, name)
}
"""A broker that is gone without a word is noticed after some five seconds, and not after two hours."""


def transport_options(settings: Settings, broker_url: str) -> dict[str, Any]:
    """Return kombu's options for the broker, each with its reason."""
    options: dict[str, Any]
    if is_amqp(broker_url):
        options = {
            # Without confirms about half of what is under way is lost when the broker dies.
            "confirm_publish": True,
            "connect_timeout": 5,
            "socket_settings": _KEEPALIVE,
        }
        if broker_url.startswith("amqps"):
            options["ssl"] = amqp_tls(servers_in(broker_url)[0])
        return options
    options = {
        # About twice the longest batch; kombu's own default is an hour.
        "visibility_timeout": settings.visibility_timeout_seconds,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # A worker that is killed in the middle of a sweep keeps its lock; kombu's default is five minutes.
        "unacked_mutex_expire": 10,
        # One list per queue: priorities are four lists per queue, which nobody asked for.
        "priority_steps": [0],
        "socket_connect_timeout": 5,
        "socket_keepalive": not broker_url.startswith("redis+socket"),
        "socket_keepalive_options": _KEEPALIVE,
    }
    if broker_url.startswith(SENTINEL):
        options["master_name"] = settings.broker_master_name
    if settings.global_keyprefix:
        options["global_keyprefix"] = settings.global_keyprefix
    return options


def amqp_tls(server_url: str) -> dict[str, Any]:
    """Return py-amqp's options for TLS to one server; its query may name files in kombu's words for Redis."""
    url = urlsplit(server_url)
    query = dict(parse_qsl(url.query))
    files = {
        name: query[f"ssl_{name}"] for name in ("ca_certs", "certfile", "keyfile") if f"ssl_{name}" in query
    }
    # Left to itself py-amqp accepts any server's certificate that some known authority signed.
    return {"server_hostname": url.hostname, "cert_reqs": ssl.CERT_REQUIRED, **files}
