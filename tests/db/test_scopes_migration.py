"""A key that was made when scopes were wider can do what it could, and no more."""

import pytest
from sqlalchemy import Engine

from intake.auth.keys import create_key
from tests.db.older import BEFORE_SCOPES, migrate_again
from tests.factories import NOW, load, rows


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["orders.create"], ["holds", "orders.create"]),
        (["orders.read"], ["catalogue.read", "orders.read"]),
        (["orders.update"], ["orders.update", "payments.record", "tickets.check_in"]),
        (["events.read", "orders.set_price"], ["events.read", "orders.set_price"]),
        (["admin"], ["admin"]),
        ([], []),
        (
            ["orders.create", "orders.read", "orders.update"],
            ["catalogue.read", "holds", "orders.create", "orders.read", "orders.update", "payments.record",
             "tickets.check_in"],
        ),
    ],
)  # fmt: skip
def test_a_key_keeps_what_it_could_do(old: Engine, scopes: list[str], expected: list[str]) -> None:
    load(old)
    with old.begin() as connection:
        create_key(connection, "demo", scopes, NOW)

    migrate_again(old, BEFORE_SCOPES)

    assert rows(old, "SELECT scopes FROM api_keys") == [(expected,)]
