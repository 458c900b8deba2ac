"""Tickets and their seats under updates and partial cancels."""

import pytest
from sqlalchemy import Engine

from db.ids import new_id
from tests.factories import (
    codes,
    load,
    make_event,
    make_seated_class,
    make_ticket_class,
    place,
    read,
    rows,
    scalar,
)
from tests.orders.processing import process_one, seat_wish
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE


def test_a_rename_keeps_the_code_and_another_seat_has_another(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-6")]))
    order_id = place(engine, line_items=[seat_wish("1", "2")])
    before = read(engine, order_id)["tickets"]
    renamed = {"ticket_class_id": "stalls", "quantity": 2, "attendees": [{"first_name": "Cyd"}]}
    process_one(engine, UPDATE, order_id=str(order_id), patch={"line_items": [renamed]})
    after = read(engine, order_id)["tickets"]
    assert [one["code"] for one in after] == [one["code"] for one in before]
    assert [one["attendee"] and one["attendee"]["first_name"] for one in after] == ["Cyd", None]

    assert (
        process_one(
            engine, UPDATE, order_id=str(order_id), patch={"line_items": [seat_wish("2", "5")]}
        ).errors
        == ()
    )
    tickets = {one["seat"]: one for one in read(engine, order_id)["tickets"]}
    assert {seat: one["status"] for seat, one in tickets.items()} == {
        "1": "voided",
        "2": "valid",
        "5": "valid",
    }
    assert tickets["2"]["code"] == before[1]["code"]
    assert tickets["5"]["code"] not in {one["code"] for one in before}
    assert rows(engine, "SELECT label FROM seats WHERE is_taken ORDER BY 1") == [("2",), ("5",)]
    told = rows(engine, "SELECT type FROM event_messages WHERE sequence > 2 ORDER BY sequence")
    assert told == [("order.updated",), ("ticket.voided",), ("ticket.issued",)]


def test_a_ticket_that_was_used_is_not_taken_away(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2)
    for ticket in read(engine, order_id)["tickets"]:
        process_one(engine, CHECK_IN, ticket_id=str(ticket["id"]))
    last = ticket
    fewer = {"line_items": [{"ticket_class_id": "standing", "quantity": 1}]}
    for outcome in (
        process_one(engine, UPDATE, order_id=str(order_id), patch=fewer),
        process_one(engine, CANCEL, order_id=str(order_id)),
        process_one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(last["id"])]),
    ):
        assert codes(outcome) == ["not_allowed_in_status"]
    assert scalar(engine, "SELECT sold FROM ticket_classes") == 2


@pytest.mark.parametrize("is_refunded", [False, True])
def test_a_cancelled_order_takes_no_update(engine: Engine, is_refunded: bool) -> None:
    load(engine)
    order_id = place(engine, payments=[{"type": "cash"}])
    process_one(engine, CANCEL, order_id=str(order_id))
    if is_refunded:
        process_one(engine, PAY, order_id=str(order_id), type="cash", is_refund=True)
    outcome = process_one(engine, UPDATE, order_id=str(order_id), patch={"reference": "x"})
    assert codes(outcome) == ["not_allowed_in_status"]
    assert process_one(engine, CANCEL, order_id=str(order_id)).status == "processed"
    status = "refunded" if is_refunded else "cancelled"
    assert read(engine, order_id)["status"] == status


def test_a_given_tax_and_a_discount_shrink_with_the_tickets(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(price="10.00")]))
    order_id = place(engine, quantity=3, tax="1.00", discount="25.00", shipping="2.00")
    assert (
        process_one(engine, CANCEL, order_id=str(order_id), lines=[{"line_number": 1, "quantity": 1}]).errors
        == ()
    )
    totals = read(engine, order_id)["totals"]
    # 1.00 × 20 / 30 = 0.67 and 25.00 × 20 / 30 = 16.67: each ticket keeps its share.
    assert (totals["subtotal"], totals["tax"], totals["discount"]) == ("20.00", "0.67", "16.67")
    assert totals["total"] == "6.00"


@pytest.mark.parametrize(
    ("promo_code", "discount"), [({"amount": "15.00"}, "10.00"), ({"percent": "50"}, "7.50")]
)
def test_a_partial_cancel_is_possible_whatever_was_taken_off(
    engine: Engine, promo_code: dict[str, str], discount: str
) -> None:
    load(
        engine,
        make_event(
            ticket_classes=[make_ticket_class(price="10.00")], promo_codes=[{"code": "PROMO"} | promo_code]
        ),
    )
    order_id = place(engine, quantity=2, promo_code="PROMO", discount="5.00")
    outcome = process_one(engine, CANCEL, order_id=str(order_id), lines=[{"line_number": 1, "quantity": 1}])
    assert outcome.errors == ()
    assert read(engine, order_id)["totals"]["discount"] == discount
    # And it is an order like any other afterwards.
    assert process_one(engine, UPDATE, order_id=str(order_id), patch={"reference": "x"}).errors == ()


def test_lines_of_the_promo_codes_event_can_be_cancelled(engine: Engine) -> None:
    concert = make_event(promo_codes=[{"code": "TEN", "percent": "10"}])
    load(engine, concert, make_event("opera", ticket_classes=[make_ticket_class("pit", price="10.00")]))
    items = [{"ticket_class_id": name, "quantity": 1} for name in ("standing", "pit")]
    order_id = place(engine, line_items=items, promo_code="TEN")
    assert process_one(engine, CANCEL, order_id=str(order_id), lines=[{"line_number": 1}]).errors == ()
    assert read(engine, order_id)["totals"]["total"] == "10.00"
    assert process_one(engine, UPDATE, order_id=str(order_id), patch={"shipping": "1.00"}).errors == ()


def test_cancelling_every_ticket_one_by_one_cancels_theread(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2)
    for ticket in read(engine, order_id)["tickets"]:
        for _ in range(2):
            outcome = process_one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(ticket["id"])])
            assert outcome.status == "processed"
    order = read(engine, order_id)
    assert (order["status"], order["version"]) == ("cancelled", 3)
    assert scalar(engine, "SELECT sold FROM ticket_classes") == 0


def test_a_ticket_or_a_line_that_the_order_does_not_have_cannot_be_cancelled(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    assert codes(process_one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(new_id())])) == [
        "unknown_ticket"
    ]
    for part in ({"line_number": 2}, {"line_number": 1, "quantity": 2}):
        assert codes(process_one(engine, CANCEL, order_id=str(order_id), lines=[part])) == ["invalid"]
