"""A sale of what another office owns makes a purchase order, against a real PostgreSQL."""

from typing import Any

import pytest
from sqlalchemy import Engine

from orders.reading.history import read_history
from orders.render import to_json
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
from tests.orders.creating.trading import engine, is_reconciled, make_sale, read_order, read_pair
from willcall.kinds import CANCEL, PAY, UPDATE

__all__ = ["engine"]


def test_an_order_that_says_nothing_of_its_trade_has_none(engine: Engine) -> None:
    (outcome,) = run(engine, make_request(ticket_class="theirs"))
    assert read_order(engine, outcome.order_id)["trade"] is None
    assert scalar(engine, "SELECT count(*) FROM order_trades") == 0


def test_a_sale_of_what_another_office_owns_makes_the_purchase_order(engine: Engine) -> None:
    request = make_sale(consignment=True, created_by_ip_address="192.0.2.7", idempotency_key="shop-1")
    (outcome,) = run(engine, request)
    sale, purchase = read_pair(engine, outcome)
    assert sale["trade"] == {
        "is_purchase": False,
        "consignment": True,
        "seller_id": "us",
        "buyer_id": None,
        "client_id": "ada",
        "created_by_ip_address": "192.0.2.7",
        "order_group_id": sale["id"],
        "substitutes_id": None,
        "counterpart_id": purchase["id"],
    }
    trade = purchase["trade"]
    assert trade["order_group_id"] == sale["id"]
    assert (trade["is_purchase"], trade["seller_id"], trade["buyer_id"]) == (True, "them", "us")
    assert trade["counterpart_id"] == sale["id"]
    assert (sale["totals"]["total"], purchase["totals"]["total"]) == ("100.00", "80.00")
    assert (len(sale["tickets"]), purchase["tickets"]) == (2, [])
    assert purchase["idempotency_key"] == "shop-1/purchase"
    assert (purchase["number"] != sale["number"], purchase["code"] != sale["code"]) == (True, True)
    assert scalar(engine, "SELECT sold FROM ticket_classes WHERE external_id = 'theirs'") == 2
    assert is_reconciled(engine)


def test_both_orders_are_told_of_just_as_they_are_read_back(engine: Engine) -> None:
    (outcome,) = run(engine, make_sale())
    for order in read_pair(engine, outcome):
        told = rows(
            engine,
            "SELECT type, sequence, data::text FROM event_messages WHERE subject = :id",
            id=order["id"],
        )
        assert told == [("order.confirmed", 1, to_json(order).decode())]


def test_notes_for_both_sides_are_on_both_orders_and_internal_ones_stay(engine: Engine) -> None:
    request = make_sale(
        internal_notes="regular guest", external_notes=["aisle, please"], instructions="by mail"
    )
    (outcome,) = run(engine, request)
    sale, purchase = read_pair(engine, outcome)
    both = [
        {"kind": "external", "text": "aisle, please"},
        {"kind": "instructions", "text": "by mail"},
    ]
    assert sale["notes"] == [{"kind": "internal", "text": "regular guest"}, *both]
    assert purchase["notes"] == both
    told = rows(engine, "SELECT data::text FROM event_messages")
    assert len(told) == 2
    assert not any("regular guest" in data for (data,) in told)


def test_a_class_without_a_cost_is_bought_at_its_price_whatever_the_hold_costs(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class("plain", office="them", price="50.00")]))
    hold = make_change("holds.take", ticket_class_id="plain", quantity=2, unit_price="65.00")
    run(engine, hold)
    (outcome,) = run(engine, make_request(seller_id="us", line_items=[{"hold_id": str(hold.request_id)}]))
    sale, purchase = read_pair(engine, outcome)
    assert (sale["totals"]["total"], purchase["totals"]["total"]) == ("130.00", "100.00")


@pytest.mark.parametrize(
    ("tax", "totals"),
    [(None, ("119.00", "95.20")), ("0.00", ("100.00", "80.00")), ("7.00", ("107.00", "80.00"))],
)
def test_a_purchase_order_is_taxed_by_rule_only_if_its_sale_is(
    engine: Engine, tax: str | None, totals: tuple[str, str]
) -> None:
    classes = [make_ticket_class("theirs", office="them", price="50.00", cost="40.00")]
    load(
        engine, make_event(ticket_classes=classes, tax={"name": "VAT", "rate": "0.19", "is_included": False})
    )
    (outcome,) = run(engine, make_sale(tax=tax))
    assert tuple(order["totals"]["total"] for order in read_pair(engine, outcome)) == totals


@pytest.mark.parametrize("ticket_class", ["ours", "anybody's"])
def test_a_sale_of_what_the_seller_owns_makes_no_purchase_order(engine: Engine, ticket_class: str) -> None:
    (outcome,) = run(engine, make_sale(ticket_class))
    assert read_order(engine, outcome.order_id)["trade"]["counterpart_id"] is None
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_a_redelivered_sale_makes_no_second_purchase_order(engine: Engine) -> None:
    request = make_sale()
    (first,) = run(engine, request)
    again, twice = run(engine, request, request)
    assert first == again == twice
    assert scalar(engine, "SELECT count(*) FROM orders") == 2
    assert scalar(engine, "SELECT count(*) FROM event_messages") == 2


