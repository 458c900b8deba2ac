"""The signature of a ticket group keeps orders off stale data."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from orders.catalogue.load_prices import Names, load_offers
from orders.catalogue.load_tenants import load_tenants
from orders.catalogue.prices import TicketClassOffer
from orders.inventory.signatures import sign_group
from orders.reading.availability import list_ticket_classes
from tests.factories import (
    NOW,
    codes,
    load,
    make_change,
    make_event,
    make_request,
    make_ticket_class,
    run,
    scalar,
)
from willcall.kinds import TAKE


@pytest.fixture
def signature(engine: Engine) -> str:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=4), make_ticket_class("other")]))
    return _sign(engine)


def _sign(engine: Engine, name: str = "standing") -> str:
    with engine.begin() as connection:
        tenant = load_tenants(connection, ["demo"])["demo"]
        names = Names({(tenant.id, name)}, set(), set())
        offer: TicketClassOffer = load_offers(connection, names, [tenant.id])[tenant.id].ticket_classes[name]
        return sign_group(tenant.group_secret, offer, offer.free)


def _order(signature: str, quantity: int = 1) -> list[dict[str, object]]:
    return [
        {"ticket_class_id": "standing", "quantity": quantity, "ticket_group_signature": signature},
    ]


def test_what_can_be_bought_is_shown_with_its_signature(engine: Engine, signature: str) -> None:
    tenant_id = scalar(engine, "SELECT id FROM tenants")
    with engine.begin() as connection:
        classes = list_ticket_classes(connection, tenant_id, "concert", now=NOW)
        assert list_ticket_classes(connection, tenant_id, "other", now=NOW) == []
    shown = {one["id"]: one for one in classes}
    assert shown["standing"]["signature"] == signature
    assert (shown["standing"]["free"], shown["standing"]["price"]) == (4, "45.50")


def test_a_hold_whose_time_is_over_is_shown_as_free(engine: Engine, signature: str) -> None:
    until = NOW + timedelta(minutes=1)
    run(engine, make_change(TAKE, ticket_class_id="standing", quantity=3, expires_at=until.isoformat()))
    tenant_id = scalar(engine, "SELECT id FROM tenants")
    with engine.begin() as connection:
        free = [
            next(
                one["free"]
                for one in list_ticket_classes(connection, tenant_id, "concert", now=now)
                if one["id"] == "standing"
            )
            for now in (NOW, until)
        ]
    assert free == [1, 4]


def test_a_fresh_signature_is_accepted(engine: Engine, signature: str) -> None:
    assert signature.startswith("4_45.50_")
    assert run(engine, make_request(line_items=_order(signature)))[0].status == "processed"


def test_sales_in_between_do_not_matter_while_the_quantity_can_be_had(engine: Engine, signature: str) -> None:
    # Orders / Create, Items Parameters: it prevents an order whose quantity is no longer valid.
    first, second, too_many, last, late = run(
        engine,
        *(make_request(line_items=_order(signature, quantity)) for quantity in (1, 2, 2, 1, 1)),
    )
    assert [one.status for one in (first, second, last)] == ["processed"] * 3
    assert codes(too_many) == codes(late) == ["sold_out"]
    assert too_many.errors[0].field == "line_items.0.quantity"


def test_a_signature_counts_for_what_is_held_at_another_price(engine: Engine, signature: str) -> None:
    wish: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 1, "unit_price": "50.00"}
    (held,) = run(engine, make_change(TAKE, **wish))
    line = {"hold_id": str(held.request_id), "ticket_group_signature": signature}
    assert run(engine, make_request(line_items=[line]))[0].status == "processed"


def test_a_price_that_rose_is_a_mismatch_and_one_that_fell_is_none(engine: Engine, signature: str) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=4, price="45.51")]))
    assert codes(run(engine, make_request(line_items=_order(signature)))[0]) == ["price_mismatch"]
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=4, price=str(Decimal("45.49")))]))
    assert run(engine, make_request(line_items=_order(signature)))[0].status == "processed"


@pytest.mark.parametrize(
    "change", [("4_", "1_"), ("_45.50_", "_99.00_"), ("_", ""), ("4_45.50_", "4_45.50_x")]
)
def test_a_forged_signature_is_invalid(engine: Engine, signature: str, change: tuple[str, str]) -> None:
    forged = signature.replace(*change)
    (outcome,) = run(engine, make_request(line_items=_order(forged)))
    assert codes(outcome) == ["invalid"]


def test_a_signature_is_of_one_group(engine: Engine, signature: str) -> None:
    (outcome,) = run(engine, make_request(line_items=_order(_sign(engine, "other"))))
    assert codes(outcome) == ["invalid"]
