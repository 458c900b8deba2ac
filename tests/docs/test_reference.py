"""The generated pages of the reference are those of the code."""

import re
from pathlib import Path

import pytest

from docs.generate.pages import FOLDER, pages


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], (
        "The page is older than the code. Run `make reference`."
    )


def test_every_generated_page_is_compared() -> None:
    assert set(pages()) == {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}


def test_every_metric_of_the_code_is_on_the_page() -> None:
    root = Path(__file__).parents[2]
    code = "".join(
        path.read_text() for folder in ("worker", "intake", "tasks") for path in (root / folder).rglob("*.py")
    )
    made = set(re.findall(r'(?:Counter|Gauge|Histogram|GaugeMetricFamily)\(\s*"(willcall_[a-z_]+)"', code))
    listed = set(re.findall(r"^\| `(willcall_[a-z_]+)`", (FOLDER / "metrics.md").read_text(), re.MULTILINE))
    assert made == listed
