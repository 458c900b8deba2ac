"""The command: inject faults under load, ask the oracle, write the report."""

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.plan import Plan, make_plan, read_plan
from tests.faults.report import write_report
from tests.faults.running import Run, run
from tests.faults.shorten import shorten
from tests.faults.system.stage import BROKERS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    broker: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this broker; may be repeated.")
    ] = None,
    faults: Annotated[int, typer.Option(metavar="N", help="How many faults, on each broker.")] = 160,
    seconds: Annotated[float, typer.Option(metavar="S", help="For so long at most, on each broker.")] = 840,
    kinds: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Only kinds with the word in their names.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Repeat the plan of this seed.")] = None,
    plan: Annotated[Path | None, typer.Option(metavar="FILE", help="Repeat the plan in this file.")] = None,
    shorten_it: Annotated[
        bool, typer.Option("--shorten", help="Look for the fewest faults that still fail.")
    ] = False,
    write: Annotated[bool, typer.Option(help="Put the results on docs/reliability.md.")] = False,
) -> None:
    """Inject faults under load, and ask an oracle for lost, doubled, oversold and unexplained effects.

    Exit 1 if it finds any: the plan and the logs are kept then, and their place is said.
    """
    seed = secrets.randbelow(10**9) if seed is None else seed
    words = tuple(kinds or ())
    made = [make_plan(seed, one, faults, words=words) for one in broker or BROKERS] if plan is None else []
    plans = [read_plan(plan)] if plan else made
    runs = [_run(one, seconds) for one in plans]
    if write:
        write_report(runs)
    failed = [one.plan for one in runs if one.findings]
    for one in failed if shorten_it else ():
        short = shorten(one, lambda some: bool(_run(some, seconds).findings))
        _say(f"seed {one.seed}, {one.broker}: these of {len(one.injections)} faults are left:")
        for injection in short.injections:
            _say(f"  {injection.kind}, seed {injection.seed}")
    if failed:
        raise typer.Exit(1)


def _run(plan: Plan, seconds: float) -> Run:
    _say(f"seed {plan.seed}, {plan.broker}: {len(plan.injections)} faults")
    folder = Path(tempfile.mkdtemp(prefix="willcall-faults-"))
    folder.chmod(0o755)
    plan.write(folder / "plan.json")
    done = run(plan, folder, seconds=seconds, say=_say)
    _say_result(done)
    if done.findings:
        _say(f"plan and logs: {folder}; once more: python -m tests.faults --plan {folder / 'plan.json'}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return done


def _say_result(done: Run) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in done.counts.items())
    _say(f"{len(done.injected)} faults; {counts}; not at once: {done.failures or 'none'}")
    for one in done.without_effect:
        _say(f"WITHOUT EFFECT {one}")
    for finding in done.findings:
        _say(f"FOUND {finding.check}: {finding.what}")
    took = sorted(one.recovery_seconds for one in done.injected if one.recovery_seconds is not None)
    if took:
        _say(f"work went on after {took[len(took) // 2]:.2f} s (median), {took[-1]:.2f} s at most")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
