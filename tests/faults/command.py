"""The command: inject faults under load, ask the oracle, write the report."""

import secrets
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.plan import Plan, make_plan, read_plan
from tests.faults.running import Run, run
from tests.faults.stage import BROKERS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    broker: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this broker; may be repeated.")
    ] = None,
    faults: Annotated[int, typer.Option(metavar="N", help="How many faults, on each broker.")] = 150,
    seconds: Annotated[float, typer.Option(metavar="S", help="For so long at most, on each broker.")] = 850,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Repeat the plan of this seed.")] = None,
    plan: Annotated[Path | None, typer.Option(metavar="FILE", help="Repeat the plan in this file.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the logs of all processes.")] = False,
) -> None:
    """Inject faults under load, and ask an oracle for lost, doubled, oversold and unexplained effects.

    Exit 1 if it finds any.
    """
    seed = secrets.randbelow(10**9) if seed is None else seed
    plans = [read_plan(plan)] if plan else [make_plan(seed, one, faults) for one in broker or BROKERS]
    runs = [_run(one, seconds, keep) for one in plans]
    if any(one.findings for one in runs):
        raise typer.Exit(1)


def _run(plan: Plan, seconds: float, keep: bool) -> Run:
    _say(f"seed {plan.seed}, {plan.broker}: {len(plan.injections)} faults")
    folder = Path(tempfile.mkdtemp(prefix="willcall-faults-"))
    folder.chmod(0o755)
    plan.write(folder / "plan.json")
    done = run(plan, folder, seconds=seconds, say=_say)
    _say(f"{len(done.injected)} faults; {done.counts}; {done.failures}")
    for finding in done.findings:
        _say(f"FOUND {finding.check}: {finding.what}")
    for one in done.without_effect:
        _say(f"WITHOUT EFFECT {one}")
    took = sorted(one.recovery_seconds for one in done.injected if one.recovery_seconds is not None)
    if took:
        _say(f"work went on after {took[len(took) // 2]:.2f} s (median), {took[-1]:.2f} s at most")
    _say(f"logs and plan: {folder}")
    return done


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
