"""The queues, one per concern so that slow work never starves orders, and the events' exchange."""

import socket
import ssl
import zlib
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from kombu import Exchange, Queue

from willcall.broker_urls import SENTINEL, servers_in
from willcall.settings import BrokerSettings

ORDERS: Final = "orders"
OUTBOX: Final = "outbox"
MAINTENANCE: Final = "maintenance"
DOCUMENTS: Final = "documents"
"""Wakes the document renderers. Its messages carry no data, so RabbitMQ may drop them."""

SHARE: Final = "orders.share."
"""Prefix of the shares: queues for some tenants each, so that a tenant waits for few others."""

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
"""RabbitMQ only: messages that the broker dead-lettered, unchanged."""

PROBE: Final = "willcall_probe"
"""The header of a probe, which tests whether dead-lettered messages are kept: `worker.broker.safety`."""

PROBE_RETURNS: Final = 25
"""How often a worker returns a probe; by default RabbitMQ 4 gives up after 20 returns."""


def is_amqp(broker_url: str) -> bool:
    """Tell whether the broker uses AMQP (RabbitMQ), and not Redis's protocol."""
    return broker_url.startswith("amqp")


def queues(broker_url: str) -> tuple[Queue, ...]:
    """Return the queues to declare; on RabbitMQ quorum queues, which count deliveries.

    Their only argument is their type: a Celery client that declares `orders` before it publishes must use
    the same arguments, and has a setting only for this one (`task_create_missing_queue_type`).
    """
    arguments = {"x-queue-type": "quorum"} if is_amqp(broker_url) else None
    return tuple(_direct(name, arguments) for name in (ORDERS, OUTBOX, MAINTENANCE, DOCUMENTS))


def order_queues(broker_url: str) -> tuple[str, ...]:
    """Return the names of all queues of orders: `orders`, for any Celery client, then the shares."""
    return (ORDERS, *(f"{SHARE}{number}" for number in range(_shares(broker_url))))


def share_of(tenant: str, broker_url: str) -> str:
    """Return the name of the share for a tenant's requests."""
    return f"{SHARE}{zlib.crc32(tenant.encode('utf-8', 'surrogatepass')) % _shares(broker_url)}"


def share_queue(name: str) -> Queue:
    """Return a share to declare on RabbitMQ; messages reach it through the default exchange."""
    return Queue(name, durable=True, queue_arguments={"x-queue-type": "quorum"})


def _shares(broker_url: str) -> int:
    return _SHARES_OF_RABBITMQ if is_amqp(broker_url) else _SHARES_OF_REDIS


def _direct(name: str, arguments: dict[str, Any] | None) -> Queue:
    # An exchange with the queue's name, as Celery makes it by default, so that any client's
    # `send_task(queue=…)` reaches the same queue.
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
"""A broker lost without a closed connection is detected after some five seconds, not after two hours."""


def transport_options(settings: BrokerSettings, broker_url: str) -> dict[str, Any]:
    """Return kombu's options for the broker, each with its reason."""
    options: dict[str, Any]
    if is_amqp(broker_url):
        options = {
            # Without confirms, about half of the messages on their way are lost when the broker dies.
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
        # A worker that is killed during a sweep keeps the lock until then; kombu's default is five minutes.
        "unacked_mutex_expire": 10,
        # One list per queue: with priorities there would be four, which Willcall does not need.
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
    """Return py-amqp's TLS options for a server; its query names files by kombu's parameters for Redis."""
    url = urlsplit(server_url)
    query = dict(parse_qsl(url.query))
    files = {
        name: query[f"ssl_{name}"] for name in ("ca_certs", "certfile", "keyfile") if f"ssl_{name}" in query
    }
    # By default py-amqp accepts a certificate for any host name.
    return {"server_hostname": url.hostname, "cert_reqs": ssl.CERT_REQUIRED, **files}
