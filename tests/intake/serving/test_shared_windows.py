"""Windows that several processes count together, as each of them sees them."""

import time
from collections import Counter
from pathlib import Path

import pytest
from limits import RateLimitItemPerHour, RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter

from intake.serving.shared_windows import SharedWindows, make_windows
from tests.processes import wait_until

PROCESSES = 3
AGE = 10**9
"""Seconds of a window that ends during no test."""


@pytest.fixture
def windows(tmp_path: Path) -> list[SharedWindows]:
    make_windows(tmp_path / "windows", PROCESSES)
    return [SharedWindows(tmp_path / "windows", index) for index in range(PROCESSES)]


def test_a_limit_holds_for_all_together(windows: list[SharedWindows]) -> None:
    limit = RateLimitItemPerHour(10, AGE // 3600)
    limiters = [FixedWindowRateLimiter(one) for one in windows]
    passed: Counter[str] = Counter()
    for turn in range(60):
        for name in ("one", "another"):
            if limiters[turn % PROCESSES].test(limit, name):
                limiters[turn % PROCESSES].hit(limit, name)
                passed[name] += 1

    assert passed == {"one": 10, "another": 10}
    assert not limiters[0].test(limit, "one")
    assert limiters[0].test(limit, "one more", cost=10)
    assert not limiters[0].test(limit, "one more", cost=11)


def test_a_window_ends_for_all_at_the_same_time(windows: list[SharedWindows]) -> None:
    limit = RateLimitItemPerSecond(1)
    limiters = [FixedWindowRateLimiter(one) for one in windows]
    limiters[0].hit(limit, "one")
    ends = {limiter.get_window_stats(limit, "one").reset_time for limiter in limiters}

    wait_until(lambda: time.time() >= max(ends), what="the end of the second")
    assert all(limiter.test(limit, "one") for limiter in limiters)


def test_one_that_is_replaced_goes_on_where_it_was(windows: list[SharedWindows], tmp_path: Path) -> None:
    windows[1].incr("one", AGE, 5)
    again = SharedWindows(tmp_path / "windows", 1)

    assert again.incr("one", AGE, 2) == 7
    assert windows[0].get("one") == 7


def test_more_keys_than_there_is_room_for_are_forgotten_and_never_mixed(windows: list[SharedWindows]) -> None:
    keys = [f"key-{number}" for number in range(20_000)]
    for number, key in enumerate(keys):
        windows[number % 2].incr(key, AGE)

    counts = Counter(windows[2].get(key) for key in keys)
    assert set(counts) == {0, 1}
    assert counts[1] > 8_000


def test_a_key_that_is_cleared_begins_anew(windows: list[SharedWindows]) -> None:
    windows[0].incr("one", AGE)
    windows[0].incr("another", AGE)
    windows[0].clear("one")

    assert (windows[0].get("one"), windows[0].get("another")) == (0, 1)
    windows[0].reset()
    assert windows[0].get("another") == 0
