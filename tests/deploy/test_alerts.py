"""Each alert has a runbook section, and reads metrics that the processes have."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry
from sqlalchemy import Engine

from intake.monitoring.outbox_metrics import OutboxMetrics
from worker.runtime import metrics

ROOT: Final = Path(__file__).parents[2]
RULES: Final = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]


def sample_names(registry: CollectorRegistry) -> set[str]:
    suffixes = {"counter": "_total"}
    return {family.name + suffixes.get(family.type, "") for family in registry.collect()}


def test_each_alert_links_to_its_section_of_the_runbook() -> None:
    sections = re.findall(r"^### (Willcall\w+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_each_metric_of_an_alert_exists(engine: Engine) -> None:
    assert metrics.BREAKER_OPEN.describe()  # imported, so that its metrics are registered
    known = sample_names(REGISTRY) | sample_names(asyncio.run(OutboxMetrics(engine).refreshed()))
    used = {name for rule in RULES for name in re.findall(r"willcall_\w+", rule["expr"])}
    assert used <= known


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_alerts_fire_for_troubled_series_and_for_no_healthy_ones() -> None:
    run = subprocess.run(
        ["promtool", "test", "rules", ROOT / "deploy/prometheus/alerts_test.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
