"""A ticket class that gets seats while a batch is about to sell it without: the batch reads it again."""

from typing import Any

import pytest
from sqlalchemy import Engine

from tasks import resources
from tasks.orders import process_requests
from tests.factories import (
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    place,
    rows,
    scalar,
)
from tests.orders.acting import acting
from willcall.kinds import TAKE, UPDATE

_OFFERS = "JOIN ticket_classes c USING (tenant_id, external_id)"
_EXPIRES_AT = "2999-01-01T00:00:00Z"


def _request(engine: Engine, kind: str) -> Any:
    if kind == TAKE:
        return make_change(TAKE, ticket_class_id="pit", quantity=2, expires_at=_EXPIRES_AT)
    if kind == UPDATE:
        order_id = str(place(engine))
        return make_change(
            UPDATE, order_id=order_id, patch={"line_items": [{"ticket_class_id": "pit", "quantity": 2}]}
        )
    return make_request(ticket_class="pit", quantity=2)


@pytest.mark.parametrize("kind", ["orders.create", TAKE, UPDATE])
def test_what_gets_seats_meanwhile_is_sold_with_seats(engine: Engine, kind: str) -> None:
    pit = make_ticket_class("pit", capacity=10)
    load(engine, make_event(ticket_classes=[make_ticket_class(), pit]))
    request = _request(engine, kind)
    seated = make_event(ticket_classes=[make_ticket_class(), make_seated_class("pit", seats="1-9")])

    with acting(resources.engine(), (_OFFERS, None, lambda: load(engine, seated))) as done:
        report = process_requests([request])

    assert done == [None]
    assert [outcome.status for outcome in report.outcomes] == ["processed"]
    assert report.delayed == 0
    assert scalar(engine, "SELECT count(*) FROM seats WHERE is_taken") == 2
    taken = "SELECT sold + held, capacity, has_seats FROM ticket_classes WHERE external_id = 'pit'"
    assert rows(engine, taken) == [(2, 9, True)]
