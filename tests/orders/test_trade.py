"""Purchase orders, buy and sell, and substitution, against a real PostgreSQL."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.ids import new_id
from orders.reading.history import read_history
from orders.reading.order_reading import get_order
from orders.render import to_json
from orders.upkeep.reconciliation import reconcile
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.outcomes import Outcome
from schemas.requests import CANCEL, PAY, UPDATE
from tests.factories import (
    NOW,
    codes,
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    rows,
    run,
    scalar,
)


@pytest.fixture
def engine(engine: Engine) -> Engine:
    """An engine of a database with classes of two offices, and one that nobody owns."""
    classes = [
        make_ticket_class("ours", office="us", price="50.00"),
        make_ticket_class("theirs", office="them", price="50.00", cost="40.00", capacity=4),
        make_seated_class("their-stalls", office="them", cost="70.00"),
        make_ticket_class("anybody's"),
    ]
    load(engine, make_event(ticket_classes=classes))
    return engine


def _sale(ticket_class: str = "theirs", quantity: int = 2, **changes: Any) -> Any:
    return make_request(
        ticket_class=ticket_class, quantity=quantity, seller_id="us", client_id="ada", **changes
    )


def _order(engine: Engine, order_id: Any) -> dict[str, Any]:
    with engine.connect() as connection:
        order = get_order(connection, UUID(str(order_id)))
    assert order is not None
    Order.model_validate(order, strict=False)
    return order


def _pair(engine: Engine, outcome: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sale and its purchase order."""
    sale = _order(engine, outcome.order_id)
    return sale, _order(engine, sale["trade"]["counterpart_id"])


def _reconciled(engine: Engine) -> bool:
    with engine.begin() as connection:
        return reconcile(connection, now=NOW) == []


def _group(**changes: Any) -> dict[str, Any]:
    group = {"event_id": "concert", "id": "new", "section": "A", "row": "7", "price": "90.00"} | changes
    return {key: value for key, value in group.items() if value is not None}


def _purchase(quantity: int = 3, **group: Any) -> Any:
    line = {"quantity": quantity, "unit_price": "60.00", "ticket_group": _group(**group)}
    return make_request(is_purchase=True, seller_id="them", buyer_id="us", line_items=[line])


def test_an_order_that_says_nothing_of_its_trade_has_none(engine: Engine) -> None:
    (outcome,) = run(engine, make_request(ticket_class="theirs"))
    assert _order(engine, outcome.order_id)["trade"] is None
    assert scalar(engine, "SELECT count(*) FROM order_trades") == 0


def test_a_sale_of_what_another_office_owns_makes_the_purchase_order(engine: Engine) -> None:
    request = _sale(consignment=True, created_by_ip_address="192.0.2.7", idempotency_key="shop-1")
    (outcome,) = run(engine, request)
    sale, purchase = _pair(engine, outcome)
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
    assert _reconciled(engine)


def test_both_orders_are_told_of_just_as_they_are_read_back(engine: Engine) -> None:
    (outcome,) = run(engine, _sale())
    for order in _pair(engine, outcome):
        told = rows(
            engine,
            "SELECT type, sequence, data::text FROM event_messages WHERE subject = :id",
            id=order["id"],
        )
        assert told == [("order.confirmed", 1, to_json(order).decode())]


def test_notes_for_both_sides_are_on_both_orders_and_internal_ones_stay(engine: Engine) -> None:
    request = _sale(internal_notes="regular guest", external_notes=["aisle, please"], instructions="by mail")
    (outcome,) = run(engine, request)
    sale, purchase = _pair(engine, outcome)
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
    sale, purchase = _pair(engine, outcome)
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
    (outcome,) = run(engine, _sale(tax=tax))
    assert tuple(order["totals"]["total"] for order in _pair(engine, outcome)) == totals


@pytest.mark.parametrize("ticket_class", ["ours", "anybody's"])
def test_a_sale_of_what_the_seller_owns_makes_no_purchase_order(engine: Engine, ticket_class: str) -> None:
    (outcome,) = run(engine, _sale(ticket_class))
    assert _order(engine, outcome.order_id)["trade"]["counterpart_id"] is None
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_a_redelivered_sale_makes_no_second_purchase_order(engine: Engine) -> None:
    request = _sale()
    (first,) = run(engine, request)
    again, twice = run(engine, request, request)
    assert first == again == twice
    assert scalar(engine, "SELECT count(*) FROM orders") == 2
    assert scalar(engine, "SELECT count(*) FROM event_messages") == 2


