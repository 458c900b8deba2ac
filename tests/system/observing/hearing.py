"""What workers tell of their tasks: the events that Flower would see."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import Celery

from tests.processes import PATIENCE_SECONDS


@contextmanager
def hearing(app: Celery) -> Iterator[list[dict[str, Any]]]:
    """Collect the events until the block ends."""
    heard: list[dict[str, Any]] = []
    is_ending = threading.Event()

    def listen() -> None:
        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection, handlers={"*": heard.append})
            with receiver.consumer_context() as (own_connection, _, _):
                is_listening.set()
                while not is_ending.is_set():
                    with suppress(TimeoutError):
                        own_connection.drain_events(timeout=0.2)

    is_listening = threading.Event()
    listener = threading.Thread(target=listen)
    listener.start()
    try:
        assert is_listening.wait(PATIENCE_SECONDS)
        yield heard
    finally:
        is_ending.set()
        listener.join(PATIENCE_SECONDS)
