"""Identical repeated calls: a signature without time or nonce stays valid.

Where the operator sets a window, an identical body from the same key is the same request, whatever its
`Idempotency-Key`: that header is not signed, and whoever repeats a captured call could change it. A repeat is
noticed for at least as long as the window, and for at most twice as long.
"""

import hmac
from base64 import urlsafe_b64encode
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Engine, select

from db.tables import requests
from intake.auth.keys import Caller


async def key_of_repeat(engine: Engine, caller: Caller, body: bytes, seconds: float, now: float) -> str:
    """Return the idempotency key of a call with this body, at `now` (Unix seconds).

    Time is cut into windows. A call takes the key of its own window, or that of a neighbouring one where a
    call with the same body was processed: the one before, or, where clocks differ, the one after.
    """
    digest = hmac.digest(caller.request_secret.encode(), b"repeated call " + body, "sha256")
    name = urlsafe_b64encode(digest).rstrip(b"=").decode()
    window = int(now // seconds)
    neighbours = [f"repeat/{name}/{number}" for number in (window - 1, window + 1)]
    found = await to_thread.run_sync(_find, engine, caller.tenant_id, neighbours)
    return found or f"repeat/{name}/{window}"


def _find(engine: Engine, tenant_id: UUID, keys: list[str]) -> str | None:
    """Return the key that has named a request; the first of several orders in a call stands for all."""
    columns = requests.c
    names = {name: key for key in keys for name in (key, f"{key}/0")}
    query = select(columns.idempotency_key).where(
        columns.tenant_id == tenant_id, columns.idempotency_key.in_(names)
    )
    with engine.connect() as connection:
        found = connection.scalars(query).first()
    return None if found is None else names[found]
