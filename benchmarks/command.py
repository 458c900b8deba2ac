"""The command: which measurements, how long, and what to print."""

import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from benchmarks import machine, report
from benchmarks.measures import MEASURES, Measure
from benchmarks.progress import Steps
from benchmarks.results import Row
from benchmarks.running.lab import Lab, NotMeasured
from benchmarks.sizes import FULL, QUICK
from tests.rabbitmq import is_installed
from worker.runtime.secret_key import generate_key
from worker.runtime.settings import PREFIX

# Pipes have no width: rich would fold the table at 80 columns.
_PIPE_COLUMNS = 200

_FAILED = "failed"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Names: " + ", ".join(measure.name for measure in MEASURES))
def run(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: about six minutes.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only these, or those that begin so; may be repeated."),
    ] = None,
    filled_orders: Annotated[
        int | None,
        typer.Option(min=1_000, help="Orders in the filled tables; the default depends on the sizes."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put the table on the page of results.")] = False,
) -> None:
    """Measure Willcall against its baselines, on servers of its own.

    Exit 1 if something could not be measured for another reason than a missing broker; a missed target is
    a result.
    """
    measures = chosen(only or [], is_quick=quick)
    forget_settings()
    # So that all started processes are ended in any case.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sizes = QUICK if quick else FULL
    if filled_orders is not None:
        sizes = replace(sizes, filled_orders=filled_orders)
    with Steps(len(measures)) as steps, Lab(sizes, steps.say) as lab:
        rows, failures = _measure(lab, measures, steps)
        facts = machine.describe(lab)
    if as_json:
        sys.stdout.write(orjson.dumps(report.words(rows, facts, quick)).decode() + "\n")
    else:
        report.print_table(Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS), rows)
    if write:
        report.write_page(rows, facts, "Sizes of `--quick`." if quick else "All sizes.")
    raise typer.Exit(1 if failures else 0)


def chosen(names: Sequence[str], *, is_quick: bool = False) -> list[Measure]:
    """Return the measurements whose names begin with one of these; all of them for none."""
    for name in names:
        if not any(measure.name.startswith(name) for measure in MEASURES):
            known = ", ".join(measure.name for measure in MEASURES)
            raise typer.BadParameter(f"there is no measurement {name}; there are {known}")
    if names:
        return [measure for measure in MEASURES if measure.name.startswith(tuple(names))]
    return [measure for measure in MEASURES if not (is_quick and measure.is_repeated and is_installed())]


def forget_settings() -> None:
    """Drop the caller's settings: they name servers that are not ours to load."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    # One for this process and all that it starts, whatever database they have.
    os.environ[f"{PREFIX}SECRET_KEY"] = generate_key()


def _measure(lab: Lab, measures: Sequence[Measure], steps: Steps) -> tuple[list[Row], int]:
    """Return the rows, in the order of the measurements, and how many measurements failed."""
    found: dict[str, Sequence[Row]] = {}
    # First, while the servers start, what does not need the machine for itself.
    together = [measure for measure in measures if not measure.is_timed]
    if together:
        lab.ours.reset()  # starts the database, which only one of them must
        with ThreadPoolExecutor(len(together)) as pool:
            rows = pool.map(lambda measure: _rows(lab, measure, steps), together)
            found.update(zip((measure.name for measure in together), rows, strict=True))
    for measure in measures:
        if measure.is_timed:
            found[measure.name] = _rows(lab, measure, steps)
    all_rows = [row for measure in measures for row in found[measure.name]]
    return all_rows, sum(row.note.startswith(_FAILED) for row in all_rows)


def _rows(lab: Lab, measure: Measure, steps: Steps) -> Sequence[Row]:
    try:
        return measure.run(lab)
    except NotMeasured as reason:
        return [Row(measure.title, measure.target, note=f"not measured: {reason}")]
    except Exception as error:  # noqa: BLE001 - the others are still worth measuring
        steps.say(f"{measure.name} failed: {type(error).__name__}: {error}")
        lab.end_crews()
        return [Row(measure.title, measure.target, note=f"{_FAILED}: {error}"[:300])]
    finally:
        steps.advance()


def main() -> Any:
    """Run the command."""
    return app()
