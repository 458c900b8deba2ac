"""Purchases, and the inventory that they make, against a real PostgreSQL."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from schemas.json import JsonObject
from tests.factories import (
    codes,
    load,
    make_change,
    make_event,
    make_request,
    make_ticket_class,
    rows,
    run,
    scalar,
)
from tests.orders.creating.trading import (
    engine,
    is_reconciled,
    make_group,
    make_purchase,
    make_sale,
    read_order,
)
from willcall.kinds import CANCEL

__all__ = ["engine"]


def test_a_purchase_of_what_is_there_takes_tickets_at_their_cost(engine: Engine) -> None:
    buy: dict[str, Any] = {
        "is_purchase": True,
        "seller_id": "them",
        "buyer_id": "us",
        "ticket_class": "theirs",
    }
    trusted, other = run(engine, make_request(**buy), make_request(may_set_price=False, **buy))
    assert read_order(engine, trusted.order_id)["totals"]["total"] == "40.00"
    assert read_order(engine, other.order_id)["totals"]["total"] == "50.00"
    assert len(read_order(engine, trusted.order_id)["tickets"]) == 1
    assert scalar(engine, "SELECT count(*) FROM orders") == 2
    assert is_reconciled(engine)


def test_a_purchase_of_a_ticket_group_makes_the_inventory(engine: Engine) -> None:
    request = make_purchase(low_seat="4", seat_order="odd_even")
    (outcome,) = run(engine, request)
    assert run(engine, request) == [outcome]
    order = read_order(engine, outcome.order_id)
    assert (order["totals"]["total"], order["tickets"]) == ("180.00", [])
    assert order["line_items"][0]["ticket_class_id"] == "new"
    made = rows(
        engine,
        "SELECT name, section, row, price::text, cost::text, capacity, sold, has_seats, office,"
        " bought_by_order_id FROM ticket_classes WHERE external_id = 'new'",
    )
    assert made == [("A, 7", "A", "7", "90.00", "60.00", 3, 0, True, "us", outcome.order_id)]
    (sold,) = run(engine, make_sale("new", 2))
    sale = read_order(engine, sold.order_id)
    assert [ticket["seat"] for ticket in sale["tickets"]] == ["4", "6"]
    assert (sale["totals"]["total"], sale["trade"]["counterpart_id"]) == ("180.00", None)
    assert is_reconciled(engine)


def test_a_ticket_group_without_id_name_and_seats_gets_what_it_needs(engine: Engine) -> None:
    (outcome,) = run(engine, make_purchase(id=None))
    order = read_order(engine, outcome.order_id)
    name = order["line_items"][0]["ticket_class_id"]
    assert name == str(900_000_000_000_000 + 100 * order["number"])  # an integer that JSON keeps
    assert codes(run(engine, make_sale(name, 4))[0]) == ["sold_out"]
    (sold,) = run(engine, make_sale(name, 3))
    assert read_order(engine, sold.order_id)["tickets"][0]["seat"] is None


def test_ticket_groups_without_ids_get_each_their_own_and_never_one_that_is_taken(engine: Engine) -> None:
    def bought() -> Any:
        lines = [
            {"quantity": 1, "unit_price": "1.00", "ticket_group": make_group(id=None, row=row)}
            for row in "AB"
        ]
        (outcome,) = run(engine, make_request(is_purchase=True, buyer_id="us", line_items=lines))
        return read_order(engine, outcome.order_id)

    first = bought()
    made = [int(line["ticket_class_id"]) for line in first["line_items"]]
    assert made == [made[0], made[0] + 1]
    next_name = str(made[0] + 100)
    load(engine, make_event("gala", ticket_classes=[make_ticket_class(next_name)]))
    second = bought()
    assert second["number"] == first["number"] + 1
    names = [line["ticket_class_id"] for line in second["line_items"]]
    assert names[1] == str(made[0] + 101)
    assert UUID(names[0])  # the catalogue's class keeps its name
    assert is_reconciled(engine)


def test_a_ticket_group_that_is_there_is_not_made_again(engine: Engine) -> None:
    two = [
        {"quantity": 1, "unit_price": "1.00", "ticket_group": make_group(id=name)}
        for name in ("ours", "other")
    ]
    first, second, taken = run(
        engine,
        make_purchase(seats=["1", "2", "3"]),
        make_purchase(seats=["1", "2", "3"]),
        make_request(is_purchase=True, line_items=two),
    )
    assert (first.status, codes(second), codes(taken)) == ("processed", ["invalid"], ["invalid"])
    assert second.errors[0].field == "line_items.0.ticket_group.id"
    assert scalar(engine, "SELECT count(*) FROM orders") == 1
    assert scalar(engine, "SELECT count(*) FROM ticket_classes WHERE external_id = 'other'") == 0
    assert scalar(engine, "SELECT count(*) FROM ticket_classes WHERE external_id = 'new'") == 1
    assert is_reconciled(engine)


@pytest.mark.parametrize(
    ("line", "order", "code", "field"),
    [
        ({}, {"is_purchase": False}, "invalid", "line_items.0.ticket_group"),
        ({}, {"promo_code": "SPRING"}, "invalid", "promo_code"),
        ({}, {"may_set_price": False}, "price_mismatch", "line_items.0.ticket_group"),
        ({"ticket_class_id": "ours"}, {}, "invalid", "line_items.0.ticket_class_id"),
        ({"unit_price": None}, {}, "invalid", "line_items.0.unit_price"),
        ({"unit_price": "1.001"}, {}, "too_many_decimals", "line_items.0.unit_price"),
        ({"quantity": 0}, {}, "invalid", "line_items.0.quantity"),
        ({"seats": ["1"]}, {}, "invalid", "line_items.0.seats"),
        (
            {"ticket_group": make_group(event_id="none")},
            {},
            "unknown_event",
            "line_items.0.ticket_group.event_id",
        ),
        (
            {"ticket_group": make_group(price="9.999")},
            {},
            "too_many_decimals",
            "line_items.0.ticket_group.price",
        ),
        ({"ticket_group": make_group(seats=["1"])}, {}, "invalid", "line_items.0.ticket_group.seats"),
        ({"ticket_group": make_group(seats=["1", "1"])}, {}, "invalid", "line_items.0.ticket_group.seats"),
        ({"ticket_group": make_group(low_seat="A")}, {}, "invalid", "line_items.0.ticket_group.low_seat"),
    ],
)
def test_a_ticket_group_that_cannot_be_made_leaves_nothing(
    engine: Engine, line: JsonObject, order: JsonObject, code: str, field: str
) -> None:
    base = {"quantity": 2, "unit_price": "60.00", "ticket_group": make_group()}
    made = {key: value for key, value in (base | line).items() if value not in (None, 0)}
    (outcome,) = run(engine, make_request(**{"is_purchase": True, "line_items": [made], **order}))
    assert [(error.code, error.field) for error in outcome.errors] == [(code, field)]
    assert scalar(engine, "SELECT count(*) FROM ticket_classes") == 4
    assert scalar(engine, "SELECT count(*) FROM orders") == 0


def test_a_cancelled_purchase_takes_its_inventory_with_it_unless_some_is_sold(engine: Engine) -> None:
    (outcome,) = run(engine, make_purchase(low_seat="1"))
    (sold,) = run(engine, make_sale("new", 1))
    cancel: dict[str, Any] = {"order_id": str(outcome.order_id)}
    assert codes(run(engine, make_change(CANCEL, **cancel))[0]) == ["not_allowed_in_status"]
    run(engine, make_change(CANCEL, order_id=str(sold.order_id)))
    assert run(engine, make_change(CANCEL, **cancel))[0].status == "processed"
    assert rows(engine, "SELECT capacity, sold FROM ticket_classes WHERE external_id = 'new'") == [(0, 0)]
    assert codes(run(engine, make_sale("new", 1))[0]) == ["sold_out"]
    assert is_reconciled(engine)


def test_a_change_in_the_batch_that_makes_the_inventory_is_processed_there(engine: Engine) -> None:
    purchase = make_purchase()
    cancel = make_change(CANCEL, order_key=purchase.body["idempotency_key"])
    assert [outcome.status for outcome in run(engine, purchase, cancel)] == ["processed", "processed"]
    assert run(engine, cancel)[0].status == "processed"
    assert is_reconciled(engine)
