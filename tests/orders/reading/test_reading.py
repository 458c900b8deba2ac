from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from db.ids import new_id
from orders.reading.order_reading import OrderFilter, find_tenant, get_order, list_orders
from orders.reading.outcomes import find_requests
from orders.reading.pages import BadCursor
from tests.factories import (
    NOW,
    load,
    make_event,
    make_request,
    make_ticket_class,
    run,
)


def test_pages_hold_every_order_once_newest_first(engine: Engine) -> None:
    load(engine)
    outcomes = run(engine, *(make_request() for _ in range(7)))
    seen: list[object] = []
    cursor = None
    with engine.connect() as connection:
        while True:
            page, cursor = list_orders(connection, OrderFilter(), cursor=cursor, limit=3)
            seen += [order["id"] for order in page]
            if cursor is None:
                break
    assert seen == [outcome.order_id for outcome in reversed(outcomes)]


def test_filters_keep_what_they_say(engine: Engine) -> None:
    load(engine, make_event(), make_event("second", ticket_classes=[make_ticket_class("b")]))
    load(engine, tenant="other")
    buyer = {"first_name": "B", "last_name": "Example", "email": "b@example.com"}
    first, second, third = run(
        engine, make_request(buyer=buyer), make_request(ticket_class="b"), make_request(tenant="other")
    )
    with engine.connect() as connection:
        demo = find_tenant(connection, "demo")

        def ids(**wanted: Any) -> list[object]:
            page, _ = list_orders(connection, OrderFilter(**wanted))
            return [order["id"] for order in page]

        assert ids(tenant_id=demo) == [second.order_id, first.order_id]
        assert ids(email="b@example.com") == [first.order_id]
        assert ids(event_id="second") == [second.order_id]
        assert ids(status="cancelled") == []
        assert ids(updated_since=NOW + timedelta(seconds=1)) == []
        assert len(ids(updated_since=NOW)) == 3
        assert third.order_id is not None
        assert get_order(connection, third.order_id, demo) is None
        assert get_order(connection, new_id()) is None


def test_a_foreign_cursor_is_refused(engine: Engine) -> None:
    with engine.connect() as connection:
        for cursor in ("x", "é", "a" * 100, ""):
            with pytest.raises(BadCursor):
                list_orders(connection, OrderFilter(), cursor=cursor)


def test_an_unknown_request_is_not_found(engine: Engine) -> None:
    with engine.connect() as connection:
        assert find_requests(connection, [new_id()]) == {}
