"""Removing the bodies of messages, arguments and texts of exceptions from what libraries log."""

import logging
from typing import Any, Final

from worker.runtime.traces import name_of

_LONGEST_LINE: Final = 300  # characters

_QUOTE_BODIES: Final = "celery.worker.consumer"
"""Its lines about messages that it cannot read end with the whole message."""

_QUOTE_ERRORS: Final = ("celery.app.trace", "asyncio")
"""Their first line says what happened; the rest, or the part in brackets, is the exception's own text."""


class Discretion(logging.Filter):
    """Rewrites records so that none quotes a message, an argument or an exception's text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True for every record, after shortening some."""
        if record.name == "celery.app.trace" and isinstance(record.args, dict):
            _shorten_task(record, record.args)
        elif record.name.startswith(_QUOTE_BODIES):
            record.msg, record.args = _first_line(record), ()
            if "unregistered task" in record.msg:
                record.exc_info = None  # the name is in the line
        elif record.name in _QUOTE_ERRORS:
            record.msg, record.args = _first_line(record), ()
        elif isinstance(record.args, tuple):
            record.args = tuple(
                name_of(value) if isinstance(value, BaseException) else value for value in record.args
            )
        return True


def _shorten_task(record: logging.LogRecord, context: Any) -> None:
    name, description = context.get("name"), context.get("description")
    record.msg, record.args = f"the task {name} {description or 'failed'}", ()
    record.task_id = context.get("id")


def _first_line(record: logging.LogRecord) -> str:
    # A message's headers begin at the bracket; Celery clients also write their arguments into them.
    line = record.getMessage().partition("\n")[0].partition(" [type:")[0]
    return line[:_LONGEST_LINE]
