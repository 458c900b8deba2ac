"""A payment that is pending is counted as paid in no dialect: it may never arrive."""

from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from intake.cli.order_in_dialect import in_dialect
from orders.reading.order_reading import get_order
from tests.factories import load, make_change, make_request, run
from vendors.registry import RENDERERS
from willcall.kinds import PAY

_PENDING = {"type": "check", "status": "pending"}
_PAID = {"type": "cash", "amount": "40.00"}

_KINDS: dict[str, tuple[list[Any], list[Any]]] = {
    "pending": ([_PENDING], []),
    "pending after one that was made": ([_PAID, _PENDING], [_PAID]),
    "pending before one that was made": ([_PENDING | {"amount": "5.50"}, _PAID], [_PAID]),
    "a pending refund": ([_PAID, _PENDING | {"amount": "40.00", "is_refund": True}], [_PAID]),
    "nothing but a pending one of 0.00": ([_PENDING | {"amount": "0.00"}], []),
}
"""Payments of an order of 45.50, and those of them that were made."""

_SAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "acme": {"": ("paidAmount", "balanceAmount", "refundAmount")},
    "ticket_evolution": {"": ("collected", "refunded", "balance")},
    "zoho_backstage": {
        "": ("payment_status", "payment_status_string", "payment_type", "payment_option_name"),
        "tickets.0": ("payment_status", "payment_status_string"),
    },
    "eventbookings": {
        "result.orders.payments": ("payment_amount", "method", "status"),
        "result.orders": ("extended_status", "summary"),
    },
}
"""Where each dialect says what was paid."""


def _said(words: Any, dialect: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, names in _SAYS[dialect].items():
        part = words
        for step in path.split(".") if path else ():
            part = part[int(step)] if step.isdecimal() else part[step]
        found |= {f"{path}.{name}": part[name] for name in names}
    return found


def _shown(engine: Engine, dialect: Any, order_id: Any) -> Any:
    with engine.connect() as connection:
        words = get_order(connection, order_id)
        assert words is not None
        return orjson.loads(orjson.dumps(in_dialect(connection, words, RENDERERS[dialect])))


def _placed(engine: Engine, payments: list[Any]) -> Any:
    (outcome,) = run(engine, make_request(payments=payments))
    assert outcome.order_id is not None, outcome.errors
    return outcome.order_id


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("dialect", RENDERERS)
def test_an_order_shows_what_it_would_without_its_pending_payments(
    engine: Engine, dialect: Any, kind: str
) -> None:
    load(engine)
    payments, made = (_placed(engine, one) for one in _KINDS[kind])
    pending, without = (_said(_shown(engine, dialect, one), dialect) for one in (payments, made))
    assert pending == without


@pytest.mark.parametrize("dialect", RENDERERS)
def test_an_order_shows_as_paid_what_was_completed_later(engine: Engine, dialect: Any) -> None:
    load(engine)
    order_id, paid = _placed(engine, [_PENDING]), _placed(engine, [{"type": "check"}])
    change = make_change(PAY, order_id=str(order_id), type="check", payment_number=1)
    assert run(engine, change)[0].status == "processed"
    later, at_once = (_said(_shown(engine, dialect, one), dialect) for one in (order_id, paid))
    assert later == at_once


def test_eventbookings_names_pending_payments_as_pending(engine: Engine) -> None:
    # "Amount of the payment made", "Payment method used", "Date of payment": a pending one is none of these.
    load(engine)
    refund = _PENDING | {"amount": "1.00", "is_refund": True}
    payments = _shown(engine, "eventbookings", _placed(engine, [_PAID, _PENDING, refund]))["result"][
        "orders"
    ]["payments"]
    assert payments["attributes"] == "cash: 40.00\npending_check: 5.50\npending_refund: 1.00"
    nothing = _shown(engine, "eventbookings", _placed(engine, [_PENDING]))["result"]["orders"]["payments"]
    assert (nothing["payment_amount"], nothing["method"]) == ("0.00", "")
    assert nothing["date"] == {"utc": "", "local": ""}
