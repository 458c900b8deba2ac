"""The dashboard for Grafana: its panels are whole, and Prometheus understands what they ask."""

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.grafana import DASHBOARD, EXPRESSIONS, PANELS

_REFERENCE = Path(__file__).parents[2] / "docs/reference/metrics.md"
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


def _labels_by_series() -> dict[str, set[str]]:
    """Return the labels of each series on the page of the metrics, which a test compares with the code."""
    row = re.compile(r"^\| `(willcall_\w+)` \| (\w+) \| (.*?) \|", re.MULTILINE)
    return {
        name + suffix: set(re.findall(r"`(\w+)`", labels))
        for name, kind, labels in row.findall(_REFERENCE.read_text())
        for suffix in _SUFFIXES.get(kind, ("",))
    }


def test_every_series_and_label_of_the_dashboard_is_one_of_ours() -> None:
    known = _labels_by_series()
    for expression in EXPRESSIONS:
        assert expression.metrics <= set(known), expression
        named = {
            label for labels in re.findall(r"by \(([^)]*)\)", expression.text) for label in labels.split(", ")
        } | set(re.findall(r"(\w+)=~?\"", expression.text))
        for metric in expression.metrics:
            assert named - {"le"} <= known[metric], expression


def test_legends_use_labels_that_the_expression_keeps() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"]))))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, panel["title"]


def test_every_panel_has_a_meaning_a_unit_and_the_chosen_source() -> None:
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {source["uid"] for source in sources} == {"${datasource}"}
    assert {one["name"] for one in DASHBOARD["templating"]["list"]} == {"datasource", "tenant"}


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [one["id"] for one in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [one["gridPos"] for one in DASHBOARD["panels"]]
    for first, second in itertools.combinations(places, 2):
        is_apart = any(
            one[axis] + one[size] <= other[axis]
            for axis, size in (("x", "w"), ("y", "h"))
            for one, other in ((first, second), (second, first))
        )
        assert is_apart, (first, second)
    assert all(place["x"] + place["w"] <= 24 for place in places)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_can_parse_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{index}", "expr": expression.text} for index, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(rules)} rules found" in run.stdout
