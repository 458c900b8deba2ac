"""What was measured: figures with their spread, and rows that compare two of them with a target."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity, measured several times; `unit` is that of each run."""

    runs: tuple[float, ...]
    unit: str = ""

    @property
    def median(self) -> float:
        """Return the middle run."""
        return median(self.runs)

    def words(self) -> dict[str, Any]:
        """Return the figure for JSON."""
        return {
            "median": self.median,
            "min": min(self.runs),
            "max": max(self.runs),
            "runs": list(self.runs),
            "unit": self.unit,
        }


def ratio(ours: Figure, baseline: Figure) -> Figure:
    """Return ours ÷ baseline, run by run: what disturbed both sides of a run cancels out."""
    return Figure(tuple(a / b for a, b in zip(ours.runs, baseline.runs, strict=True)), "×")


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that the ratio, or our own figure where there is none, has to keep."""

    limit: float
    is_most: bool = False
    unit: str = "×"

    def is_met(self, figure: Figure) -> bool:
        """Say whether the median keeps the bound."""
        return figure.median <= self.limit if self.is_most else figure.median >= self.limit

    def __str__(self) -> str:
        space = "" if self.unit == "×" else " "
        return f"{'≤' if self.is_most else '≥'} {self.limit:g}{space}{self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. A row without our figure was not measured, and `note` says why."""

    measure: str
    target: Target
    ours: Figure | None = None
    baseline: Figure | None = None
    ratio: Figure | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Say whether the target is met; None if it was not measured."""
        judged = self.ratio or self.ours
        return None if judged is None else self.target.is_met(judged)

    def words(self) -> dict[str, Any]:
        """Return the row for JSON."""
        figures = {"baseline": self.baseline, "ours": self.ours, "ratio": self.ratio}
        return {
            "measure": self.measure,
            **{name: figure and figure.words() for name, figure in figures.items()},
            "target": str(self.target),
            "is_met": self.is_met,
            "note": self.note,
        }


def compared(measure: str, target: Target, ours: Figure, baseline: Figure, note: str = "") -> Row:
    """Return a row whose target is for the ratio."""
    return Row(measure, target, ours, baseline, ratio(ours, baseline), note)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]
