"""A buyer may have no e-mail address, and then none is stored, compared or shown."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from orders.reading.newest_orders import Customer, orders_of_customer
from tests.factories import (
    codes,
    load,
    load_with_settings,
    make_change,
    make_request,
    place,
    read,
    rows,
    run,
    scalar,
)
from willcall.kinds import UPDATE

NOBODY: dict[str, Any] = {"first_name": "Ada", "last_name": "Example", "email": None}


def _patch(engine: Engine, order_id: Any, **buyer: Any) -> list[str]:
    (outcome,) = run(engine, make_change(UPDATE, order_id=str(order_id), patch={"buyer": buyer}))
    return codes(outcome)


def _events(engine: Engine) -> list[dict[str, Any]]:
    return [data for (data,) in rows(engine, "SELECT data FROM event_messages")]


def test_the_order_has_no_address_and_an_event_says_so(engine: Engine) -> None:
    load(engine)
    order = read(engine, place(engine, buyer=NOBODY))

    assert order["buyer"]["email"] is None
    (event,) = _events(engine)
    assert event["buyer"]["email"] is None


def test_an_update_of_something_else_leaves_it_so(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, buyer=NOBODY)

    assert _patch(engine, order_id, phone="+33 1") == []

    assert read(engine, order_id)["buyer"] == {**NOBODY, "company": None, "phone": "+33 1"}


def test_an_address_can_be_given_later_and_taken_out_again(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, buyer=NOBODY)

    assert _patch(engine, order_id, email="ada@example.com") == []
    assert read(engine, order_id)["buyer"]["email"] == "ada@example.com"
    # A null takes out what can be missing (RFC 7396, 2).
    assert _patch(engine, order_id, email=None) == []
    assert read(engine, order_id)["buyer"]["email"] is None
    assert _patch(engine, order_id, first_name=None) == ["invalid"]


def test_buyers_without_an_address_are_not_one_customer(engine: Engine) -> None:
    load_with_settings(engine, fraud_rules={"max_orders": 1, "declines": True})

    same_batch = run(engine, *(make_request(buyer=NOBODY, check_fraud=True) for _ in range(2)))
    (later,) = run(engine, make_request(buyer=NOBODY, check_fraud=True))

    assert [codes(one) for one in (*same_batch, later)] == [[], [], []]


STAND_INS = [
    "purchaser@zoho-backstage.invalid",
    "customer@acme.invalid",
    "client-17@ticket-evolution.invalid",
    "office@ticket-evolution.invalid",
    "client-aB3@ticket-evolution.invalid",
]


@pytest.mark.parametrize("stored", STAND_INS)
def test_what_stands_for_nobody_is_not_stored(engine: Engine, stored: str) -> None:
    load_with_settings(engine, fraud_rules={"max_orders": 1, "declines": True})
    buyer = NOBODY | {"email": stored}

    outcomes = run(engine, *(make_request(buyer=buyer, check_fraud=True) for _ in range(2)))

    assert [codes(one) for one in outcomes] == [[], []]
    assert rows(engine, "SELECT DISTINCT buyer_email FROM orders") == [("",)]
    assert {event["buyer"]["email"] for event in _events(engine)} == {None}


@pytest.mark.parametrize("stored", STAND_INS)
def test_what_earlier_versions_stored_for_nobody_is_nobody(engine: Engine, stored: str) -> None:
    load(engine)
    order_id = place(engine, buyer=NOBODY)
    with engine.begin() as connection:
        connection.execute(text("UPDATE orders SET buyer_email = :email"), {"email": stored})

    assert read(engine, order_id)["buyer"]["email"] is None
    assert _patch(engine, order_id, phone="1") == []
    assert scalar(engine, "SELECT buyer_email FROM orders") == ""


@pytest.mark.parametrize("email", ["ada@example.invalid", "x.purchaser@zoho-backstage.invalid"])
def test_an_address_that_was_sent_is_shown_wherever_it_leads(engine: Engine, email: str) -> None:
    load(engine)
    order_id = place(engine, buyer=NOBODY)
    with engine.begin() as connection:
        connection.execute(text("UPDATE orders SET buyer_email = :email"), {"email": email})

    assert read(engine, order_id)["buyer"]["email"] == email


def test_nobody_is_found_by_the_address_of_nobody(engine: Engine) -> None:
    load(engine)
    place(engine, buyer=NOBODY)
    tenant_id = scalar(engine, "SELECT id FROM tenants")
    with engine.connect() as connection:
        found = orders_of_customer(connection, tenant_id, Customer(email="ada@example.com"), limit=10)
    assert found == []
