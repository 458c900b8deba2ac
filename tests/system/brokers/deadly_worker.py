"""The worker's app, but one buyer's order ends the process that tries it, as a fault in a C library would.

`DEADLY_BUYER=Mortimer celery -A tests.system.brokers.deadly_worker worker …`
"""

import os
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

import tasks.orders
from orders.process import process
from schemas.outcomes import Outcome
from schemas.requests import Request
from worker.app import app

__all__ = ["app"]

_DEADLY: Final = os.environ["DEADLY_BUYER"]


def _process(connection: Connection, requests: Sequence[Request], **rest: Any) -> list[Outcome]:
    if any(request.body["buyer"]["first_name"] == _DEADLY for request in requests):
        os._exit(1)
    return process(connection, requests, **rest)


tasks.orders.process = _process  # type: ignore[attr-defined] # the name that the task calls
