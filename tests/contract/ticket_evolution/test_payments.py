"""Payments as Payments / Create has them: pending until they are completed, and refunds."""

from typing import Any

import pytest

from tests.contract.ticket_evolution.client import Broker, sale

pytestmark = pytest.mark.usefixtures("worker")

_TYPES = ["cash", "check", "evopay", "money_order", "offline", "paypal", "tbd", "transaction_api"]


def _made(broker: Broker, *payments: Any) -> dict[str, Any]:
    (order,) = broker.made(sale(payments=list(payments)))  # of 45.50
    return order


def _sums(order: dict[str, Any]) -> tuple[str, ...]:
    return tuple(order[name] for name in ("collected", "refunded", "balance", "pending_balance"))


@pytest.mark.parametrize("type_", _TYPES)
@pytest.mark.parametrize(
    "said", [{}, {"is_completed": False}, {"is_completed": None}, {"is_completed": True}]
)
def test_a_payment_counts_when_it_is_completed(broker: Broker, type_: str, said: dict[str, Any]) -> None:
    # Payments / Apply: by default a payment is created pending, which does not affect the balance.
    order = _made(broker, {"type": type_, "amount": 45.5} | said)
    (payment,) = order["payments"]
    is_completed = bool(said.get("is_completed"))
    assert (payment["type"], payment["state"]) == (type_, "completed" if is_completed else "pending")
    assert _sums(order) == (
        ("45.50", "0.00", "0.00", "0.00") if is_completed else ("0.00", "0.00", "45.50", "0.00")
    )
    words = broker.canonical(order["id"])
    assert words["payment_status"] == ("paid" if is_completed else "unpaid")


def test_a_pending_payment_can_be_completed(broker: Broker) -> None:
    order = _made(broker, {"type": "check", "check_number": 7})
    id_ = broker.canonical(order["id"])["id"]
    broker.call("POST", f"/v1/orders/{id_}/payments", type="check", payment_number=1)
    shown = broker.get(f"/v9/orders/{order['id']}").json()
    assert (shown["payments"][0]["state"], shown["payments"][0]["check_number"]) == ("completed", 7)
    assert _sums(shown) == ("45.50", "0.00", "0.00", "0.00")


def test_what_is_pending_is_not_owed_a_second_time(broker: Broker) -> None:
    first, second = _made(broker, {"type": "cash", "amount": 40}, {"type": "check"})["payments"]
    assert (first["amount"], second["amount"]) == ("40.00", "5.50")


@pytest.mark.parametrize("is_completed", [True, False])
def test_a_refund_gives_back_what_was_paid(broker: Broker, is_completed: bool) -> None:
    refund = {"type": "cash", "amount": "4.50", "is_refund": True, "is_completed": is_completed}
    order = _made(broker, {"type": "cash", "amount": 50, "is_completed": True}, refund)
    assert [one["refund"] for one in order["payments"]] == [False, True]
    assert _sums(order) == (
        ("45.50", "4.50", "0.00", "0.00") if is_completed else ("50.00", "0.00", "-4.50", "0.00")
    )


def test_a_refund_without_an_amount_is_what_was_paid_too_much(broker: Broker) -> None:
    paid = {"type": "cash", "amount": "50", "is_completed": True}
    order = _made(broker, paid, {"type": "cash", "is_refund": True, "is_completed": True})
    assert (order["payments"][1]["amount"], order["balance"]) == ("4.50", "0.00")


@pytest.mark.parametrize(
    "payments",
    [
        [{"amount": 1, "is_refund": True}],
        [{"is_refund": True}],
        [{"amount": 45.5}, {"amount": 1, "is_refund": True}],  # a payment that is pending gave nothing
        [{"amount": 5, "is_completed": True}, {"amount": 5.01, "is_refund": True}],
        [{"amount": 5, "is_completed": True}, {"amount": 0, "is_refund": True}],
        [
            {"amount": 5, "is_completed": True},
            {"amount": 3, "is_refund": True, "is_completed": True},
            {"amount": 3, "is_refund": True, "is_completed": True},
        ],
    ],
)
def test_more_than_was_paid_is_not_refunded(broker: Broker, payments: list[dict[str, Any]]) -> None:
    order = sale(payments=[{"type": "cash"} | payment for payment in payments])
    answer = broker.post({"orders": [order]})
    assert answer.status_code == 422, answer.text
    assert f"payments.{len(payments) - 1}.amount" in answer.text


def test_ids_of_addresses_come_back(broker: Broker) -> None:
    said = {"billing_address_id": 7, "address_id": 8, "credit_card_id": 9, "check_number": 10}
    (payment,) = _made(broker, {"type": "check"} | said)["payments"]
    assert {name: payment[name] for name in said} == said


@pytest.mark.parametrize("field", ["is_completed", "is_refund"])
@pytest.mark.parametrize("value", ["yes", 2, [], {}])
def test_what_is_neither_true_nor_false_is_refused_by_name(broker: Broker, field: str, value: Any) -> None:
    answer = broker.post({"orders": [sale(payments=[{"type": "cash", field: value}])]})
    assert answer.status_code == 422
    assert f"payments.0.{field}" in answer.text
