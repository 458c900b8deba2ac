"""What a call says of each payment stays with that payment, whichever others were made."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.contract.ticket_evolution.client import Broker, sale

pytestmark = pytest.mark.usefixtures("worker")

_TOTAL: Final = Decimal("45.50")
_AMOUNTS: Final = (None, "0.00", "0", "5.50", "40.00", "45.50")
_EXAMPLES: Final = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class _Step:
    """One of a call's payments, or of those that are recorded after it."""

    amount: str | None = None
    is_completed: bool = True
    is_refund: bool = False


_STEPS: Final = st.builds(_Step, st.sampled_from(_AMOUNTS), st.booleans(), st.booleans())


def _possible(steps: list[_Step]) -> list[tuple[_Step, Decimal]]:
    """Return the payments that are allowed, with their amounts: no refund of what was not paid."""
    owed, returnable, found = _TOTAL, Decimal(0), []
    for step in steps:
        due = -owed if step.is_refund else owed
        amount = max(due, Decimal(0)) if step.amount is None else Decimal(step.amount)
        if step.is_refund and not 0 < amount <= returnable:
            continue
        sign = -1 if step.is_refund else 1
        owed -= sign * amount
        returnable += sign * amount if step.is_completed else 0
        found.append((step, amount))
    return found


def _said(step: _Step, check_number: int) -> dict[str, Any]:
    amount = {} if step.amount is None else {"amount": step.amount}
    flags = {"is_completed": step.is_completed, "is_refund": step.is_refund}
    return {"type": "check", "check_number": check_number, **amount, **flags}


@_EXAMPLES
@example(steps=[_Step("45.50"), _Step(), _Step("5.50")], later=["5.50"])
@example(steps=[_Step("45.50"), _Step(None, is_completed=False)], later=["5.50"])
@example(steps=[_Step("45.50"), _Step(), _Step("5.50", is_completed=False)], later=[])
@given(
    steps=st.lists(_STEPS, min_size=1, max_size=6),
    later=st.lists(st.sampled_from(["1.00", "5.50"]), max_size=2),
)
def test_each_payment_is_shown_with_its_own_check_number(
    broker: Broker, steps: list[_Step], later: list[str]
) -> None:
    payments = _possible(steps)
    words = [_said(step, 100 + place) for place, (step, _) in enumerate(payments)]
    # A payment of the balance is not made where nothing is owed; those after it keep what was said of them.
    made = [
        (100 + place, amount, step)
        for place, (step, amount) in enumerate(payments)
        if amount or step.amount is not None
    ]

    (order,) = broker.made(sale(payments=words))

    expected: list[list[Any]] = [
        [number, f"{amount:.2f}", "completed" if step.is_completed else "pending", step.is_refund]
        for number, amount, step in made
    ]
    assert _shown(order) == expected

    path = f"/v1/orders/{broker.canonical(order['id'])['id']}/payments"
    for place, (_, _, step) in enumerate(made, 1):
        if not step.is_completed and not step.is_refund:
            broker.call("POST", path, type="check", payment_number=place)
            expected[place - 1][2] = "completed"
    for amount in later:
        broker.call("POST", path, type="cash", amount=amount)
        expected.append([None, amount, "completed", False])
    assert _shown(broker.get(f"/v9/orders/{order['id']}").json()) == expected


def _shown(order: dict[str, Any]) -> list[list[Any]]:
    return [[one["check_number"], one["amount"], one["state"], one["refund"]] for one in order["payments"]]
