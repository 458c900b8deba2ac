"""Hides what Flower would show: passwords, settings, and buyers' names."""

from collections.abc import Mapping
from typing import Any, Final

from flower.events import Events
from flower.inspector import Inspector

_SHOWN_OF_TASK: Final = ("id", "name", "type", "hostname", "time_start", "acknowledged", "worker_pid", "eta")
_LISTS_OF_TASKS: Final = ("active", "reserved", "scheduled")


class QuietInspector(Inspector):
    """Asks workers for their activity, not for their configuration."""

    # `conf` would show hosts, users and file names of each server that the worker knows.
    inspect_methods = tuple(one for one in Inspector.inspect_methods if one != "conf")

    def _on_update(self, workername: str, method: str, response: Any) -> None:
        super()._on_update(workername, method, _shown(method, response))


def _shown(method: str, response: Any) -> Any:
    if method == "stats":
        # Celery takes the password out of `broker`, but not out of the URLs of the other nodes.
        return {**response, "broker": {"transport": response.get("broker", {}).get("transport")}}
    if method in _LISTS_OF_TASKS:
        return [_shown_task(task) for task in response]
    return response


def _shown_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task, running or scheduled, without its arguments and delivery information."""
    shown = {name: task[name] for name in _SHOWN_OF_TASK if name in task} | {"args": "", "kwargs": ""}
    return shown | ({"request": _shown_task(task["request"])} if "request" in task else {})


class QuietEvents(Events):
    """Listens to workers' events. Producers' events are left out: their tasks' arguments are orders."""

    def on_event(self, event: Mapping[str, Any]) -> None:
        if event["type"] != "task-sent":
            super().on_event(event)
