"""The version of an order when a request about it is accepted, which orders changes without a clock."""

import asyncio
import logging
import time
from typing import Final
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from db.tables import orders
from intake.auth.keys import Caller

log = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 0.5
_SILENCE_SECONDS: Final = 1.0
_THREADS: Final = 4


class SeenVersions:
    """Reads versions of orders for requests that are being accepted; for one event loop.

    No request waits long for it, and none fails because of it: a version that cannot be read is left out.
    """

    def __init__(self, engine: Engine) -> None:
        # A single statement needs no transaction around it, which would be two more round trips.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._silent_until = 0.0
        # Threads of its own: slow queries of others must not hold up the taking of requests.
        self._limiter = CapacityLimiter(_THREADS)

    async def read(self, caller: Caller, order_id: UUID) -> int | None:
        """Return the version of the caller's order; None if there is none, or it cannot be read now."""
        # After a failure no caller waits for the next one: a failing database often fails slowly.
        if time.monotonic() < self._silent_until:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await to_thread.run_sync(
                    self._read, caller.tenant_id, order_id, limiter=self._limiter, abandon_on_cancel=True
                )
        except (SQLAlchemyError, TimeoutError) as error:
            self._silent_until = time.monotonic() + _SILENCE_SECONDS
            log.warning("versions of orders cannot be read", extra={"error": type(error).__name__})
            return None

    def _read(self, tenant_id: UUID, order_id: UUID) -> int | None:
        with self._engine.connect() as connection:
            return find_version(connection, tenant_id, order_id)


def find_version(connection: Connection, tenant_id: UUID, order_id: UUID) -> int | None:
    """Return the version of the tenant's order, or None if the order does not exist."""
    query = select(orders.c.version).where(orders.c.id == order_id, orders.c.tenant_id == tenant_id)
    return connection.scalars(query).one_or_none()
