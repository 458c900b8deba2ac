"""Evidence made by hand: of a run in which all went well, and what may be changed of it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from tests.faults.checking import model
from tests.faults.checking.evidence import Evidence
from tests.faults.checking.ledger import Ask, Told
from tests.faults.checking.snapshot import Row, Snapshot
from tests.faults.checking.tape import Heard
from tests.faults.system.catalogue import PROMO_CODES, SCARCE, SEATED, STANDING
from willcall.kinds import CREATE, PAY

ORDER: Final = "order-1"
"""Its id; its key is "key-1"."""
REFUSED: Final = "key-2"
PAID: Final = "key-3"

NOW: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)

_BODY: Final = {
    "buyer": {"email": "buyer@example.com"},
    "line_items": [{"ticket_class_id": STANDING, "quantity": 2}],
    "shipping": "1.00",
}
_TOO_MUCH: Final = {
    "buyer": {"email": "late@example.com"},
    "line_items": [{"ticket_class_id": SCARCE, "quantity": 3}],
}


def evidence(**changes: Any) -> Evidence:
    """Return the evidence of an order that is sold and paid, and of another that is refused."""
    whole = Evidence(_asks(), _heard(), snapshot(), {"code-1": "ticket-1", "code-2": "ticket-2"}.get)
    return replace(whole, **changes)


def snapshot(**changes: Any) -> Snapshot:
    """Return what the database says of it."""
    whole = Snapshot(
        requests={
            "key-1": _request("request-1", CREATE, order_id=ORDER),
            REFUSED: _request("request-2", CREATE, status="rejected", errors=[{"code": "sold_out"}]),
            PAID: _request("request-3", PAY, order_id=ORDER),
        },
        repeats={},
        orders={"key-1": order()},
        doubled=[],
        holds=[],
        classes=[
            _ticket_class(STANDING, 100, sold=2),
            _ticket_class(SCARCE, 40, sold=0, held=0) | {"capacity": 2},
            _ticket_class(SEATED, 100),
        ],
        promo_codes=[{"code": PROMO_CODES[0], "used": 0, "max_uses": 1}],
        events={ORDER: [1, 2], "request-2": [1]},
        unsent=0,
        waiting=[],
        dead=[],
        now=NOW,
    )
    return replace(whole, **changes)


def order(**changes: Any) -> Row:
    """Return the order as the database has it."""
    row: Row = {
        "id": ORDER,
        "idempotency_key": "key-1",
        "status": "placed",
        "total": Decimal("92.00"),
        "paid": Decimal("92.00"),
        "buyer_email": "buyer@example.com",
        "promo_code": None,
        "version": 2,
        "last_sequence": 2,
        "lines": [{"class": STANDING, "quantity": 2}],
        "tickets": [ticket(1), ticket(2)],
        "payments": [{"amount": Decimal("92.00"), "status": "completed", "is_refund": False}],
    }
    return row | changes


def ticket(number: int, **changes: Any) -> Row:
    row: Row = {"id": f"ticket-{number}", "class": STANDING, "status": "valid", "code": f"code-{number}"}
    return row | {"seat_id": None, "line_number": 1} | changes


def asks(number: int, **changes: Any) -> list[Ask]:
    """Return what was asked, with other words in one place."""
    found = _asks()
    found[number] = replace(found[number], **changes)
    return found


def heard(*numbers: int) -> list[Heard]:
    """Return those of the event messages, in this order."""
    return [_heard()[number] for number in numbers]


def _asks() -> list[Ask]:
    told = [Told(1.0, 202, {}), Told(2.0, 200, {"totals": {"total": "92.00"}})]
    created = Ask(
        "key-1",
        CREATE,
        "http-1",
        "key-1",
        0,
        _BODY,
        frozenset({"processed"}),
        lambda _: model.created(_BODY),
        sendings=1,
        told=told,
        outcome="processed",
        order_id=ORDER,
    )
    refused = Ask(
        REFUSED,
        CREATE,
        "http-2",
        REFUSED,
        0,
        _TOO_MUCH,
        frozenset({"processed", "sold_out"}),
        lambda _: model.created(_TOO_MUCH),
        sendings=1,
        told=[Told(1.0, 422, {})],
        outcome="sold_out",
    )
    paid = replace(
        created, key=PAID, kind=PAY, place=1, body={"amount": "92.00"}, effect=_paid, told=[Told(3.0, 200)]
    )
    return [created, refused, paid]


def _paid(before: model.Expected | None) -> model.Expected:
    assert before is not None
    return model.paid(before, "92.00")


def _heard() -> list[Heard]:
    confirmed = {"line_items": [{"ticket_class_id": STANDING, "unit_price": "45.50"}]}
    return [
        Heard(2.0, "order-1/1", "order.confirmed", ORDER, 1, confirmed),
        Heard(2.1, "request-2/1", "order.rejected", "request-2", 1, {}),
        Heard(3.0, "order-1/2", "payment.recorded", ORDER, 2, {}),
    ]


def _request(id_: str, kind: str, **changes: Any) -> Row:
    row: Row = {"id": id_, "kind": kind, "status": "processed", "order_id": None, "errors": None}
    return row | changes


def _ticket_class(id_: str, capacity: int, *, sold: int = 0, held: int = 0) -> Row:
    return {"id": f"class-{id_}", "external_id": id_, "capacity": capacity, "sold": sold, "held": held}
