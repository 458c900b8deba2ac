"""Any order can be read in every dialect, whatever words it was made in."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from intake.cli.order_in_dialect import in_dialect
from orders.reading.order_reading import get_order
from tests.factories import load, make_change, make_event, make_request, make_ticket_class, run
from vendors.registry import RENDERERS
from willcall.kinds import CANCEL, CHECK_IN, PAY

Make = Callable[[Engine], Any]


def _placed(engine: Engine, *lines: tuple[str, int], **changes: Any) -> Any:
    items = [{"ticket_class_id": id_, "quantity": quantity} for id_, quantity in lines or [("standing", 2)]]
    (outcome,) = run(engine, make_request(line_items=items, **changes))
    assert outcome.order_id is not None, outcome.errors
    return outcome.order_id


def _then(engine: Engine, order_id: Any, kind: str, **body: Any) -> Any:
    (outcome,) = run(engine, make_change(kind, order_id=str(order_id), **body))
    assert outcome.status == "processed", outcome.errors
    return order_id


def _ticket(engine: Engine, order_id: Any) -> str:
    with engine.connect() as connection:
        return str((get_order(connection, order_id) or {})["tickets"][0]["id"])


def _used(engine: Engine) -> Any:
    order_id = _placed(engine)
    run(engine, make_change(CHECK_IN, ticket_id=_ticket(engine, order_id)))
    return order_id


def _refunded(engine: Engine) -> Any:
    order_id = _then(engine, _placed(engine, payments=[{"type": "cash"}]), CANCEL)
    return _then(engine, order_id, PAY, type="cash", is_refund=True)


def _purchase(engine: Engine) -> Any:
    sale = _placed(engine, ("theirs", 2), seller_id="us")
    with engine.connect() as connection:
        return (get_order(connection, sale) or {})["trade"]["counterpart_id"]


def _made_group(engine: Engine) -> Any:
    group = {"event_id": "concert", "section": "A", "row": "7", "low_seat": "1", "price": "90.00"}
    line = {"quantity": 2, "unit_price": "60.00", "ticket_group": group}
    (outcome,) = run(engine, make_request(is_purchase=True, seller_id="them", line_items=[line]))
    return outcome.order_id


_PENDING = [
    {"type": "cash", "amount": "50.00"},
    {"type": "cash", "amount": "10.00", "is_refund": True},
    {"type": "check", "status": "pending"},
]
_AMOUNTS = {"shipping": "5.00", "service_fee": "2.51", "additional_expense": "0.02", "discount": "3.07"}
_NOBODY = {"first_name": "", "last_name": "", "email": "a@example.com"}

_KINDS: dict[str, Make] = {
    "two tickets": _placed,
    "several events, with all amounts": lambda engine: _placed(
        engine, ("standing", 2), ("seat", 3), **_AMOUNTS
    ),
    "free": lambda engine: _placed(engine, ("gift", 1), payments=[{"type": "tbd"}]),
    "a tax that was given": lambda engine: _placed(engine, ("seat", 3), tax="1.00"),
    "of a buyer without names": lambda engine: _placed(engine, buyer=_NOBODY),
    "of a buyer without an address": lambda engine: _placed(engine, buyer=_NOBODY | {"email": None}),
    "partly cancelled": lambda engine: _then(
        engine, _placed(engine), CANCEL, lines=[{"line_number": 1, "quantity": 1}]
    ),
    "cancelled": lambda engine: _then(engine, _placed(engine), CANCEL, reason="rain"),
    "refunded": _refunded,
    "used": _used,
    "a purchase without tickets": _purchase,
    "a purchase of a new ticket group": _made_group,
    "with a refund and a pending payment": lambda engine: _placed(engine, payments=_PENDING),
    "with extras of nobody's": lambda engine: _placed(
        engine, extras={name: {"items": 7, "x": [None], "originals": "no"} for name in RENDERERS}
    ),
}


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("dialect", RENDERERS)
def test_an_order_of_any_kind_has_words_in_every_dialect(engine: Engine, dialect: Any, kind: str) -> None:
    tax = {"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "line"}
    classes = [make_ticket_class(), make_ticket_class("theirs", office="them", cost="40.00")]
    taxed = [make_ticket_class("seat", price="33.33"), make_ticket_class("gift", price="0.00")]
    load(engine, make_event(ticket_classes=classes), make_event("gala", tax=tax, ticket_classes=taxed))
    order_id = _KINDS[kind](engine)
    with engine.connect() as connection:
        words = get_order(connection, order_id)
        assert words is not None
        shown = in_dialect(connection, words, RENDERERS[dialect])
    names = {str(words[name]) for name in ("id", "number", "code")}
    assert names & set(re.findall(r"[\w-]+", orjson.dumps(shown).decode()))
