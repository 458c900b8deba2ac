"""Logs: one JSON object a line, with ids and never a buyer's name."""

import logging
import sys
import time
from typing import Final

from pythonjsonlogger.json import JsonFormatter

from worker.settings import Settings

_FIELDS: Final = ("asctime", "levelname", "name", "message")


def set_up_logs(settings: Settings) -> None:
    """Send the process's logs to standard error as JSON, in UTC."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = JsonFormatter(
        " ".join(f"%({name})s" for name in _FIELDS),
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        datefmt="%Y-%m-%dT%H:%M:%SZ",
    )
    formatter.converter = _utc
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # Celery logs every task twice, with its arguments; the batch has a line of its own.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)
    # It warns of ETA tasks, of which we have none: waiting is a row.
    logging.getLogger("kombu.transport.native_delayed_delivery").setLevel(logging.ERROR)


def _utc(seconds: float | None) -> time.struct_time:
    return time.gmtime(seconds)
