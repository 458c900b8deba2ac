"""Looks now and then for waiting documents whose message was lost, in each process that makes documents."""

import logging
import threading
from typing import Any, Final

from celery.signals import worker_ready, worker_shutdown
from sqlalchemy.exc import SQLAlchemyError

from intake.documents.store import is_any_waiting
from intake.documents.waking import wake
from tasks.resources import engine, publisher

log = logging.getLogger(__name__)

_EVERY_SECONDS: Final = 5.0

_stopping: Final = threading.Event()


@worker_ready.connect
def _on_ready(**_: Any) -> None:
    threading.Thread(target=_watch, name="documents-watch", daemon=True).start()


@worker_shutdown.connect
def _on_shutdown(**_: Any) -> None:
    _stopping.set()


def _watch() -> None:
    while True:
        try:
            _look()
        except Exception:
            log.exception("waiting documents could not be looked up")
        if _stopping.wait(_EVERY_SECONDS):
            return


def _look() -> None:
    try:
        with engine().connect() as connection:
            is_waiting = is_any_waiting(connection)
    except SQLAlchemyError as error:
        log.warning("waiting documents could not be looked up", extra={"error": type(error).__name__})
        return
    if is_waiting:
        wake(publisher(), 1)
