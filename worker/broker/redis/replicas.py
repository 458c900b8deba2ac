"""Having a replica of Redis or Valkey hold what was written, before anybody is told that it is accepted.

Replication is asynchronous: a primary answers first and sends its changes afterwards, so that what it
answered last is gone when it dies and a replica takes its place. `WAIT` asks whether a replica has them.
"""

from typing import Any, Final

import redis

_MARK: Final = "willcall.written"

_LATE_SECONDS: Final = 5
"""A replica that has said nothing for so long is not waited for: work goes on without it."""


def wait_for_replica(channel: Any, seconds: float) -> None:
    """Return when a replica has all that was written so far; at once, if none is connected.

    Raises `redis.TimeoutError` if one is connected and has not got it in time, and the client's other errors.
    """
    # One connection for both: WAIT is about the changes of its own, and of those before.
    with redis.Redis(connection_pool=channel.pool, single_connection_client=True) as client:
        with client.pipeline(transaction=False) as pipeline:
            pipeline.set(channel.global_keyprefix + _MARK, b"", px=1)
            pipeline.info("replication")
            _, replication = pipeline.execute()
        if _is_replicated(replication) and not client.wait(1, round(seconds * 1_000)):
            raise redis.TimeoutError("no replica has it")


def _is_replicated(replication: dict[str, Any]) -> bool:
    replicas = [replication.get(f"slave{number}") for number in range(replication["connected_slaves"])]
    return any(
        replica and replica["state"] == "online" and int(replica["lag"]) < _LATE_SECONDS
        for replica in replicas
    )