def test_two_sales_in_one_batch_make_a_purchase_order_each(engine: Engine) -> None:
    first, second = run(engine, make_sale(), make_sale("their-stalls", 3))
    (_, bought), (stalls, bought_stalls) = read_pair(engine, first), read_pair(engine, second)
    assert (bought["totals"]["total"], bought_stalls["totals"]["total"]) == ("80.00", "210.00")
    assert [ticket["seat"] for ticket in stalls["tickets"]] == ["1", "2", "3"]
    assert scalar(engine, "SELECT count(DISTINCT number) FROM orders") == 4
    assert is_reconciled(engine)


def test_a_rejected_sale_leaves_no_purchase_order(engine: Engine) -> None:
    first, second = run(engine, make_sale(quantity=3), make_sale(quantity=2))
    assert (first.status, codes(second)) == ("processed", ["sold_out"])
    assert scalar(engine, "SELECT count(*) FROM orders") == 2
    assert scalar(engine, "SELECT count(*) FROM order_trades") == 2
    assert is_reconciled(engine)


def test_a_sale_that_is_cancelled_whole_cancels_its_purchase_order_once(engine: Engine) -> None:
    (outcome,) = run(engine, make_sale())
    for _ in range(2):
        cancel = make_change(CANCEL, order_id=str(outcome.order_id), reason="rain")
        assert run(engine, cancel)[0].status == "processed"
    for order in read_pair(engine, outcome):
        assert (order["status"], order["version"], order["totals"]["total"]) == ("cancelled", 2, "0.00")
        assert order["cancellation"]["reason"] == "rain"
    purchase_id = read_pair(engine, outcome)[1]["id"]
    told = rows(engine, "SELECT sequence, type FROM event_messages WHERE subject = :id", id=purchase_id)
    assert sorted(told) == [(1, "order.confirmed"), (2, "order.cancelled")]
    assert scalar(engine, "SELECT sold FROM ticket_classes WHERE external_id = 'theirs'") == 0
    assert is_reconciled(engine)
    with engine.connect() as connection:
        created, cancelled = read_history(connection, purchase_id)
    assert (created["kind"], cancelled["kind"]) == ("orders.create", CANCEL)


def test_a_sale_and_its_cancellation_in_one_batch_cancel_both(engine: Engine) -> None:
    sale = make_sale()
    run(engine, sale, make_change(CANCEL, order_key=sale.body["idempotency_key"]))
    assert rows(engine, "SELECT status, version FROM orders") == [("cancelled", 2), ("cancelled", 2)]
    assert is_reconciled(engine)


def test_a_cancelled_ticket_leaves_the_purchase_order_as_it_is(engine: Engine) -> None:
    (outcome,) = run(engine, make_sale())
    run(
        engine, make_change(CANCEL, order_id=str(outcome.order_id), lines=[{"line_number": 1, "quantity": 1}])
    )
    sale, purchase = read_pair(engine, outcome)
    assert (sale["totals"]["total"], purchase["totals"]["total"]) == ("50.00", "80.00")
    assert is_reconciled(engine)


def test_a_purchase_order_lives_by_itself_but_keeps_its_lines(engine: Engine) -> None:
    (outcome,) = run(engine, make_sale())
    purchase_id = str(read_pair(engine, outcome)[1]["id"])
    line = {"ticket_class_id": "theirs", "quantity": 3}
    paid, noted, changed, in_part = run(
        engine,
        make_change(PAY, order_id=purchase_id, type="check"),
        make_change(UPDATE, order_id=purchase_id, patch={"reference": "PO-1"}),
        make_change(UPDATE, order_id=purchase_id, patch={"line_items": [line]}),
        make_change(CANCEL, order_id=purchase_id, lines=[{"line_number": 1}]),
    )
    assert (paid.status, noted.status) == ("processed", "processed")
    assert (codes(changed), codes(in_part)) == (["invalid"], ["invalid"])
    purchase = read_order(engine, purchase_id)
    assert (purchase["payment_status"], purchase["reference"]) == ("paid", "PO-1")
    run(engine, make_change(CANCEL, order_id=purchase_id))
    run(engine, make_change(CANCEL, order_id=str(outcome.order_id)))
    assert rows(engine, "SELECT DISTINCT status FROM orders") == [("cancelled",)]
    assert is_reconciled(engine)


def test_several_line_items_are_sold_only_by_who_owns_them_all(engine: Engine) -> None:
    def lines(*names: str) -> list[JsonObject]:
        return [{"ticket_class_id": name, "quantity": 1} for name in names]

    owned, mixed, unsaid = run(
        engine,
        make_request(seller_id="us", line_items=lines("ours", "anybody's")),
        make_request(seller_id="us", line_items=lines("ours", "theirs")),
        make_request(line_items=lines("ours", "theirs")),
    )
    assert (owned.status, unsaid.status) == ("processed", "processed")
    assert [(error.code, error.field) for error in mixed.errors] == [("invalid", "line_items")]
    assert "owned by them" in mixed.errors[0].message


@pytest.mark.parametrize("address", ["nowhere", "192.0.2.256", "fe80::1%\x00", 7])
def test_an_ip_address_is_one(engine: Engine, address: Any) -> None:
    (outcome,) = run(engine, make_request(ticket_class="ours", created_by_ip_address=address))
    assert [(error.code, error.field) for error in outcome.errors] == [("invalid", "created_by_ip_address")]


def test_a_purchase_is_from_the_office_that_owns_the_tickets(engine: Engine) -> None:
    purchase = make_request(
        ticket_class="theirs", quantity=1, is_purchase=True, seller_id="others", buyer_id="us"
    )
    (outcome,) = run(engine, purchase)

    assert [(error.code, error.field) for error in outcome.errors] == [("invalid", "seller_id")]
