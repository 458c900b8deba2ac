"""Figures, rows and the page they are written to."""

from pathlib import Path

import pytest
import typer

from benchmarks.command import chosen
from benchmarks.measurements.relay import Sample, second_half
from benchmarks.measures import MEASURES
from benchmarks.report import PAGE, write_page
from benchmarks.results import Figure, Row, Target, compared, quantile, ratio

OURS = Figure((300.0, 200.0, 400.0), "orders/s")
BASELINE = Figure((30.0, 10.0, 80.0), "orders/s")


def test_a_ratio_is_taken_run_by_run() -> None:
    assert ratio(OURS, BASELINE).runs == (10.0, 20.0, 5.0)


@pytest.mark.parametrize(
    ("target", "is_met"), [(Target(10), True), (Target(11), False), (Target(10, is_most=True), True)]
)
def test_a_target_is_for_the_median_of_the_ratios(target: Target, is_met: bool) -> None:
    assert compared("drained", target, OURS, BASELINE).is_met is is_met


def test_a_row_that_was_not_measured_has_neither_met_nor_missed_its_target() -> None:
    assert Row("drained", Target(10), note="not measured: RabbitMQ is not installed").is_met is None


def test_a_quantile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_the_page_keeps_its_words_and_gets_new_results(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    row = compared("drained", Target(10), OURS, BASELINE, "a | b")
    for cores in ("2", "4"):
        write_page([row], [("cores", cores)], "All sizes.", page)
    words = page.read_text(encoding="utf-8")
    assert "| drained | 30.0 orders/s (10.0–80.0) | 300 orders/s (200–400) | 10.0× (5.00–20.0) |" in words
    assert r"| ≥ 10× | yes | a \| b |" in words
    assert "| cores | 4 |" in words
    assert "| cores | 2 |" not in words
    heading = "## How to repeat it"
    assert words.count(heading) == 1


def test_measurements_are_chosen_by_the_beginning_of_their_names() -> None:
    assert [measure.name for measure in chosen(["drain"])] == ["drain-rabbitmq", "drain-redis"]
    assert chosen([]) == list(MEASURES)
    with pytest.raises(typer.BadParameter, match="there is no measurement speed"):
        chosen(["speed"])


def test_the_second_half_of_a_drain_ends_before_its_last_order() -> None:
    samples = [Sample(float(moment), 100 * moment, 0) for moment in range(11)]
    first, last = second_half(samples, 1_000)
    assert (first.drained, last.drained) == (500, 900)