def test_two_sales_in_one_batch_make_a_purchase_order_each(engine: Engine) -> None:
    first, second = run(engine, _sale(), _sale("their-stalls", 3))
    (_, bought), (stalls, bought_stalls) = _pair(engine, first), _pair(engine, second)
    assert (bought["totals"]["total"], bought_stalls["totals"]["total"]) == ("80.00", "210.00")
    assert [ticket["seat"] for ticket in stalls["tickets"]] == ["1", "2", "3"]
    assert scalar(engine, "SELECT count(DISTINCT number) FROM orders") == 4
    assert _reconciled(engine)


def test_a_rejected_sale_leaves_no_purchase_order(engine: Engine) -> None:
    first, second = run(engine, _sale(quantity=3), _sale(quantity=2))
    assert (first.status, codes(second)) == ("processed", ["sold_out"])
    assert scalar(engine, "SELECT count(*) FROM orders") == 2
    assert scalar(engine, "SELECT count(*) FROM order_trades") == 2
    assert _reconciled(engine)


def test_a_sale_that_is_cancelled_whole_cancels_its_purchase_order_once(engine: Engine) -> None:
    (outcome,) = run(engine, _sale())
    for _ in range(2):
        cancel = make_change(CANCEL, order_id=str(outcome.order_id), reason="rain")
        assert run(engine, cancel)[0].status == "processed"
    for order in _pair(engine, outcome):
        assert (order["status"], order["version"], order["totals"]["total"]) == ("cancelled", 2, "0.00")
        assert order["cancellation"]["reason"] == "rain"
    purchase_id = _pair(engine, outcome)[1]["id"]
    told = rows(engine, "SELECT sequence, type FROM event_messages WHERE subject = :id", id=purchase_id)
    assert sorted(told) == [(1, "order.confirmed"), (2, "order.cancelled")]
    assert scalar(engine, "SELECT sold FROM ticket_classes WHERE external_id = 'theirs'") == 0
    assert _reconciled(engine)
    with engine.connect() as connection:
        created, cancelled = read_history(connection, purchase_id)
    assert (created["kind"], cancelled["kind"]) == ("orders.create", CANCEL)


def test_a_sale_and_its_cancellation_in_one_batch_cancel_both(engine: Engine) -> None:
    sale = _sale()
    run(engine, sale, make_change(CANCEL, order_key=sale.body["idempotency_key"]))
    assert rows(engine, "SELECT status, version FROM orders") == [("cancelled", 2), ("cancelled", 2)]
    assert _reconciled(engine)


def test_a_cancelled_ticket_leaves_the_purchase_order_as_it_is(engine: Engine) -> None:
    (outcome,) = run(engine, _sale())
    run(
        engine, make_change(CANCEL, order_id=str(outcome.order_id), lines=[{"line_number": 1, "quantity": 1}])
    )
    sale, purchase = _pair(engine, outcome)
    assert (sale["totals"]["total"], purchase["totals"]["total"]) == ("50.00", "80.00")
    assert _reconciled(engine)


def test_a_purchase_order_lives_by_itself_but_keeps_its_lines(engine: Engine) -> None:
    (outcome,) = run(engine, _sale())
    purchase_id = str(_pair(engine, outcome)[1]["id"])
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
    purchase = _order(engine, purchase_id)
    assert (purchase["payment_status"], purchase["reference"]) == ("paid", "PO-1")
    run(engine, make_change(CANCEL, order_id=purchase_id))
    run(engine, make_change(CANCEL, order_id=str(outcome.order_id)))
    assert rows(engine, "SELECT DISTINCT status FROM orders") == [("cancelled",)]
    assert _reconciled(engine)


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


def test_a_purchase_of_what_is_there_takes_tickets_at_their_cost(engine: Engine) -> None:
    buy: dict[str, Any] = {
        "is_purchase": True,
        "seller_id": "them",
        "buyer_id": "us",
        "ticket_class": "theirs",
    }
    trusted, other = run(engine, make_request(**buy), make_request(may_set_price=False, **buy))
    assert _order(engine, trusted.order_id)["totals"]["total"] == "40.00"
    assert _order(engine, other.order_id)["totals"]["total"] == "50.00"
    assert len(_order(engine, trusted.order_id)["tickets"]) == 1
    assert scalar(engine, "SELECT count(*) FROM orders") == 2
    assert _reconciled(engine)


def test_a_purchase_of_a_ticket_group_makes_the_inventory(engine: Engine) -> None:
    request = _purchase(low_seat="4", seat_order="odd_even")
    (outcome,) = run(engine, request)
    assert run(engine, request) == [outcome]
    order = _order(engine, outcome.order_id)
    assert (order["totals"]["total"], order["tickets"]) == ("180.00", [])
    assert order["line_items"][0]["ticket_class_id"] == "new"
    made = rows(
        engine,
        "SELECT name, section, row, price::text, cost::text, capacity, sold, has_seats, office,"
        " bought_by_order_id FROM ticket_classes WHERE external_id = 'new'",
    )
    assert made == [("A, 7", "A", "7", "90.00", "60.00", 3, 0, True, "us", outcome.order_id)]
    (sold,) = run(engine, _sale("new", 2))
    sale = _order(engine, sold.order_id)
    assert [ticket["seat"] for ticket in sale["tickets"]] == ["4", "6"]
    assert (sale["totals"]["total"], sale["trade"]["counterpart_id"]) == ("180.00", None)
    assert _reconciled(engine)


