"""How the cost of a computation grows with what it is given, on a machine of any speed."""

import time
from collections.abc import Callable
from typing import TypeVar

Given = TypeVar("Given")


def growth(compute: Callable[[Given], object], small: Given, large: Given) -> float:
    """Return how many times as long the computation takes with the large one as with the small one.

    As many times as it is larger, if each part costs the same; the square of that, if each part looks at all
    others. It is the processor's time, which other processes do not take, and the least of several tries.
    """
    return _least_seconds(compute, large) / _least_seconds(compute, small)


def _least_seconds(compute: Callable[[Given], object], given: Given) -> float:
    tries = []
    for _ in range(5):
        started = time.thread_time()
        compute(given)
        tries.append(time.thread_time() - started)
    return min(tries)
