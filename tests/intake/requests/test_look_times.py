"""When outcomes are looked for: soon where they come soon, rarely where many wait, always within bounds."""

from hypothesis import given
from hypothesis import strategies as st

from intake.requests.look_times import LookTimes

_seconds = st.floats(0, 1_000)


def test_the_first_look_comes_shortly_before_the_fastest_outcomes() -> None:
    times = LookTimes()
    for seconds in (0.012, 0.010, 0.011):
        times.note(seconds)
    assert 0.007 < times.until_first() < 0.010


def test_what_became_slower_is_learned_too() -> None:
    times = LookTimes()
    times.note(0.004)
    early = times.until_first()
    for _ in range(200):
        times.note(0.015)
    assert times.until_first() > 2 * early


@given(st.lists(_seconds), st.integers(0, 10_000), _seconds, _seconds)
def test_every_time_has_bounds(noted: list[float], waiting: int, youngest: float, took: float) -> None:
    times = LookTimes()
    for seconds in noted:
        times.note(seconds)
    assert 0.002 <= times.until_first() <= 0.02
    assert 0 <= times.until_next(waiting, youngest, took) <= max(0.5, 0.001 * (1 + waiting / 8))


def test_many_who_wait_are_looked_for_more_rarely_than_a_lone_one() -> None:
    times = LookTimes()
    assert times.until_next(1, 0, 0) < times.until_next(64, 0, 0) < times.until_next(512, 0, 0)
    assert times.until_next(1, 0, 0.3) == 0.3
