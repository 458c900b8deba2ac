"""What the benchmarks do to the queues themselves."""

import contextlib
from collections.abc import Iterator

from kombu import Connection, Queue

from worker.queues import EVENTS, queues


def empty_queues(url: str) -> None:
    """Declare Willcall's queues, and remove what waits in them."""
    with Connection(url) as connection:
        channel = connection.default_channel
        for queue in queues(url):
            bound = queue(channel)
            bound.declare()
            bound.purge()


@contextlib.contextmanager
def listening_queue(url: str) -> Iterator[None]:
    """Keep a queue that receives all event messages: an exchange that nobody listens to costs nothing."""
    queue = Queue("benchmarks.events", EVENTS, "#", durable=True)
    with Connection(url) as connection:
        bound = queue(connection.default_channel)
        bound.declare()
    try:
        yield
    finally:
        with Connection(url) as connection:
            queue(connection.default_channel).delete()
