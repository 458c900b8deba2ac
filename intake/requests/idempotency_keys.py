"""Reused idempotency keys with another body: refused at once if known.

Each process remembers the keys it has seen lately, with their bodies. That is only a reason to look into the
inbox: the first request with a key may have come by another way, and only the inbox says which it was. A
conflict that is not found here is in the outcome.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Final
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from db.tables import requests
from intake.requests.envelope import CallRequests
from orders.steps.validate import body_hash
from schemas.text import is_storable
from tasks.messages import QueueMessage, parse
from willcall.packing import pack

log = logging.getLogger(__name__)

_MOST_REMEMBERED: Final = 20_000
_PATIENCE_SECONDS: Final = 0.5


class ReusedKeys:
    """The keys that were seen lately, as hashes; for one event loop."""

    def __init__(self, engine: Engine) -> None:
        # A single statement needs no transaction around it, which would be two more round trips.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._seen: OrderedDict[int, int | None] = OrderedDict()
        # Whoever sends the same key again and again keeps none of the others waiting.
        self._limiter = CapacityLimiter(1)

    async def is_reused(self, enclosed: CallRequests) -> bool:
        """Say whether the inbox has another request under the key of this one."""
        if enclosed.key is None or not self._was_seen_with_another_body(enclosed, enclosed.key):
            return False
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await to_thread.run_sync(
                    self._look, enclosed, limiter=self._limiter, abandon_on_cancel=True
                )
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("the inbox cannot be read", extra={"error": type(error).__name__})
            return False

    def _was_seen_with_another_body(self, enclosed: CallRequests, key: str) -> bool:
        (request,) = enclosed.requests
        name = hash((enclosed.caller.tenant_id, key))
        content = hash((request.kind, request.json.replace(str(request.request_id).encode(), b"")))
        before = self._seen.pop(name, content)
        # After a second body only the inbox knows which was the first.
        self._seen[name] = content if before == content else None
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return before != content

    def _look(self, enclosed: CallRequests) -> bool:
        (message,) = pack(enclosed.requests, max_requests=1)
        # As a worker reads it, which compares what it has read and translated.
        (read,) = parse(QueueMessage(enclosed.requests[0].kind, "", message.body)).requests
        key = read.body.get("idempotency_key")
        if not isinstance(key, str) or not is_storable(key):
            return False
        first = self._find(enclosed.caller.tenant_id, key)
        return first is not None and first != (read.kind, body_hash(read.body))

    def _find(self, tenant_id: UUID, key: str) -> tuple[str, bytes] | None:
        """Return kind and hash of the request that has the key."""
        query = select(requests.c.kind, requests.c.body_hash).where(
            requests.c.tenant_id == tenant_id, requests.c.idempotency_key == key
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.kind, bytes(row.body_hash))
