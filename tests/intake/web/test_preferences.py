"""The header `Prefer` is read as RFC 7240 says."""

import pytest

from intake.web.preferences import wanted_wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], 0),
        (["wait=5"], 5),
        (["WAIT = 5"], 5),
        (['wait="5"'], 5),
        (["respond-async, wait=5"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=5; because=hurry"], 5),
        (["wait=5, wait=9"], 5),
        (["wait=31"], 30),
        (["wait=999999999"], 30),
        (["wait=9999999999999999999999"], 0),
        (["await=5"], 0),
        (["wait=five"], 0),
        (["wait=٥"], 0),
    ],
)
def test_a_wait_is_understood_or_ignored(headers: list[str], seconds: int) -> None:
    assert wanted_wait(headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [([], 5), (["wait=9"], 9), (["wait=0"], 0), (["respond-async"], 0), (["respond-async, wait=9"], 9)],
)
def test_who_usually_waits_may_prefer_otherwise(headers: list[str], seconds: int) -> None:
    assert wanted_wait(headers, 5) == seconds
