"""How often a promo code is used: by the orders that stand, under the locks."""

from typing import Any

import pytest
from sqlalchemy import Engine

from orders.process import process
from orders.upkeep.expiry import propose_expiries
from schemas.outcomes import Outcome
from schemas.requests import Request
from tests.factories import (
    NOW,
    codes,
    load,
    load_with_settings,
    make_change,
    make_event,
    make_request,
    make_ticket_class,
    place,
    read,
    rows,
    run,
)
from willcall.kinds import CANCEL, UPDATE


def _event(name: str = "concert", ticket_class: str = "standing", **promo: Any) -> dict[str, Any]:
    promo = {"code": "FIVE", "amount": "5.00", "max_uses": 1} | promo
    return make_event(name, ticket_classes=[make_ticket_class(ticket_class)], promo_codes=[promo])


def _used(engine: Engine) -> list[int]:
    return [used for (used,) in rows(engine, "SELECT used FROM promo_codes ORDER BY id")]


def _cancel(order_id: Any, **body: Any) -> Request:
    return make_change(CANCEL, order_id=str(order_id), **body)


def _buy(**changes: Any) -> Request:
    return make_request(**{"promo_code": "FIVE"} | changes)


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_an_order_that_is_cancelled_gives_its_use_back(engine: Engine, is_one_batch: bool) -> None:
    load(engine, _event())
    order_id = place(engine, promo_code="FIVE")
    requests = [_buy(), _cancel(order_id), _buy(), _buy()]

    outcomes: list[Outcome] = []
    for batch in [requests] if is_one_batch else [[one] for one in requests]:
        outcomes += run(engine, *batch)

    assert [codes(outcome) for outcome in outcomes] == [
        ["unknown_promo_code"],
        [],
        [],
        ["unknown_promo_code"],
    ]
    assert _used(engine) == [1]


def test_it_gives_it_back_once(engine: Engine) -> None:
    load(engine, _event(max_uses=5))
    first, second = place(engine, promo_code="FIVE"), place(engine, promo_code="FIVE")

    run(engine, _cancel(first), _cancel(first))
    run(engine, _cancel(first))

    assert _used(engine) == [1]
    run(engine, _cancel(second))
    assert _used(engine) == [0]


def test_a_part_that_is_cancelled_gives_nothing_back(engine: Engine) -> None:
    load(engine, _event())
    order_id = place(engine, promo_code="FIVE", quantity=2)

    run(engine, _cancel(order_id, lines=[{"line_number": 1, "quantity": 1}]))
    assert _used(engine) == [1]

    run(engine, _cancel(order_id, lines=[{"line_number": 1}]))
    assert _used(engine) == [0]


def test_an_order_that_expires_gives_its_use_back(engine: Engine) -> None:
    load_with_settings(engine, _event(), cancels_unpaid=True)
    place(engine, promo_code="FIVE", payment_due_at=NOW.isoformat())

    with engine.begin() as connection:
        process(connection, propose_expiries(connection, now=NOW), now=NOW)

    assert _used(engine) == [0]


def test_an_order_that_gives_its_code_up_is_no_use_any_more(engine: Engine) -> None:
    load(engine, _event())
    order_id = place(engine, promo_code="FIVE")

    run(engine, make_change(UPDATE, order_id=str(order_id), patch={"total_discount": "1.00"}))

    assert (read(engine, order_id)["promo_code"], _used(engine)) == (None, [0])
    run(engine, _cancel(order_id))
    assert _used(engine) == [0]


def test_a_tenant_may_count_cancelled_orders_too(engine: Engine) -> None:
    load_with_settings(engine, _event(), returns_promo_uses=False)
    order_id = place(engine, promo_code="FIVE")

    run(engine, _cancel(order_id))

    assert _used(engine) == [1]
    assert codes(run(engine, _buy())[0]) == ["unknown_promo_code"]


def test_an_order_counts_at_each_event_that_has_the_code(engine: Engine) -> None:
    load(engine, _event(max_uses=9), _event("play", "pit", code="five ", max_uses=2))
    both = [{"ticket_class_id": name, "quantity": 1} for name in ("standing", "pit")]

    outcomes = [
        *run(engine, _buy(line_items=both), _buy(line_items=both[:1]), _buy(line_items=both[1:])),
        # At one of its events it is used up: the order is not half as cheap, it is refused.
        *run(engine, _buy(line_items=both)),
    ]

    assert [codes(outcome) for outcome in outcomes] == [[], [], [], ["unknown_promo_code"]]
    assert _used(engine) == [2, 2]
    first = outcomes[0].order_id
    run(engine, _cancel(first))
    assert _used(engine) == [1, 1]


@pytest.mark.parametrize("code", ["five", " FIVE", "Five\t"])
def test_the_order_says_the_code_as_the_catalogue_spells_it(engine: Engine, code: str) -> None:
    load(engine, _event())

    order = read(engine, place(engine, promo_code=code))

    assert (order["promo_code"], order["totals"]["discount"]) == ("FIVE", "5.00")


def test_a_code_that_is_loaded_in_another_spelling_is_the_same_code(engine: Engine) -> None:
    load(engine, _event(max_uses=2))
    place(engine, promo_code="FIVE")

    load(engine, _event(code="Five", max_uses=2))

    assert rows(engine, "SELECT code, used FROM promo_codes") == [("Five", 1)]
