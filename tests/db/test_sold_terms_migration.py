"""Orders of a database from before keep what they cost: the migration reads their terms off their rows."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine import make_engine
from db.migrate import upgrade
from schemas.requests import UPDATE
from tests.factories import load, make_change, make_event, make_ticket_class, place, read, rows, run

_DATABASE = "sold_terms"

# The schema as it was before the migration; the rows stay.
_BACK = """
    ALTER TABLE seats DROP CONSTRAINT seats_gone_seats_are_free_check;
    DROP INDEX order_changes_places, tickets_unissued, orders_expiring;
    ALTER TABLE order_changes DROP COLUMN place;
    ALTER TABLE orders DROP COLUMN expires_at, DROP COLUMN paid_in_full_at, DROP COLUMN promo_terms;
    ALTER TABLE order_lines DROP CONSTRAINT order_lines_tax_rule_check, DROP COLUMN tax_rate,
        DROP COLUMN tax_is_included, DROP COLUMN tax_rounding;
    CREATE INDEX orders_payment_due ON orders (payment_due_at) WHERE payment_due_at IS NOT NULL;
    UPDATE alembic_version SET version_num = '2026_11_22_substitutes';
"""

VAT = {"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "line"}


@pytest.fixture
def old(migrated: Engine) -> Iterator[Engine]:
    """A database of its own on the tests' server: others are busy with theirs."""
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {_DATABASE}"))
    url = migrated.url.set(database=_DATABASE).render_as_string(hide_password=False)
    engine = make_engine(url)
    upgrade(engine)
    yield engine
    engine.dispose()
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {_DATABASE} WITH (FORCE)"))


def _migrate_again(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(_BACK))
    upgrade(engine)


def _check_costs_the_same(engine: Engine, order_id: UUID) -> None:
    before = read(engine, order_id)["totals"]
    _migrate_again(engine)
    # A patch that names an amount prices the whole order again.
    (outcome,) = run(engine, make_change(UPDATE, order_id=str(order_id), patch={"shipping": "0.00"}))
    assert outcome.errors == ()
    assert read(engine, order_id)["totals"] == before


@pytest.mark.parametrize(
    ("sold_on", "today"),
    [
        (VAT, VAT),
        (None, VAT),
        (VAT, None),
        (VAT, VAT | {"rate": "0.25"}),
        (VAT | {"is_included": True}, VAT | {"is_included": True}),
        (VAT | {"is_included": True}, VAT | {"is_included": True, "rate": "0.07"}),
        (VAT | {"is_included": True}, None),
        (VAT | {"rounding": "sum_by_net"}, VAT | {"rounding": "sum_by_net"}),
    ],
)
def test_a_tax_is_that_of_the_sale(old: Engine, sold_on: Any, today: Any) -> None:
    load(old, make_event(tax=sold_on))
    order_id = place(old, quantity=3)
    load(old, make_event(tax=today))
    _check_costs_the_same(old, order_id)


@pytest.mark.parametrize("today", [{"percent": "10"}, {"percent": "50"}, {"amount": "1.00"}])
def test_a_promo_code_takes_off_what_it_took_off(old: Engine, today: dict[str, str]) -> None:
    load(old, make_event(promo_codes=[{"code": "PROMO", "percent": "10"}]))
    order_id = place(old, quantity=2, promo_code="PROMO", discount="1.00")
    load(old, make_event(promo_codes=[{"code": "PROMO"} | today]))
    _check_costs_the_same(old, order_id)


@pytest.mark.parametrize("is_turned", [False, True])
def test_of_two_codes_of_one_name_it_is_the_one_that_was_used(old: Engine, is_turned: bool) -> None:
    play = make_event(
        "play", ticket_classes=[make_ticket_class("pit")], promo_codes=[{"code": "PROMO", "percent": "70"}]
    )
    load(old, make_event(promo_codes=[{"code": "PROMO", "percent": "10"}]), play)
    items = [{"ticket_class_id": name, "quantity": 2} for name in ("standing", "pit")]
    order_id = place(old, line_items=items[::-1] if is_turned else items, promo_code="PROMO")
    _check_costs_the_same(old, order_id)


def test_an_order_that_was_paid_in_full_once_does_not_expire(old: Engine) -> None:
    load(old)
    order_id = place(old, payments=[{"type": "cash"}], payment_due_at="2026-05-05T00:00:00Z")
    run(old, make_change(UPDATE, order_id=str(order_id), patch={"shipping": "5.00"}))
    unpaid_id = place(old, payment_due_at="2026-05-05T00:00:00Z")
    query = "SELECT id, paid_in_full_at IS NULL, expires_at FROM orders ORDER BY number"
    before = rows(old, query)

    _migrate_again(old)

    assert rows(old, query) == before
    assert [row[1] for row in before] == [False, True]
    assert before[1][0] == unpaid_id