def test_a_ticket_group_without_id_name_and_seats_gets_what_it_needs(engine: Engine) -> None:
    (outcome,) = run(engine, _purchase(id=None))
    order = _order(engine, outcome.order_id)
    name = order["line_items"][0]["ticket_class_id"]
    assert name == str(900_000_000_000_000 + 100 * order["number"])  # an integer that JSON keeps
    assert codes(run(engine, _sale(name, 4))[0]) == ["sold_out"]
    (sold,) = run(engine, _sale(name, 3))
    assert _order(engine, sold.order_id)["tickets"][0]["seat"] is None


def test_ticket_groups_without_ids_get_each_their_own_and_never_one_that_is_taken(engine: Engine) -> None:
    def bought() -> Any:
        lines = [
            {"quantity": 1, "unit_price": "1.00", "ticket_group": _group(id=None, row=row)} for row in "AB"
        ]
        (outcome,) = run(engine, make_request(is_purchase=True, buyer_id="us", line_items=lines))
        return _order(engine, outcome.order_id)

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
    assert _reconciled(engine)


def test_a_ticket_group_that_is_there_is_not_made_again(engine: Engine) -> None:
    two = [
        {"quantity": 1, "unit_price": "1.00", "ticket_group": _group(id=name)} for name in ("ours", "other")
    ]
    first, second, taken = run(
        engine,
        _purchase(seats=["1", "2", "3"]),
        _purchase(seats=["1", "2", "3"]),
        make_request(is_purchase=True, line_items=two),
    )
    assert (first.status, codes(second), codes(taken)) == ("processed", ["invalid"], ["invalid"])
    assert second.errors[0].field == "line_items.0.ticket_group.id"
    assert scalar(engine, "SELECT count(*) FROM orders") == 1
    assert scalar(engine, "SELECT count(*) FROM ticket_classes WHERE external_id = 'other'") == 0
    assert scalar(engine, "SELECT count(*) FROM ticket_classes WHERE external_id = 'new'") == 1
    assert _reconciled(engine)


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
            {"ticket_group": _group(event_id="none")},
            {},
            "unknown_event",
            "line_items.0.ticket_group.event_id",
        ),
        ({"ticket_group": _group(price="9.999")}, {}, "too_many_decimals", "line_items.0.ticket_group.price"),
        ({"ticket_group": _group(seats=["1"])}, {}, "invalid", "line_items.0.ticket_group.seats"),
        ({"ticket_group": _group(seats=["1", "1"])}, {}, "invalid", "line_items.0.ticket_group.seats"),
        ({"ticket_group": _group(low_seat="A")}, {}, "invalid", "line_items.0.ticket_group.low_seat"),
    ],
)
def test_a_ticket_group_that_cannot_be_made_leaves_nothing(
    engine: Engine, line: JsonObject, order: JsonObject, code: str, field: str
) -> None:
    base = {"quantity": 2, "unit_price": "60.00", "ticket_group": _group()}
    made = {key: value for key, value in (base | line).items() if value not in (None, 0)}
    (outcome,) = run(engine, make_request(**{"is_purchase": True, "line_items": [made], **order}))
    assert [(error.code, error.field) for error in outcome.errors] == [(code, field)]
    assert scalar(engine, "SELECT count(*) FROM ticket_classes") == 4
    assert scalar(engine, "SELECT count(*) FROM orders") == 0


def test_a_cancelled_purchase_takes_its_inventory_with_it_unless_some_is_sold(engine: Engine) -> None:
    (outcome,) = run(engine, _purchase(low_seat="1"))
    (sold,) = run(engine, _sale("new", 1))
    cancel: dict[str, Any] = {"order_id": str(outcome.order_id)}
    assert codes(run(engine, make_change(CANCEL, **cancel))[0]) == ["not_allowed_in_status"]
    run(engine, make_change(CANCEL, order_id=str(sold.order_id)))
    assert run(engine, make_change(CANCEL, **cancel))[0].status == "processed"
    assert rows(engine, "SELECT capacity, sold FROM ticket_classes WHERE external_id = 'new'") == [(0, 0)]
    assert codes(run(engine, _sale("new", 1))[0]) == ["sold_out"]
    assert _reconciled(engine)


