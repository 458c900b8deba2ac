"""`documents.render`: makes the documents that were asked for, in processes that do nothing else.

A message only wakes: what waits are rows. One that is lost costs some seconds, as `watching` looks too.
"""

import logging
import threading
import time
from typing import Any, Final
from uuid import UUID

from celery import shared_task
from celery.signals import worker_shutting_down
from sqlalchemy import text

from intake.documents.drawing.pdf import pdf_of
from intake.documents.read_facts import read_order_document
from intake.documents.store import MAX_TRIES, Claim, Size, begin, claim, keep
from intake.documents.versions import version_of
from intake.documents.waking import RENDER, wake
from tasks.breaker import breaker
from tasks.resources import engine, publisher
from tasks.transactions import DatabaseUnavailable, blaming_the_system, transaction
from worker.runtime.metrics import DOCUMENT_SECONDS

log = logging.getLogger(__name__)

_RUN_SECONDS: Final = 20.0
"""After so long a message is done, and another one goes on: brokers take back what takes too long."""

# One large document at a time leaves this process's other thread to the small ones.
_large: Final = threading.Lock()

_stopping: Final = threading.Event()

# A process that is stopped in the middle must not keep the tenant's turn for ever.
_END_IF_FORGOTTEN: Final = text("SELECT set_config('idle_in_transaction_session_timeout', '300s', true)")


@worker_shutting_down.connect
def _on_shutdown(**_: Any) -> None:
    _stopping.set()


@shared_task(name=RENDER)
def render() -> int:
    """Make the documents that wait, as long as this process may; return how many it made."""
    deadline = time.monotonic() + _RUN_SECONDS
    count = 0
    try:
        # What another holds now is seen by that one: it looks again when it is done.
        while _make_large() or _make_one("small"):
            count += 1
            if _stopping.is_set() or time.monotonic() > deadline:
                wake(publisher(), 1)
                break
    except DatabaseUnavailable as error:
        breaker.open(RENDER, str(error))
        return count
    breaker.close(RENDER)
    return count


def _make_large() -> bool:
    if not _large.acquire(blocking=False):
        return False
    try:
        return _make_one("large")
    finally:
        _large.release()


def _make_one(size: Size) -> bool:
    """Make a document that waits; False if there is none for us."""
    with transaction() as turn:
        turn.execute(_END_IF_FORGOTTEN)
        found = claim(turn, size)
        if found is None:
            return False
        with transaction() as connection:
            tries = begin(connection, found.order_id)
        if tries is not None:
            _make(found, tries)
    return True


def _make(found: Claim, tries: int) -> None:
    began = time.monotonic()
    version, content = None, None
    if tries > MAX_TRIES:
        log.error("a document ended its process, and is not retried", extra={"order": str(found.order_id)})
    else:
        try:
            version, content = _draw(found.order_id, found.tenant_id)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("a document cannot be made", extra={"order": str(found.order_id)})
    with transaction() as connection:
        keep(connection, found.order_id, version, content)
    DOCUMENT_SECONDS.observe(time.monotonic() - began)


def _draw(order_id: UUID, tenant_id: UUID) -> tuple[str | None, bytes | None]:
    at_one_moment = engine().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with blaming_the_system(), at_one_moment.connect() as connection:
        version = version_of(connection, order_id)
        document = read_order_document(connection, tenant_id, order_id)
    if document is None:
        return None, None
    return version, pdf_of(document.text, document.zones)
