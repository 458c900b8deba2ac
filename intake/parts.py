"""The parts that the intake opens once and its routes share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, cast

from anyio import to_thread
from fastapi import Depends, FastAPI, Request
from limits.storage import Storage
from sqlalchemy import Engine

from intake.auth.authentication import Authenticator
from intake.auth.last_uses import LastUses
from intake.documents.serve import Documents
from intake.monitoring.pool_metrics import PoolMetrics
from intake.monitoring.readiness import Readiness
from intake.monitoring.server_metrics import ServerMetrics
from intake.monitoring.workers import Workers
from intake.quotas.quotas import Quotas
from intake.reads.pools import open_pools
from intake.reads.reader_shares import READERS, Shares
from intake.reads.stale_reads import StaleReads
from intake.reads.standby import Standby
from intake.requests.bulk_answers import BulkAnswers
from intake.requests.idempotency_keys import ReusedKeys
from intake.requests.publish import GroupPublisher
from intake.requests.seen_versions import SeenVersions
from orders.reading.event_listings import EventOrders
from worker.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """The database engines, the publisher, and the objects built on them."""

    settings: Settings
    engine: Engine
    """The engine for reading: at most `READERS` connections."""
    stale_reads: StaleReads
    """Reads of lists, which may be a few seconds old."""
    shares: Shares
    quotas: Quotas
    publisher: GroupPublisher
    authenticator: Authenticator
    answers: BulkAnswers
    """Answers for callers that wait for outcomes."""
    reads: BulkAnswers
    """Answers for callers that read one order."""
    seen_versions: SeenVersions
    reused_keys: ReusedKeys
    last_uses: LastUses
    readiness: Readiness
    workers: Workers
    """The workers that answer, for the operator's page."""
    operator_tenant: str | None
    """The tenant whose admin keys see all tenants on the operator's page."""
    public_url: str
    """The intake's address in links, which never comes from a caller's `Host` header."""
    link_lifetime: timedelta
    repeat_seconds: float
    """Seconds in which an identical signed call is the same request; 0: it is always a new one."""
    documents: Documents
    event_orders: EventOrders
    server_metrics: ServerMetrics
    pool_metrics: PoolMetrics
    max_body: int
    """Maximum bytes of the body of one call."""
    body_seconds: float


@asynccontextmanager
async def opened(settings: Settings, windows: Storage | None = None) -> AsyncIterator[Parts]:
    """Open the parts, none of which connects before it is used; close them in an order that loses nothing.

    `windows` is where rate limits are counted, if not in this process.
    """
    pools = open_pools(settings.database(), settings.read_database_url)
    standby = None
    if pools.standby is not None:
        standby = Standby(pools.standby, pools.checks, settings.read_lag_seconds)
    # A thread without a connection would only wait for one.
    threads = to_thread.current_default_thread_limiter()
    threads.total_tokens = READERS
    shares = Shares()
    quotas = Quotas(settings, windows)
    parts = Parts(
        settings=settings,
        engine=pools.readers,
        stale_reads=StaleReads(pools.readers, standby),
        shares=shares,
        quotas=quotas,
        publisher=GroupPublisher(settings, on_published=quotas.published),
        authenticator=Authenticator(
            pools.keys, unknown_keys_per_minute=settings.unknown_keys_per_minute, windows=windows
        ),
        answers=BulkAnswers(pools.answers, "intake-answers"),
        reads=BulkAnswers(pools.reads, "intake-reads"),
        seen_versions=SeenVersions(pools.keys),
        reused_keys=ReusedKeys(pools.keys),
        last_uses=LastUses(pools.checks),
        readiness=Readiness(pools.checks, settings),
        workers=Workers(settings),
        operator_tenant=settings.operator_tenant,
        public_url=settings.address_in_links(),
        link_lifetime=timedelta(seconds=settings.link_seconds),
        repeat_seconds=settings.signed_repeat_seconds,
        documents=Documents(pools.documents, settings),
        event_orders=EventOrders(),
        server_metrics=ServerMetrics(pools.checks, settings),
        pool_metrics=PoolMetrics(
            pools.by_name(), {"readers": lambda: threads.statistics().tasks_waiting + shares.waiting}
        ),
        max_body=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
    )
    for part in (parts.publisher, parts.answers, parts.reads):
        part.start()
    if standby:
        standby.start()
    try:
        async with quotas.watching():
            yield parts
    finally:
        await to_thread.run_sync(parts.publisher.close)
        await parts.answers.close()
        await parts.reads.close()
        await parts.documents.close()
        await parts.last_uses.close()
        await to_thread.run_sync(parts.server_metrics.close)
        if standby:
            await to_thread.run_sync(standby.close)
        pools.close()


def parts_of(app: FastAPI) -> Parts:
    """Return the parts of a running app."""
    return cast("Parts", app.state.parts)


async def _parts(request: Request) -> Parts:  # not a plain `def`, which would need a thread
    return parts_of(request.app)


PartsOfApp = Annotated[Parts, Depends(_parts)]
"""The parts, as a parameter of a route."""