def test_a_change_in_the_batch_that_makes_the_inventory_is_processed_there(engine: Engine) -> None:
    purchase = _purchase()
    cancel = make_change(CANCEL, order_key=purchase.body["idempotency_key"])
    assert [outcome.status for outcome in run(engine, purchase, cancel)] == ["processed", "processed"]
    assert run(engine, cancel)[0].status == "processed"
    assert _reconciled(engine)


def test_a_purchase_that_replaces_another_has_its_buyer_and_the_owner_as_its_seller(engine: Engine) -> None:
    (sold,) = run(engine, _sale())
    sale, purchase = _pair(engine, sold)
    base = {"is_purchase": True, "substitutes": purchase["number"], "ticket_class": "their-stalls"}
    named: dict[str, Any] = {"seller_id": "them", "buyer_id": "others"}
    open_, said, of_sale, ours = run(
        engine,
        make_request(**base),
        make_request(**base, **named),
        make_request(**base | {"substitutes": sale["number"]}),
        make_request(**base | {"ticket_class": "anybody's"}),
    )
    parties = [
        (trade["seller_id"], trade["buyer_id"])
        for trade in (_order(engine, one.order_id)["trade"] for one in (open_, said, of_sale, ours))
    ]
    assert parties == [("them", "us"), ("them", "others"), ("them", "us"), (None, "us")]
    groups = {_order(engine, one.order_id)["trade"]["order_group_id"] for one in (open_, said, of_sale, ours)}
    assert groups == {sale["id"]}
    assert _reconciled(engine)


def test_a_purchase_order_of_before_is_in_the_group_of_its_sale(engine: Engine) -> None:
    (sold,) = run(engine, _sale())
    sale, purchase = _pair(engine, sold)
    with engine.begin() as connection:
        connection.execute(text("UPDATE order_trades SET order_group_id = NULL"))
    (new,) = run(
        engine, make_request(is_purchase=True, substitutes=purchase["number"], ticket_class="their-stalls")
    )
    assert _order(engine, new.order_id)["trade"]["order_group_id"] == sale["id"]
    assert _order(engine, purchase["id"])["trade"]["order_group_id"] == sale["id"]


def test_orders_that_replace_each_other_share_a_group(engine: Engine) -> None:
    (original,) = run(engine, make_request(ticket_class="ours"))
    run(engine, make_change(CANCEL, order_id=str(original.order_id)))
    first, second = run(
        engine,
        make_request(ticket_class="ours", substitutes=str(original.order_id)),
        make_request(ticket_class="ours", substitutes=str(original.order_id)),
    )
    (third,) = run(engine, make_request(ticket_class="ours", substitutes=str(first.order_id)))
    replaced = [original.order_id, original.order_id, first.order_id]
    for outcome, substitutes in zip((first, second, third), replaced, strict=True):
        trade = _order(engine, outcome.order_id)["trade"]
        assert (trade["order_group_id"], trade["substitutes_id"]) == (original.order_id, substitutes)
    before = _order(engine, original.order_id)
    assert (before["trade"]["order_group_id"], before["version"]) == (original.order_id, 3)
    told = rows(
        engine, "SELECT type FROM event_messages WHERE subject = :id ORDER BY sequence", id=original.order_id
    )
    assert told[-1] == ("order.updated",)
    assert _reconciled(engine)


def test_a_replaced_order_may_be_named_by_its_number(engine: Engine) -> None:
    (original,) = run(engine, _sale())
    number = _order(engine, original.order_id)["number"]

    by_number, unknown = run(
        engine,
        make_request(ticket_class="ours", substitutes=number),
        make_request(ticket_class="ours", substitutes=number + 1_000),
    )

    trade = _order(engine, by_number.order_id)["trade"]
    assert (trade["order_group_id"], trade["substitutes_id"]) == (original.order_id, original.order_id)
    assert [(error.code, error.field) for error in unknown.errors] == [("unknown_order", "substitutes")]


def test_a_rejected_substitute_leaves_the_original_as_it_is(engine: Engine) -> None:
    (original,) = run(engine, make_request(ticket_class="ours"))
    (outcome,) = run(
        engine, make_request(ticket_class="theirs", quantity=5, substitutes=str(original.order_id))
    )
    assert codes(outcome) == ["sold_out"]
    assert _order(engine, original.order_id)["trade"] is None


def test_only_an_order_of_the_tenant_can_be_replaced(engine: Engine) -> None:
    load(engine, tenant="other")
    (elsewhere,) = run(engine, make_request(tenant="other"))
    for order_id in (elsewhere.order_id, new_id()):
        (outcome,) = run(engine, make_request(ticket_class="ours", substitutes=str(order_id)))
        assert [(error.code, error.field) for error in outcome.errors] == [("unknown_order", "substitutes")]


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
