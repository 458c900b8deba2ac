"""Headers are what a publisher writes: none of them ends the consumer that reads them."""

from typing import Any

import pytest

from worker.broker.amqp.messages import death_of, returns_of
from worker.broker.deliveries import count_requests

NONSENSE = [
    "text",
    "",
    5,
    -1,
    2**70,
    1.5,
    True,
    None,
    [],
    {},
    ["a"],
    [None],
    [{}],
    [{"reason": 5}],
    b"x",
    [[]],
]


@pytest.mark.parametrize("value", NONSENSE)
def test_what_no_broker_wrote_says_nothing(value: Any) -> None:
    assert death_of({"x-death": value}) == "unknown"
    assert returns_of({"x-delivery-count": value}) in (0, 1, 5)
    assert 1 <= count_requests(value) <= 500


def test_what_a_broker_wrote_is_read() -> None:
    deaths = [{"reason": "delivery_limit", "queue": "orders", "count": 1}, {"reason": "expired"}]
    assert death_of({"x-death": deaths}) == "delivery_limit"
    assert returns_of({"x-delivery-count": 7}) == 7
    assert (death_of({}), returns_of({})) == ("unknown", 0)


def test_a_long_reason_is_cut() -> None:
    assert len(death_of({"x-death": [{"reason": "r" * 100_000}]})) == 200
