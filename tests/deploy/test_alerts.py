"""Each alert has a runbook section, and reads metrics that the processes have."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import REGISTRY, CollectorRegistry
from sqlalchemy import Engine

from intake.monitoring.outbox_metrics import OutboxMetrics
from tests.deploy.manifests import PODS, of_kind
from tests.deploy.prometheus import FOLDER, JOBS, RULES
from worker.runtime import metrics

ROOT: Final = Path(__file__).parents[2]

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, of Debian's package prometheus, is not installed"
)


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


def test_the_jobs_of_the_rules_are_scraped_on_a_host_and_in_a_cluster() -> None:
    named = {name for rule in RULES for name in re.findall(r'job="(willcall-\w+)"', rule["expr"])}
    (monitor,) = of_kind("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (relabeling,) = endpoint["relabelings"]

    assert named
    assert named <= set(JOBS)
    assert relabeling["sourceLabels"] == ["__meta_kubernetes_pod_label_app_kubernetes_io_component"]
    assert relabeling["targetLabel"] == "job"
    scraped = [name for name, pod in PODS.items() if endpoint["port"] in pod.ports]
    assert {relabeling["replacement"].replace("$1", name) for name in scraped} == set(JOBS)


@needs_promtool
@pytest.mark.parametrize(
    "words", [("test", "rules", "alerts_test.yml"), ("check", "config", "prometheus.yml")], ids=" ".join
)
def test_prometheus_understands_what_is_deployed_and_fires_for_troubled_series_only(
    words: tuple[str, ...],
) -> None:
    run = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
