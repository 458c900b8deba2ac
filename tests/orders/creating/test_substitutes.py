"""Orders that replace others, against a real PostgreSQL."""

from typing import Any

from sqlalchemy import Engine, text

from db.ids import new_id
from tests.factories import codes, load, make_change, make_request, rows, run
from tests.orders.creating.trading import engine, is_reconciled, make_sale, read_order, read_pair
from willcall.kinds import CANCEL

__all__ = ["engine"]


def test_a_purchase_that_replaces_another_has_its_buyer_and_the_owner_as_its_seller(engine: Engine) -> None:
    (sold,) = run(engine, make_sale())
    sale, purchase = read_pair(engine, sold)
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
        for trade in (read_order(engine, one.order_id)["trade"] for one in (open_, said, of_sale, ours))
    ]
    assert parties == [("them", "us"), ("them", "others"), ("them", "us"), (None, "us")]
    groups = {
        read_order(engine, one.order_id)["trade"]["order_group_id"] for one in (open_, said, of_sale, ours)
    }
    assert groups == {sale["id"]}
    assert is_reconciled(engine)


def test_a_purchase_order_of_before_is_in_the_group_of_its_sale(engine: Engine) -> None:
    (sold,) = run(engine, make_sale())
    sale, purchase = read_pair(engine, sold)
    with engine.begin() as connection:
        connection.execute(text("UPDATE order_trades SET order_group_id = NULL"))
    (new,) = run(
        engine, make_request(is_purchase=True, substitutes=purchase["number"], ticket_class="their-stalls")
    )
    assert read_order(engine, new.order_id)["trade"]["order_group_id"] == sale["id"]
    assert read_order(engine, purchase["id"])["trade"]["order_group_id"] == sale["id"]


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
        trade = read_order(engine, outcome.order_id)["trade"]
        assert (trade["order_group_id"], trade["substitutes_id"]) == (original.order_id, substitutes)
    before = read_order(engine, original.order_id)
    assert (before["trade"]["order_group_id"], before["version"]) == (original.order_id, 3)
    told = rows(
        engine, "SELECT type FROM event_messages WHERE subject = :id ORDER BY sequence", id=original.order_id
    )
    assert told[-1] == ("order.updated",)
    assert is_reconciled(engine)


def test_a_replaced_order_may_be_named_by_its_number(engine: Engine) -> None:
    (original,) = run(engine, make_sale())
    number = read_order(engine, original.order_id)["number"]

    by_number, unknown = run(
        engine,
        make_request(ticket_class="ours", substitutes=number),
        make_request(ticket_class="ours", substitutes=number + 1_000),
    )

    trade = read_order(engine, by_number.order_id)["trade"]
    assert (trade["order_group_id"], trade["substitutes_id"]) == (original.order_id, original.order_id)
    assert [(error.code, error.field) for error in unknown.errors] == [("unknown_order", "substitutes")]


def test_a_rejected_substitute_leaves_the_original_as_it_is(engine: Engine) -> None:
    (original,) = run(engine, make_request(ticket_class="ours"))
    (outcome,) = run(
        engine, make_request(ticket_class="theirs", quantity=5, substitutes=str(original.order_id))
    )
    assert codes(outcome) == ["sold_out"]
    assert read_order(engine, original.order_id)["trade"] is None


def test_only_an_order_of_the_tenant_can_be_replaced(engine: Engine) -> None:
    load(engine, tenant="other")
    (elsewhere,) = run(engine, make_request(tenant="other"))
    for order_id in (elsewhere.order_id, new_id()):
        (outcome,) = run(engine, make_request(ticket_class="ours", substitutes=str(order_id)))
        assert [(error.code, error.field) for error in outcome.errors] == [("unknown_order", "substitutes")]
