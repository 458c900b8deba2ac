"""Logs: a JSON object per line, or lines for people at a terminal, with ids and never a buyer's name."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from worker.runtime.log_discretion import Discretion
from worker.runtime.log_lines import LinesForPeople, wants_colour
from worker.runtime.log_repeats import RepeatCounter
from worker.runtime.settings import Settings
from worker.runtime.traces import trace_of
from worker.runtime.tracing import TraceIds

log = logging.getLogger(__name__)

_FIELDS: Final = ("asctime", "levelname", "name", "message")


def set_up_logs(settings: Settings, process: str | None = None) -> None:
    """Write the process's logs to standard error: for people on a terminal, else as JSON, in UTC.

    `process` is its name in each line, if several processes write to the same place.
    """
    is_for_people = settings.log_format == "people" or (settings.log_format == "auto" and sys.stderr.isatty())
    # At the level DEBUG every repeat is written.
    handler = RepeatCounter(sys.stderr, 0 if settings.log_level == "DEBUG" else 60)
    handler.addFilter(Discretion())
    if settings.tracing != "off":
        handler.addFilter(TraceIds())
    handler.setFormatter(_for_people(process) if is_for_people else _json(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # Celery logs every task twice, with its arguments; we log a line for each batch.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)
    # It warns about ETA tasks, which we do not use: delayed requests are rows.
    logging.getLogger("kombu.transport.native_delayed_delivery").setLevel(logging.ERROR)
    if is_for_people:
        # A line for each sweep, every five seconds, and two for each migration that has nothing to do.
        logging.getLogger("celery.beat").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
    sys.excepthook = _on_exception
    threading.excepthook = _on_thread_exception


def json_writer() -> Callable[[str], None] | None:
    """Return a function that writes lines of JSON to the process's log, or None if the log is not JSON."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, RepeatCounter) and isinstance(handler.formatter, _QuietJson):
            return handler.write_lines
    return None


class _QuietJson(JsonFormatter):
    def formatException(self, ei: Any) -> str:
        return trace_of(ei[1]) if ei[1] is not None else ""


def _json(process: str | None) -> logging.Formatter:
    formatter = _QuietJson(
        " ".join(f"%({name})s" for name in _FIELDS),
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        datefmt="%Y-%m-%dT%H:%M:%SZ",
        # Celery's `data` holds a task's arguments.
        reserved_attrs=[*RESERVED_ATTRS, "data"],
        static_fields={} if process is None else {"process": process},
    )
    formatter.converter = _utc
    return formatter


def _for_people(process: str | None) -> logging.Formatter:
    return LinesForPeople(has_colour=wants_colour(sys.stderr.isatty()), process=process)


def _on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("the process ends with an unexpected error", exc_info=(kind, error, trace))


def _on_thread_exception(thrown: threading.ExceptHookArgs) -> None:
    if thrown.exc_value is None or isinstance(thrown.exc_value, SystemExit):
        return
    name = thrown.thread.name if thrown.thread is not None else ""
    error = (thrown.exc_type, thrown.exc_value, thrown.exc_traceback)
    extra = {"name_of_thread": name}
    log.critical("a thread ended with an unexpected error", extra=extra, exc_info=error)


def _utc(seconds: float | None) -> time.struct_time:
    return time.gmtime(seconds)
