"""A batch lasts about a quarter of a second, whatever its requests cost."""

import pytest

from worker.pace import Pace

_OVERHEAD = 0.004  # seconds of a batch beside its requests


def _run(pace: Pace, cost: float, batches: int, waiting: int = 10_000) -> list[float]:
    """Process batches of requests that take `cost` seconds each; return how long the batches took."""
    took = []
    for _ in range(batches):
        requests = min(pace.limit, waiting)
        took.append(_OVERHEAD + requests * cost)
        pace.note(requests, took[-1])
    return took


@pytest.mark.parametrize("cost", [0.00002, 0.0001, 0.001, 0.01, 0.02])
def test_batches_last_a_moment(cost: float) -> None:
    pace = Pace(500)

    last = _run(pace, cost, batches=30)[-1]

    assert last < 0.35
    assert last > 0.15 or pace.limit == 500


@pytest.mark.parametrize("slow", [0.005, 0.02, 0.1, 1.0])
def test_what_was_slow_is_forgotten_when_it_is_over(slow: float) -> None:
    pace = Pace(500)
    _run(pace, slow, batches=30)

    _run(pace, 0.0001, batches=10)

    assert pace.limit == 500


def test_lone_requests_leave_the_limit_alone() -> None:
    pace = Pace(500)

    _run(pace, 0.0001, batches=100, waiting=1)

    assert pace.limit == 500


def test_no_batch_is_larger_than_is_set() -> None:
    pace = Pace(1)

    _run(pace, 0.0, batches=10)

    assert pace.limit == 1
