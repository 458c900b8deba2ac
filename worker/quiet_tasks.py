"""Tasks whose arguments a worker does not show: its events and logs have their name, time and result.

Any Celery client may send a task with an order in its arguments to any of our queues, and Flower, `celery
events` and the log would show them.
"""

from typing import Any

from celery import Task
from celery.worker.request import Request

from willcall.messages import ORIGIN


class QuietRequest(Request):
    """A task in a worker, shown without its arguments, except for a summary that we wrote ourselves."""

    @property
    def argsrepr(self) -> str:
        return ""

    @property
    def kwargsrepr(self) -> str:
        return str(self._kwargsrepr) if self.request_dict.get("origin") == ORIGIN else ""

    def info(self, safe: bool = False) -> dict[str, Any]:
        return {**super().info(safe=safe), "args": self.argsrepr, "kwargs": self.kwargsrepr}

    def send_event(self, type: str, **fields: Any) -> None:
        if "exception" in fields:
            # A representation: the type, and its arguments in brackets. The log has the trace.
            fields["exception"] = str(fields["exception"]).partition("(")[0]
        super().send_event(type, **fields | ({"traceback": None} if "traceback" in fields else {}))


class QuietTask(Task):
    """The base of all tasks of the app."""

    abstract = True
    Request = QuietRequest
