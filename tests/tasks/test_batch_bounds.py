"""A batch is one transaction of 500 requests at most, whoever published its messages."""

import orjson
import pytest
from sqlalchemy import Engine

from tasks.messages import QueueMessage
from tasks.orders import process_messages
from tests.factories import load, make_body, make_event, make_ticket_class, rows

# Orders by the transaction that made them.
_TRANSACTIONS = "SELECT count(*) FROM orders GROUP BY xmin ORDER BY min(number)"


def _message(number: int, count: int) -> QueueMessage:
    requests = [make_body() | {"tenant": "demo"} for _ in range(count)]
    return QueueMessage("orders.create", str(number), orjson.dumps([[], {"requests": requests}, {}]))


@pytest.mark.parametrize(
    ("messages", "each", "expected"),
    [(12, 100, [500, 500, 200]), (3, 500, [500] * 3), (2, 300, [500, 100]), (5, 100, [500]), (1, 1, [1])],
)
def test_messages_that_say_nothing_of_their_length_are_cut_into_batches(
    engine: Engine, messages: int, each: int, expected: list[int]
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=2_000)]))

    report = process_messages([_message(number, each) for number in range(messages)])

    assert report.count == messages * each
    assert [count for (count,) in rows(engine, _TRANSACTIONS)] == expected
