"""What was paid with an order, and how far it is paid."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.money.payments import payment_amounts, payment_status
from orders.money.pricing import PricedOrder
from schemas.order_requests import OrderRequest


def paid(total: str, *payments: str | None, currency: str = "USD") -> list[str]:
    """The amounts of payments, of which those that are None name none."""
    zero = Decimal(0)
    priced = PricedOrder(currency, (), zero, zero, zero, zero, zero, zero, zero, Decimal(total), ())
    words: list[dict[str, Any]] = [
        {"type": "cash"} if amount is None else {"type": "cash", "amount": amount} for amount in payments
    ]
    order = OrderRequest.model_validate(
        {
            "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
            "line_items": [{"ticket_class_id": "standing", "quantity": 1}],
            "payments": words,
        }
    )
    return [str(amount) for amount in payment_amounts(order, priced)]


def test_an_order_without_payments_is_paid_nothing() -> None:
    assert paid("10.00") == []


def test_a_payment_is_of_the_amount_it_names() -> None:
    assert paid("10.00", "4.00", "5.5") == ["4.00", "5.50"]


def test_a_payment_without_an_amount_pays_what_is_still_owed() -> None:
    assert paid("10.00", None) == ["10.00"]
    assert paid("10.00", "4.00", None) == ["4.00", "6.00"]


def test_what_is_owed_is_paid_once() -> None:
    assert paid("10.00", None, None, "1.00") == ["10.00", "0.00", "1.00"]


def test_nothing_is_owed_when_too_much_was_paid() -> None:
    assert paid("10.00", "12.00", None) == ["12.00", "0.00"]


def test_a_payment_of_a_free_order_is_of_nothing() -> None:
    assert paid("0.00", None) == ["0.00"]


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1500"), ("KWD", "1.250"), ("CLF", "1.2500")])
def test_a_payment_has_the_decimals_of_the_currency(currency: str, amount: str) -> None:
    assert paid(amount, None, currency=currency) == [amount]


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**9), st.lists(st.none() | st.integers(0, 10**9), max_size=6))
def test_a_last_payment_without_an_amount_settles_the_order(total: int, cents: list[int | None]) -> None:
    named = [None if amount is None else str(Decimal(amount).scaleb(-2)) for amount in cents]

    amounts = paid(str(Decimal(total).scaleb(-2)), *named, None)

    given_amounts = [
        Decimal(written) for written, amount in zip(amounts, cents, strict=False) if amount is not None
    ]
    assert sum(map(Decimal, amounts)) >= Decimal(total).scaleb(-2)
    assert given_amounts == [Decimal(amount).scaleb(-2) for amount in cents if amount is not None]
    if None not in cents:
        assert Decimal(amounts[-1]) == max(Decimal(total - sum(filter(None, cents))).scaleb(-2), Decimal(0))


@pytest.mark.parametrize(
    ("total", "amount", "status"),
    [
        ("10.00", "0.00", "unpaid"),
        ("10.00", "0.01", "partially_paid"),
        ("10.00", "9.99", "partially_paid"),
        ("10.00", "10.00", "paid"),
        ("10.00", "10.01", "paid"),
        ("0.00", "0.00", "paid"),
    ],
)
def test_the_payment_status_follows_from_what_was_paid(total: str, amount: str, status: str) -> None:
    assert payment_status(Decimal(total), Decimal(amount)) == status
