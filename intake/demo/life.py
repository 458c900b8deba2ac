"""A walk through an order's life: held, ordered, paid, changed, cancelled in part, used at the gate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from schemas.json import JsonObject
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, TAKE, UPDATE

Send = Callable[[str, JsonObject], UUID]
"""Sends one request of a kind through the queue and returns its id."""

Wait = Callable[[UUID], JsonObject]
"""Returns the outcome of a request."""

Read = Callable[[UUID], JsonObject]
"""Returns the order."""

_CLASS: Final = "3000000012240"

EVENTS: Final = (
    "order.confirmed",
    "payment.recorded",
    "order.updated",
    "ticket.issued",
    "order.updated",
    "ticket.voided",
    "ticket.checked_in",
)
"""The event messages about the order, in their order."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One request of the life, its outcome, and the order after it (None before there is one)."""

    about: str
    kind: str
    request_id: UUID
    outcome: JsonObject
    order: JsonObject | None
    expected: tuple[str, ...]
    """Status or rejection code, and then the order's total, balance and valid tickets."""

    @property
    def found(self) -> tuple[str, ...]:
        """Return the actual result, to compare with the expected one."""
        errors = self.outcome["errors"]
        status = errors[0]["code"] if errors else self.outcome["status"]
        if self.order is None:
            return (status,)
        return (status, self.order["totals"]["total"], self.order["totals"]["balance"], _valid(self.order))


def _valid(order: JsonObject) -> str:
    return str(sum(ticket["status"] != "voided" for ticket in order["tickets"]))


def live(run: str, send: Send, wait: Wait, read: Read) -> Iterator[Scene]:
    """Play the life, one request after the other; `run` makes its idempotency keys unique."""
    order_id: UUID | None = None

    def scene(about: str, kind: str, body: JsonObject, *expected: str) -> Scene:
        nonlocal order_id
        request_id = send(kind, {"idempotency_key": f"{run}-life-{about}", **body})
        outcome = wait(request_id)
        order_id = order_id or outcome["order_id"]
        order = None if order_id is None else read(order_id)
        return Scene(about, kind, request_id, outcome, order, expected)

    hold = scene("three tickets are held", TAKE, {"ticket_class_id": _CLASS, "quantity": 3}, "processed")
    yield hold
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
    key = f"{run}-life"
    ordered = {"idempotency_key": key, "buyer": buyer, "line_items": [{"hold_id": str(hold.request_id)}]}
    yield scene("the order uses the hold", CREATE, ordered, "processed", "60.00", "60.00", "3")
    named = {"order_key": key}
    yield scene("it is paid", PAY, {**named, "type": "cash"}, "processed", "60.00", "0.00", "3")
    line = {"ticket_class_id": _CLASS, "quantity": 4, "attendees": [{"first_name": "Grace"}]}
    patch: dict[str, Any] = {"line_items": [line], "reference": "changed by hand"}
    yield scene(
        "one ticket more, and a name", UPDATE, {**named, "patch": patch}, "processed", "80.00", "20.00", "4"
    )
    partly = {"lines": [{"line_number": 1, "quantity": 1}], "reason": "one of us is ill"}
    after = scene("one ticket is cancelled", CANCEL, {**named, **partly}, "processed", "60.00", "0.00", "3")
    yield after
    assert after.order is not None  # noqa: S101 - it was created above
    scan = {"code": after.order["tickets"][0]["code"]}
    yield scene("a ticket is used at the gate", CHECK_IN, scan, "processed", "60.00", "0.00", "3")
    yield scene("and once more, which is refused", CHECK_IN, scan, "already_checked_in", "60.00", "0.00", "3")
