"""The report: what was injected, when work went on, what the oracle found, and what was not tried."""

import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import yaml

from tests.faults.running import RECOVERY_TARGET_SECONDS, Injected, Run
from tests.faults.timeline import draw
from tests.processes import ROOT

PAGE: Final = ROOT / "docs" / "reliability.md"
PLOT: Final = "reliability-{broker}.svg"
_FOUND: Final = Path(__file__).parent / "found.yaml"

_HEAD: Final = """# Reliability

This page is made by `make faults`. The harness in `tests/faults` runs the whole system with two processes of
each role on real servers, lets producers ask for orders in all dialects, on the queue and over HTTP, injects
faults, and checks that each took effect. When the system has settled, an oracle that knows nothing of the
program compares what producers asked for and were told with the database and with every event message.
"""

_NOT_TRIED: Final = (
    "Loss of power: disks keep what the operating system was given, as only processes are killed.",
    "More than one machine: processes share a kernel and a clock, unless a fault sets their clocks apart.",
    "Storage that returns other bytes than were written.",
    "Failures for longer than some minutes, and systems that run for days.",
    "RabbitMQ 4: this page's run starts Debian's package, which is 3.10 in Debian 12. With "
    "`--broker cluster` the harness runs on three nodes of version 4 where they are at hand.",
    "Workers of the version before beside those of this one: `make deploys` does that, without other faults.",
    "An exchange that is deleted.",
)


def write_report(runs: Sequence[Run], page: Path = PAGE) -> None:
    """Write the page, and a time line of each run beside it."""
    page.write_text("\n".join(_lines(runs)) + "\n")
    for run in runs:
        (page.parent / PLOT.format(broker=run.plan.broker)).write_text(draw(run))


def _lines(runs: Sequence[Run]) -> Iterator[str]:
    yield _HEAD
    faults = sum(len(run.injected) for run in runs)
    kinds = {one.injection.kind for run in runs for one in run.injected}
    findings = [finding for run in runs for finding in run.findings]
    yield (
        f"**{faults} faults of {len(kinds)} kinds; {_counted(len(findings), 'finding')}** "
        f"(lost, doubled, oversold, unexplained). {_when_and_where()}"
    )
    for run in runs:
        yield f"\n## {run.plan.broker}\n"
        yield from _of_run(run)
    yield "\n## What it has found so far\n"
    yield from _table(("what", "mended by"), _found())
    yield "\n## What was not tried\n"
    yield from (f"- {one}" for one in _NOT_TRIED)


def _of_run(run: Run) -> Iterator[str]:
    took = sorted(one.recovery_seconds for one in run.injected if one.recovery_seconds is not None)
    counts = ", ".join(f"{count:,} {name}" for name, count in run.counts.items())
    yield f"Seed {run.plan.seed}; {run.seconds:.0f} s; {counts}."
    if took:
        late = sum(one > RECOVERY_TARGET_SECONDS for one in took)
        yield (
            f"Work went on {median(took):.2f} s after a fault's end (median; at most {took[-1]:.2f} s; "
            f"{late} later than {RECOVERY_TARGET_SECONDS:g} s)."
        )
    answers = ", ".join(f"{count:,} × {name}" for name, count in sorted(run.failures.items()))
    yield f"Answers to try again, or none: {answers or 'none'}.\n"
    yield f"![Orders confirmed each second, and faults]({PLOT.format(broker=run.plan.broker)})\n"
    for finding in run.findings:
        yield f"- **{finding.check.replace('_', ' ')}**: {finding.what}"
    if run.findings:
        yield ""
    yield from _table(("fault", "times", "work went on after (median)", "at most"), _of_kinds(run.injected))
    if run.without_effect:
        yield "\nThese had no effect, and count for nothing:\n"
        yield from (f"- {one}" for one in run.without_effect)


def _of_kinds(injected: Iterable[Injected]) -> Iterator[tuple[str, ...]]:
    by_kind: defaultdict[str, list[float]] = defaultdict(list)
    for one in injected:
        by_kind[one.injection.kind].append(
            float("inf") if one.recovery_seconds is None else one.recovery_seconds
        )
    for name, seconds in sorted(by_kind.items()):
        yield name, str(len(seconds)), f"{median(seconds):.2f} s", f"{max(seconds):.2f} s"


def _found() -> Iterator[tuple[str, ...]]:
    for one in yaml.safe_load(_FOUND.read_text()):
        yield one["what"], f"`{one['commit']}`"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _when_and_where() -> str:
    described = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    commit = described.stdout.strip() or "unknown"
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    python = f"Python {platform.python_version()}"
    return f"Run on {datetime.now(UTC):%Y-%m-%d} at commit `{commit}`, {machine}, {python}."
