"""E-mail addresses are compared without case, and shown as they were written."""

import pytest
from sqlalchemy import Engine, text

from orders.reading.newest_orders import Customer, orders_of_customer, query_of
from orders.reading.order_reading import OrderFilter, list_orders
from tests.factories import codes, load, load_with_settings, make_request, place, run, scalar

WRITTEN = "Ada.Lovelace@Example.COM"


def _place(engine: Engine, email: str = WRITTEN) -> None:
    place(engine, buyer={"first_name": "Ada", "last_name": "Example", "email": email})


@pytest.mark.parametrize("asked", [WRITTEN, WRITTEN.lower(), WRITTEN.upper()])
def test_a_list_by_address_finds_it_in_any_case(engine: Engine, asked: str) -> None:
    load(engine)
    _place(engine)
    _place(engine, "other@example.com")
    tenant_id = scalar(engine, "SELECT id FROM tenants")
    with engine.connect() as connection:
        page, _ = list_orders(connection, OrderFilter(tenant_id=tenant_id, email=asked))
        of_customer = orders_of_customer(connection, tenant_id, Customer(email=asked), limit=10)
    assert [order["buyer"]["email"] for order in page] == [WRITTEN]
    assert of_customer == [page[0]["id"]]


def test_the_list_goes_by_an_index(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        query = query_of(Customer(email=WRITTEN))
        parameters = {"tenant_id": "0" * 32, "before": "f" * 32, "limit": 10, "email": WRITTEN}
        plan = connection.scalars(text("EXPLAIN " + query.text), parameters)
        assert "orders_buyer_email" in "\n".join(plan)


def test_orders_of_one_address_count_for_the_fraud_rules_in_any_case(engine: Engine) -> None:
    load_with_settings(engine, fraud_rules={"max_orders": 2, "declines": True})
    buyers = [
        {"first_name": "Ada", "last_name": "Example", "email": email}
        for email in (WRITTEN, WRITTEN.lower(), WRITTEN.upper(), WRITTEN)
    ]
    first = run(engine, *(make_request(buyer=one, check_fraud=True) for one in buyers[:2]))
    later = run(engine, *(make_request(buyer=one, check_fraud=True) for one in buyers[2:]))
    assert [codes(outcome) for outcome in [*first, *later]] == [[], [], ["declined"], ["declined"]]
