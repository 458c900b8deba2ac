"""What Prometheus would see of running processes: their real `/metrics`, and whether they answer."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_SECONDS: Final = 10.0
"""As of Prometheus."""

_COUNTERS: Final = frozenset({"counter", "histogram"})


@dataclass(frozen=True)
class Scrape:
    """The series at a moment, in Prometheus's notation."""

    moment: float
    values: Mapping[str, float]
    counters: frozenset[str]
    """Those that only grow."""

    def of(self, metric: str) -> dict[str, float]:
        """Return the values of a metric, by series."""
        return {series: value for series, value in self.values.items() if series.startswith(f"{metric}{{")}


def scrape(targets: Mapping[str, str]) -> Scrape:
    """Scrape the targets once: URLs by the names of their jobs."""
    values: dict[str, float] = {}
    counters = set()
    for job, url in targets.items():
        target = {"job": job, "instance": httpx.URL(url).netloc.decode()}
        text = _read(url)
        values[_series("up", target)] = float(text is not None)
        for family in text_string_to_metric_families(text or ""):
            for sample in family.samples:
                series = _series(sample.name, sample.labels | target)
                values[series] = sample.value
                if family.type in _COUNTERS:
                    counters.add(series)
    return Scrape(time.monotonic(), values, frozenset(counters))


def _read(url: str) -> str | None:
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_SECONDS)
    except httpx.HTTPError:
        return None
    return answer.text if answer.status_code == httpx.codes.OK else None


def _series(name: str, labels: Mapping[str, str]) -> str:
    words = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels.items()))
    return f"{name}{{{words}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
