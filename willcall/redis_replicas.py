"""Waiting for a replica of Redis or Valkey to have the written messages, before they count as accepted.

Replication is asynchronous: a primary answers first and sends its changes afterwards, so that its last
changes are lost when it dies and a replica is promoted. `WAIT` waits until a replica has them.
"""

from typing import Any, Final

import redis

_MARK: Final = "willcall.written"

_LATE_SECONDS: Final = 5
"""A replica that has not reported for this time is not waited for."""


def wait_for_replica(channel: Any, seconds: float) -> None:
    """Return when a replica has all changes so far; at once, if none is connected.

    Raises `redis.TimeoutError` if a connected replica does not get them in time, or the client's errors.
    """
    # One connection for both commands: WAIT covers the changes of its connection, and those before.
    with redis.Redis(connection_pool=channel.pool, single_connection_client=True) as client:
        with client.pipeline(transaction=False) as pipeline:
            pipeline.set(channel.global_keyprefix + _MARK, b"", px=1)
            pipeline.info("replication")
            _, replication = pipeline.execute()
        if _is_replicated(replication) and not client.wait(1, round(seconds * 1_000)):
            raise redis.TimeoutError("no replica has the message in time")


def _is_replicated(replication: dict[str, Any]) -> bool:
    replicas = [replication.get(f"slave{number}") for number in range(replication["connected_slaves"])]
    return any(
        replica and replica["state"] == "online" and int(replica["lag"]) < _LATE_SECONDS
        for replica in replicas
    )
