"""`willcall schedule`: the scheduled jobs."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, print_json, print_line, print_table

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from orders.upkeep.jobs import Job, JobRun

app = typer.Typer(help="Scheduled jobs and their last runs.", no_args_is_help=True)

_PAUSE_SECONDS: Final = 0.1


@app.command("list", epilog="Example: willcall schedule list")
def list_(as_json: JsonFlag = False) -> None:
    """List the scheduled jobs: when each last ran, how it ended, and when it is due."""
    from dataclasses import asdict
    from datetime import UTC

    from intake.cli.processes.servers import transaction
    from orders.upkeep.jobs import read_jobs
    from tasks.jobs import intervals
    from worker.runtime.settings import get_settings

    now = datetime.now(UTC)
    with transaction() as connection:
        jobs = read_jobs(connection, intervals(get_settings()), now)
    if as_json:
        print_json([{**asdict(job), "result": job.result} for job in jobs])
        return
    print_table(
        ("job", "every", "last ran", "took", "result", "due"),
        (
            (
                job.name,
                f"{job.interval_seconds:g} s",
                "never" if job.ran_at is None else _moment(job.ran_at),
                "" if job.took_seconds is None else f"{job.took_seconds:.2f} s",
                _result(job),
                _due(job, now),
            )
            for job in jobs
        ),
    )


def _result(job: "Job") -> str:
    if not job.is_running or job.began_at is None:
        return job.result or ""
    running = f"running since {_moment(job.began_at)}, or its worker died"
    return f"{job.result}; {running}" if job.result else running


def _due(job: "Job", now: datetime) -> str:
    late = "; it is late: is a beat running?" if job.is_late else ""
    return f"{_moment(job.due_at)}{late}" if job.due_at > now or late else "now"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


@app.command(epilog="Example: willcall schedule run reconciliation.run")
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A job from `schedule list`.")],
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, metavar="S", help="Seconds to wait for the job to end.")
    ] = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Run a scheduled job now, through the queue, and print its result; exit 1 if it failed."""
    from intake.cli.processes.servers import engine, servers
    from tasks.jobs import intervals, queue_of
    from willcall.messages import kwargs_json, task_message
    from willcall.publishing import Publisher

    with servers(database=True, broker=True) as settings, engine() as opened:
        known = intervals(settings)
        if name not in known:
            raise CommandFailed(f"there is no job {name}: use one of {', '.join(known)}")
        tick = -time.time_ns() // 1_000  # negative: no beat has it
        message = task_message(
            name, kwargs_json(tick=tick), queue=queue_of(name), summary=f"{{'tick': {tick}}}"
        )
        with Publisher(settings.broker(), settings) as publisher:
            publisher.publish([message])
        ran = _await(opened, name, tick, timeout)
    if as_json:
        print_json({"job": name, "result": ran.error or "ok", "count": ran.count})
    else:
        print_line(f"{name}: {ran.error}" if ran.error else f"{name}: ok, {ran.count} done")
    if ran.error:
        raise typer.Exit(1)


def _await(engine: "Engine", name: str, tick: int, timeout: float) -> "JobRun":
    from orders.upkeep.jobs import find_run

    deadline = time.monotonic() + timeout
    while True:
        with engine.connect() as connection:
            found = find_run(connection, name, tick)
        if found is not None and found.is_finished:
            return found
        if time.monotonic() >= deadline:
            raise CommandFailed(_overdue(name, timeout, has_begun=found is not None))
        time.sleep(_PAUSE_SECONDS)


def _overdue(name: str, timeout: float, *, has_begun: bool) -> str:
    if has_begun:
        return f"{name} has not ended after {timeout:g} s; check again with `willcall schedule list`"
    return (
        f"no worker began {name} within {timeout:g} s; it waits in the queue. Is a worker running? "
        "Run `willcall doctor`"
    )
