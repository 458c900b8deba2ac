"""Promo codes, states and e-mail addresses of a database from before mean what they mean today."""

from typing import Any

from sqlalchemy import Engine, text

from schemas.requests import CANCEL
from tests.db.older import BEFORE_MONEY, migrate_again
from tests.factories import codes, load, make_change, make_event, make_request, place, read, rows, run


def _set(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def _promo(code: str = "FIVE") -> dict[str, Any]:
    return {"promo_codes": [{"code": code, "amount": "5.00", "max_uses": 2}]}


def test_what_was_cancelled_has_given_its_use_back(old: Engine) -> None:
    load(old, make_event(**_promo()))
    kept, gone = (place(old, promo_code="FIVE") for _ in range(2))
    run(old, make_change(CANCEL, order_id=str(gone)))
    _set(old, "UPDATE promo_codes SET used = 2")  # so far a cancelled order counted

    migrate_again(old, BEFORE_MONEY)

    assert rows(old, "SELECT used FROM promo_codes") == [(1,)]
    run(old, make_change(CANCEL, order_id=str(kept)), make_change(CANCEL, order_id=str(gone)))
    assert rows(old, "SELECT used FROM promo_codes") == [(0,)]


def test_codes_are_found_in_any_spelling(old: Engine) -> None:
    load(old, make_event(**_promo(" Früh\u00dfTÜCK")))

    migrate_again(old, BEFORE_MONEY)

    (outcome,) = run(old, make_request(promo_code="FRÜHSSTÜCK "))
    assert codes(outcome) == []


def test_what_was_refunded_before_it_was_cancelled_is_refunded(old: Engine) -> None:
    load(old)
    order_id = place(old)
    _set(old, "UPDATE orders SET status = 'cancelled', payment_status = 'refunded'")

    migrate_again(old, BEFORE_MONEY)

    assert read(old, order_id)["status"] == "refunded"


def test_checked_orders_count_for_an_address_in_any_case(old: Engine) -> None:
    load(old)
    place(old, check_fraud=True)
    _set(old, "UPDATE fraud_checks SET email = 'Ada@Example.COM'")

    migrate_again(old, BEFORE_MONEY)

    assert rows(old, "SELECT email FROM fraud_checks") == [("ada@example.com",)]
