"""The fraud check, against a real PostgreSQL."""

from typing import Any

from sqlalchemy import Engine

from orders.catalogue.loading import load_catalogue
from orders.reading.order_reading import get_order
from schemas.catalogue import Catalogue
from schemas.orders import Order
from schemas.outcomes import Outcome
from tests.factories import NOW, codes, make_event, make_request, rows, run


def _load(engine: Engine, **rules: Any) -> None:
    catalogue = {"tenant": "demo", "settings": {"fraud_rules": rules}, "events": [make_event()]}
    load_catalogue(engine, Catalogue.model_validate(catalogue), now=NOW)


def _verdict(engine: Engine, outcome: Outcome) -> Any:
    assert outcome.order_id is not None
    with engine.connect() as connection:
        order = get_order(connection, outcome.order_id)
    assert order is not None
    Order.model_validate(order, strict=False)
    return order["fraud_check"]


def test_who_does_not_ask_is_not_checked(engine: Engine) -> None:
    _load(engine, max_total="1.00")
    (outcome,) = run(engine, make_request())
    assert _verdict(engine, outcome) is None
    assert rows(engine, "SELECT * FROM fraud_checks") == []


def test_an_order_within_the_rules_passes(engine: Engine) -> None:
    _load(engine, max_total="45.50", max_quantity=1)
    (outcome,) = run(engine, make_request(check_fraud=True))
    assert _verdict(engine, outcome) == {"verdict": "passed", "reasons": []}


def test_each_rule_gives_its_reason(engine: Engine) -> None:
    _load(engine, max_total="45.50", max_quantity=1, needs_address=True)
    (outcome,) = run(engine, make_request(quantity=2, check_fraud=True))
    assert _verdict(engine, outcome) == {
        "verdict": "review",
        "reasons": [
            "the total 91.00 is over 45.50",
            "2 tickets are more than 1",
            "there is no billing address",
        ],
    }


def test_an_address_elsewhere_is_declined_where_the_tenant_wants_that(engine: Engine) -> None:
    _load(engine, countries=["US"], declines=True)
    good, bad = run(
        engine,
        make_request(billing_address={"country": "US"}, check_fraud=True),
        make_request(billing_address={"country": "XX"}, check_fraud=True),
    )
    assert good.status == "processed"
    assert codes(bad) == ["declined"]
    assert "XX" in bad.errors[0].message
    assert rows(engine, "SELECT sold FROM ticket_classes") == [(1,)]


def test_many_orders_from_one_address_are_noticed_in_a_batch_and_over_batches(engine: Engine) -> None:
    _load(engine, max_orders=2)
    requests = [make_request(check_fraud=True, created_by_ip_address="192.0.2.7") for _ in range(3)]
    first, second, third = run(engine, *requests)
    assert [_verdict(engine, one)["verdict"] for one in (first, second, third)] == [
        "passed",
        "passed",
        "review",
    ]
    buyer = {"first_name": "Eve", "last_name": "Example", "email": "eve@example.com"}
    (other,) = run(engine, make_request(check_fraud=True, buyer=buyer, created_by_ip_address="192.0.2.7"))
    assert _verdict(engine, other)["reasons"] == ["3 orders came from this IP address in 24 hours"]
    (elsewhere,) = run(engine, make_request(check_fraud=True, buyer=buyer | {"email": "mia@example.com"}))
    assert _verdict(engine, elsewhere)["verdict"] == "passed"
