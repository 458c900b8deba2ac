"""A batch costs the same number of statements, whatever its size."""

from typing import Any

from sqlalchemy import Engine, event

from orders.process import process
from tests.factories import (
    NOW,
    load,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
)


def test_the_number_of_statements_does_not_grow_with_the_batch(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class()]))
    counts = []
    for size in (2, 20, 100):
        requests = [make_request(payments=[{"type": "cash"}]) for _ in range(size)]
        requests += [make_request(ticket_class="none"), make_request(quantity=1_000)]
        requests += [make_request(ticket_class="stalls"), requests[0]]
        counts.append(_count_statements(engine, requests))
    assert len(set(counts)) == 1
    assert counts[0] <= 16


def _count_statements(engine: Engine, requests: list[Any]) -> int:
    seen: list[str] = []

    def _on_execute(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", _on_execute)
    try:
        with engine.begin() as connection:
            process(connection, requests, now=NOW)
    finally:
        event.remove(engine, "before_cursor_execute", _on_execute)
    return len(seen)
