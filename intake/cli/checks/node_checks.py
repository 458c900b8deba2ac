"""The checks of `willcall doctor` on a broker of several servers: its nodes and the queues' members."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from willcall.broker_urls import SENTINEL, address_of, servers_in
from willcall.connections import open_connection
from willcall.queues import is_amqp
from worker.broker.amqp.queue_members import MembersUnknown, QuorumQueue, quorum_queues
from worker.broker.safety import Finding
from worker.runtime.settings import Settings

_SECONDS: Final = 2.0

_ENOUGH: Final = 3
"""Members that a queue needs to survive the loss of one, as a majority must be online ("Quorum Queues")."""

_MOST_NAMES: Final = 5


def check_nodes(settings: Settings) -> Iterator[Finding]:
    """Check that each server answers, and that the queues survive the loss of one."""
    url = settings.broker()
    if url.startswith(SENTINEL):
        yield from _sentinels(url, settings)
    elif is_amqp(url):
        if len(servers_in(url)) > 1:
            yield from _nodes(url, settings)
        yield from _members(url, settings)


def _nodes(url: str, settings: Settings) -> Iterator[Finding]:
    clusters = set()
    for node in servers_in(url):
        check = f"node {address_of(node)}"
        try:
            with open_connection(node, settings, seconds=_SECONDS) as connection:
                properties = connection.connection.server_properties
        except Exception as error:  # noqa: BLE001 - whatever the client library raises, it is no connection
            yield Finding(check, False, f"it does not answer: {type(error).__name__}")
            continue
        clusters.add(str(properties.get("cluster_name")))
        version, cluster = properties.get("version", "?"), properties.get("cluster_name", "?")
        yield Finding(check, True, f"RabbitMQ {version} of the cluster {cluster} answers")
    if len(clusters) > 1:
        advice = "each has its own queues: join them, or name only one in WILLCALL_BROKER_URL"
        yield Finding("nodes", False, f"they belong to {len(clusters)} clusters; {advice}")


def _members(url: str, settings: Settings) -> Iterator[Finding]:
    check = "queue members"
    if len(servers_in(url)) == 1 and settings.broker_management_url is None:
        return  # nothing indicates that it is one of several
    try:
        queues = quorum_queues(url, settings.broker_management_url)
    except MembersUnknown as error:
        advice = "`rabbitmq-queues quorum_status orders`, on a node, shows the members of one queue"
        unknown = f"not checked, as RabbitMQ's management API does not answer ({error}); {advice}"
        yield Finding(check, settings.broker_management_url is None, unknown)
        return
    names = sorted({name for queue in queues for name in queue.members})
    size = max(len(names), len(servers_in(url)))
    if size == 1:
        return
    few = [queue for queue in queues if len(queue.members) < min(size, _ENOUGH)]
    away = [queue for queue in queues if len(queue.online) < len(queue.members)]
    if few:
        least = min(len(queue.members) for queue in few)
        grow = "on a node, run for each node that should hold them: `rabbitmq-queues grow rabbit@HOST all`"
        yield Finding(
            check,
            False,
            f"too few of {size} nodes hold {_named(few)} (the fewest: {least}): a queue stops, or is "
            f"lost, with its node; {grow}",
        )
    if away:
        yield Finding(check, False, f"a member of {_named(away)} is not online")
    if not few and not away:
        yield Finding(check, True, f"each of {len(queues)} queues is held by {_ENOUGH} nodes or all {size}")


def _named(queues: list[QuorumQueue]) -> str:
    names = sorted(queue.name for queue in queues)
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more queues" if more > 0 else "")


def _sentinels(url: str, settings: Settings) -> Iterator[Finding]:
    primaries: dict[tuple[str, int], int] = {}
    for server in servers_in(url):
        place = urlsplit(server)
        check = f"Sentinel {address_of(server)}"
        try:
            with redis.Redis(
                host=place.hostname or "localhost",
                port=place.port or 26379,
                socket_timeout=_SECONDS,
                socket_connect_timeout=_SECONDS,
                retry=Retry(NoBackoff(), 0),
            ) as client:
                known: Any = client.sentinel_master(settings.broker_master_name)
        except (redis.RedisError, OSError, ValueError) as error:
            advice = f"; is {settings.broker_master_name} its name for the primary?"
            is_unknown = isinstance(error, redis.ResponseError)
            sentence = "it does not know the primary" + advice if is_unknown else "it does not answer"
            yield Finding(check, False, sentence)
            continue
        primaries[known["ip"], known["port"]] = known["num-slaves"]
        yield Finding(check, True, f"the primary is {known['ip']}:{known['port']}")
    if len(primaries) > 1:
        yield Finding("primary", False, "the Sentinels name different ones; wait, or read their logs")
    elif primaries and not max(primaries.values()):
        yield Finding("replicas", False, "there is none: data that only the primary has is lost with it")
