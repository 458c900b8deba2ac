"""A primary, its standby, and an intake that reads lists from the standby; and what may be old there."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import REGISTRY

from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from orders.catalogue.loading import load_catalogue
from orders.process import process
from schemas.catalogue import Catalogue
from schemas.outcomes import Outcome
from schemas.requests import Request
from tests.factories import make_change, make_request
from tests.intakes import Intake, catalogue_of, running_intake
from tests.processes import wait_until
from tests.system.failover.postgres import Server, running_pair
from willcall.kinds import TAKE

FAR = 100_000.0
"""Seconds that no standby is behind here."""

NEWEST = {"cache-control": "no-cache"}


@contextmanager
def pair_of_servers() -> Iterator[tuple[Server, Server]]:
    """Run a primary and a standby that may be lost."""
    with running_pair() as (primary, standby):
        primary.set(synchronous_standby_names="")
        yield primary, standby


@contextmanager
def reading_from(home: Path, database_url: str, url: str, lag: float = FAR) -> Iterator[Intake]:
    """Run an intake that reads lists there as long as it is less behind."""
    settings = {"database_url": database_url, "read_database_url": url, "read_lag_seconds": lag}
    with running_intake(home, **settings) as intake:
        catalogue = catalogue_of("demo").model_dump(mode="json", exclude_unset=True)
        words = {**catalogue, "aliases": {"acme": ["t-1"], "ticket_evolution": ["1"]}}
        load_catalogue(intake.engine, Catalogue.model_validate(words), now=datetime.now(UTC))
        yield intake


@contextmanager
def paused(standby: Server) -> Iterator[None]:
    """Let the standby show what it shows now until the block ends."""
    standby.ask("SELECT pg_wal_replay_pause()")
    query = "SELECT pg_get_wal_replay_pause_state()"
    wait_until(lambda: standby.ask(query) == [("paused",)], what="a replay that pauses")
    try:
        yield
    finally:
        standby.ask("SELECT pg_wal_replay_resume()")


def catch_up(primary: Server, standby: Server) -> None:
    """Return when the standby shows all that the primary has now."""
    [(position,)] = primary.ask("SELECT pg_current_wal_insert_lsn()")
    primary.ask("SELECT pg_switch_wal()")  # or the last of it waits for somebody's commit
    query = f"SELECT pg_last_wal_replay_lsn() >= '{position}'"
    wait_until(lambda: standby.ask(query) == [(True,)], what="a standby that has all")


def reads_at(server: str, reason: str = "") -> float:
    """Return how many lists the intakes of this process have read there, for the reason."""
    labels = {"server": server, "reason": reason}
    return REGISTRY.get_sample_value("willcall_stale_reads_total", labels) or 0.0


def is_from_standby(client: httpx.Client) -> bool:
    before = reads_at("standby")
    assert client.get("/v1/orders").status_code == 200
    return reads_at("standby") > before


def wait_for_standby(client: httpx.Client) -> None:
    wait_until(lambda: is_from_standby(client), what="a list from the standby")


def wait_for_primary(client: httpx.Client) -> None:
    wait_until(lambda: not is_from_standby(client), what="a list from the primary")


@dataclass(frozen=True)
class Made:
    """An order and a hold of it that somebody has just made."""

    order_id: str
    request_id: str
    hold_id: str
    before: datetime


def run(intake: Intake, request: Request) -> Outcome:
    with intake.engine.begin() as connection:
        [outcome] = process(connection, [request], now=datetime.now(UTC))
    assert not outcome.errors, outcome
    return outcome


def make(intake: Intake) -> Made:
    """Make an order and a hold, on the primary."""
    before = datetime.now(UTC) - timedelta(minutes=1)
    order = run(intake, make_request())
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    run(intake, hold)
    with intake.engine.connect() as connection:
        query = "SELECT id::text FROM holds ORDER BY created_at DESC LIMIT 1"
        hold_id = connection.exec_driver_sql(query).scalar_one()
    return Made(str(order.order_id), str(order.request_id), hold_id, before)


Headers = Callable[[str, str], Mapping[str, str]]
"""The headers of a call that reads: by its path and its query."""


def headers_of(intake: Intake) -> Headers:
    """Return how a new key of the tenant is sent to each part of the intake."""
    with intake.engine.begin() as connection:
        made = create_key(connection, "demo", SCOPES[:-1], datetime.now(UTC))

    def headers(path: str, query: str) -> Mapping[str, str]:
        if path.startswith("/v1/b2c/"):
            return {"x-acme-api-key": made.key, "x-b2c-tenant-id": "t-1"}
        if path.startswith("/v9/"):
            words = f"GET {httpx.URL(intake.url).netloc.decode()}{path}?{query}".encode()
            signature = b64encode(hmac.digest(made.secret.encode(), words, sha256)).decode()
            return {"X-Token": made.id.hex, "X-Signature": signature}
        return {"authorization": f"Bearer {made.key}"}

    return headers


def shown(answer: httpx.Response) -> Any:
    """Return an answer's words without what differs from call to call."""
    assert answer.status_code == 200, answer.text
    return answer.json()
