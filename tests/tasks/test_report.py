"""A report says whether its batch has event messages: only then the relay is woken."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest
from sqlalchemy import Engine

from schemas.requests import Request
from tasks.orders import process_requests
from tests.factories import load, make_change, make_event, make_request, make_ticket_class, scalar
from willcall.kinds import EXTEND, RELEASE, TAKE

_EXPIRES_AT = "2999-01-01T00:00:00Z"


def _take(ticket_class: str = "standing") -> Request:
    return make_change(TAKE, ticket_class_id=ticket_class, quantity=1, expires_at=_EXPIRES_AT)


def _held(kind: str) -> list[Request]:
    taken = _take()
    return [taken, make_change(kind, hold_id=str(taken.request_id))]


_BATCHES: Final[Mapping[str, Callable[[], list[Request]]]] = {
    "a hold is taken": lambda: [_take()],
    "a hold is extended": lambda: _held(EXTEND),
    "a hold is released": lambda: _held(RELEASE),
    "a hold is refused": lambda: [_take(), _take("nowhere")],
    "an order is created": lambda: [make_request()],
    "an order among holds": lambda: [_take(), make_request(), _take()],
    "an order is refused": lambda: [make_request(ticket_class="nowhere")],
}


@pytest.mark.parametrize("name", _BATCHES)
def test_a_report_says_whether_there_are_event_messages(engine: Engine, name: str) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=10)]))
    report = process_requests(_BATCHES[name]())
    assert report.has_events == (scalar(engine, "SELECT count(*) FROM outbox") > 0)
