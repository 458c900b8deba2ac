"""Which alerts fire where scraped values go on: `promtool test rules` has the last word."""

import math
import re
import subprocess
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.prometheus import FOLDER, RULES
from tests.system.alerts.scrapes import Scrape

_WINDOW: Final = 60
"""Minutes that the rules look back at most."""

_BEFORE: Final = 2 * _WINDOW + 10
"""Minutes of a system that is well, after a first hour whose counters are new to Prometheus."""

_TROUBLED: Final = 30
"""Minutes for which the trouble goes on: more than any rule waits."""

_USED: Final = {name for rule in RULES for name in re.findall(r"\b(?:willcall_\w+|up)\b", rule["expr"])}

_FIRED: Final = 'group by (alertname) (max_over_time(ALERTS{{alertstate="firing"}}[{minutes}m]))'


def check_that_fire(
    alerts: Collection[str],
    before: Scrape,
    during: Sequence[Scrape],
    folder: Path,
    *,
    growing: Collection[str] = (),
) -> None:
    """Assert that these alerts fire in the course of the trouble, that no others do, and none before it.

    What was scraped before is repeated for hours, then what was scraped during the trouble goes on:
    counters grow as between its first scrape and its last, gauges have the scraped values in turn. Gauges of
    metrics that are `growing` grow as between the scrapes.
    """
    test = {
        "rule_files": [str(FOLDER / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": list(_input_series(before, during, growing)),
                "promql_expr_test": [
                    _expected((), at=_BEFORE - 1, minutes=_BEFORE - _WINDOW - 5),
                    _expected(alerts, at=_BEFORE + _TROUBLED - 1, minutes=_TROUBLED),
                ],
            }
        ],
    }
    file = folder / "scraped.yml"
    file.write_text(yaml.safe_dump(test, sort_keys=False))
    told = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def _expected(alerts: Collection[str], *, at: int, minutes: int) -> dict[str, Any]:
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)]
    return {"expr": _FIRED.format(minutes=minutes), "eval_time": f"{at}m", "exp_samples": samples}


def _input_series(
    before: Scrape, during: Sequence[Scrape], growing: Collection[str]
) -> Iterator[dict[str, str]]:
    for series in sorted({name for one in (before, *during) for name in one.values}):
        name = series.partition("{")[0]
        if name not in _USED:
            continue
        grows = name in growing or any(series in one.counters for one in during)
        values = [_word(before.values.get(series))] * _BEFORE
        values += list(_going_on(series, during, grows=grows))
        yield {"series": series, "values": " ".join(values)}


def _going_on(series: str, during: Sequence[Scrape], *, grows: bool) -> Iterator[str]:
    first, last = during[0], during[-1]
    if series not in last.values:
        yield "stale"  # as Prometheus says of a series that a scrape has no more
        yield from ["_"] * (_TROUBLED - 1)
        return
    rate = 0.0
    if grows and series in first.values and first is not last:
        rate = 60 * (last.values[series] - first.values[series]) / (last.moment - first.moment)
    for minute in range(_TROUBLED):
        if grows:
            yield _word(last.values[series] + rate * minute)
        else:
            yield _word(during[minute % len(during)].values.get(series))


def _word(value: float | None) -> str:
    if value is None:
        return "_"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else f"{value:.6f}"
