"""What the tests of the intake call it with."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.intakes import Intake


@pytest.fixture
def client(intake: Intake) -> Iterator[httpx.Client]:
    """Return a client of the tenant demo that may do all that a program may."""
    with intake.client() as client:
        yield client


@pytest.fixture
def order() -> Callable[..., dict[str, Any]]:
    """Return a factory of complete order requests; arguments replace fields."""

    def make(**fields: Any) -> dict[str, Any]:
        return {
            "event_id": "concert",
            "buyer": {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"},
            "line_items": [{"ticket_class_id": "standing", "quantity": 2}],
            **fields,
        }

    return make
