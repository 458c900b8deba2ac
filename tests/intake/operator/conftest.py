"""Operators who are logged in, and orders for them to look at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from orders.recovery.dead_letters import DeadLetter, bury
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS


@contextmanager
def log_in(intake: Intake, tenant: str = "demo", *scopes: str) -> Iterator[httpx.Client]:
    """Give a browser, as far as HTTP goes, with a session."""
    with httpx.Client(base_url=intake.url, timeout=PATIENCE_SECONDS, follow_redirects=True) as client:
        client.post("/operator/login", data={"key": intake.new_key(*(scopes or ("admin",)), tenant=tenant)})
        yield client


def token_of(page: httpx.Response) -> str:
    """Return the token of the page's forms."""
    return page.text.split('name="token" value="')[1].split('"')[0]


@pytest.fixture
def operator(intake: Intake) -> Iterator[httpx.Client]:
    """Return somebody with an admin key of the tenant demo, who is logged in."""
    with log_in(intake) as client:
        yield client


@pytest.fixture
def dead_letter(intake: Intake) -> Callable[..., UUID]:
    """Return a factory of dead letters."""

    def make(tenant: str = "demo", **changes: Any) -> UUID:
        reason = f"made by a test {uuid4().hex}"
        letter = DeadLetter(
            **{"kind": "orders.create", "message": b"{}", "reason": reason, "tenant": tenant} | changes
        )
        with intake.engine.begin() as connection:
            bury(connection, [letter], datetime.now(UTC))
            found = connection.exec_driver_sql("SELECT id FROM dead_letters WHERE reason = %s", (reason,))
            return UUID(str(found.scalar_one()))

    return make
