"""An order to change over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.intake.routes.changes import WAIT
from tests.intakes import Worker

Order = Callable[..., dict[str, Any]]


@pytest.fixture
def placed(client: httpx.Client, worker: Worker, order: Order) -> dict[str, Any]:
    """Return an order of two tickets that was placed just now."""
    answer = client.post("/v1/orders", json=order(), headers=WAIT)
    assert answer.status_code == 201
    words: dict[str, Any] = answer.json()
    return words
