"""The scheduled task that lets unpaid orders expire: one order's failure does not stop the others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tasks.maintenance import cancel_unpaid, retry
from tests.factories import NOW, make_event, place, rows, scalar
from tests.poison import cure_orders, poison_orders


@pytest.fixture
def poison(engine: Engine) -> Iterator[Engine]:
    """A database in which changing an order with the reference `poison` fails, as a bug would make it."""
    catalogue = {"tenant": "demo", "events": [make_event()], "settings": {"cancels_unpaid": True}}
    load_catalogue(engine, Catalogue.model_validate(catalogue), now=NOW)
    poison_orders(engine, before="UPDATE")
    yield engine
    cure_orders(engine)


def _statuses(engine: Engine) -> list[tuple[str | None, str]]:
    return rows(engine, "SELECT reference, status FROM orders ORDER BY number")


def test_the_others_expire_and_the_one_that_fails_is_tried_again(poison: Engine) -> None:
    due = {"payment_due_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}
    for reference in ("a", "poison", "b", "c"):
        place(poison, reference=reference, **due)

    assert cancel_unpaid() == 3
    assert _statuses(poison) == [
        ("a", "cancelled"),
        ("poison", "placed"),
        ("b", "cancelled"),
        ("c", "cancelled"),
    ]
    assert rows(poison, "SELECT kind FROM delayed_requests") == [("orders.expire",)]
    # What waits for its next try is not proposed once more.
    assert cancel_unpaid() == 0
    assert scalar(poison, "SELECT count(*) FROM delayed_requests") == 1

    cure_orders(poison)
    with poison.begin() as connection:
        connection.execute(text("UPDATE delayed_requests SET next_attempt_at = now() - interval '1 s'"))
    assert retry() == 1

    assert _statuses(poison)[1] == ("poison", "cancelled")
    assert scalar(poison, "SELECT count(*) FROM delayed_requests") == 0
    assert cancel_unpaid() == 0


def test_what_is_not_due_stays(poison: Engine) -> None:
    place(poison, payment_due_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert cancel_unpaid() == 0
    assert _statuses(poison) == [(None, "placed")]
