"""Reading a server for the metrics costs it little, however often it is scraped."""

import asyncio
import math
import time
from collections.abc import Iterable

import pytest
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from intake.monitoring.scraped import Scraped
from tests.intake.monitoring.samples import samples_of


class Readings(Scraped[int]):
    def __init__(self, *, seconds: float = 0, fails: bool = False) -> None:
        super().__init__()
        self._seconds, self._fails = seconds, fails
        self.count = 0

    def read(self) -> int:
        self.count += 1
        time.sleep(self._seconds)
        if self._fails:
            raise OSError
        return self.count

    def show(self, found: int | None) -> Iterable[Metric]:
        yield GaugeMetricFamily("readings", "…", value=math.nan if found is None else found)


def test_many_scrapes_at_once_are_one_reading() -> None:
    async def scrape() -> tuple[int, dict[tuple[str, ...], float]]:
        readings = Readings()
        *_, last = await asyncio.gather(*(readings.refreshed() for _ in range(20)))
        return readings.count, samples_of(last)

    assert asyncio.run(scrape()) == (1, {("readings",): 1})


@pytest.mark.parametrize(
    ("seconds", "fails", "wait"),
    [(0.0, False, 5.0), (0.3, False, 15.0), (0.8, False, 30.0), (0.8, True, 5.0)],
)
def test_a_slow_reading_is_made_less_often_and_a_failed_one_soon_again(
    seconds: float, fails: bool, wait: float
) -> None:
    readings = Readings(seconds=seconds, fails=fails)
    asyncio.run(readings.refresh())
    assert readings._next_at - time.monotonic() == pytest.approx(wait, rel=0.2)


def test_a_server_that_does_not_answer_makes_the_figure_unknown() -> None:
    async def scrape() -> dict[tuple[str, ...], float]:
        return samples_of(await Readings(fails=True).refreshed())

    assert math.isnan(asyncio.run(scrape())["readings",])
