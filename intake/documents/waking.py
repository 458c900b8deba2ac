"""Waking the processes that make documents: messages without a content, on the queue `documents`."""

import logging
import threading
import time
from typing import Final

from willcall.messages import task_message
from willcall.publishing import NotConfirmed, Publisher
from willcall.queues import DOCUMENTS

log = logging.getLogger(__name__)

RENDER: Final = "documents.render"

_TOGETHER_SECONDS: Final = 0.01
_MOST_AT_ONCE: Final = 10
"""Each wakes one thread, which makes documents until none waits."""


def wake(publisher: Publisher, count: int) -> None:
    """Publish up to this number of messages; if one is lost, the processes that watch find the document."""
    count = min(count, _MOST_AT_ONCE)
    messages = [task_message(RENDER, b"{}", queue=DOCUMENTS, summary="{}") for _ in range(count)]
    try:
        publisher.publish(messages)
    except NotConfirmed as error:
        log.warning("the processes that make documents were not woken", extra={"error": str(error)})


class Waker:
    """A thread that wakes them, so that no caller waits for the broker; it starts when it is first needed."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._changed = threading.Condition()
        self._wanted = 0
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Have one more document made."""
        with self._changed:
            self._wanted += 1
            if self._thread is None:
                # A daemon: a broker that never answers must not keep the process from ending.
                self._thread = threading.Thread(target=self._run, name="documents-waker", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Stop waking, and close the connection."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._is_closing)
                if self._is_closing:
                    break
            time.sleep(_TOGETHER_SECONDS)
            with self._changed:
                count, self._wanted = self._wanted, 0
            wake(self._publisher, count)
        self._publisher.close()
