"""An intake whose tenant has its names in all dialects, and the vendors' own messages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from intake.auth.scopes import SCOPES
from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.messages import recorded
from tests.contract.ticket_evolution.client import broker, brokerage
from tests.intakes import Intake
from tests.makers import maker
from tests.processes import PATIENCE_SECONDS

__all__ = ["broker", "brokerage", "maker"]


@pytest.fixture(scope="session")
def catalogue(shared_intake: Intake) -> Catalogue:
    """Load the tenants of the vendors' samples, once for all tests of this process."""
    found = Catalogue.model_validate(recorded("catalogue.json"))
    load_catalogue(shared_intake.engine, found, now=datetime.now(UTC))
    return found


@pytest.fixture
def key(intake: Intake, catalogue: Catalogue) -> str:
    """Return a key of the samples' tenant that may do all that a program may."""
    return intake.new_key(*SCOPES[:-1], tenant="box-office")


@pytest.fixture
def caller(intake: Intake) -> Iterator[httpx.Client]:
    """Return a client without any credentials: each dialect has its own way to send them."""
    with httpx.Client(base_url=intake.url, timeout=PATIENCE_SECONDS) as client:
        yield client


def canonical(caller: httpx.Client, key: str, **query: Any) -> list[dict[str, Any]]:
    """Return the tenant's orders in canonical words, newest first."""
    headers = {"authorization": f"Bearer {key}"}
    items: list[dict[str, Any]] = caller.get("/v1/orders", params=query, headers=headers).json()["items"]
    return items
