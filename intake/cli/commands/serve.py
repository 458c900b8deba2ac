"""`willcall serve`: the processes of the Procfile."""

import ipaddress
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import typer

from intake.cli.failures import SettingsWrong

if TYPE_CHECKING:
    from intake.cli.processes.supervisor import Child
    from worker.runtime.settings import Settings

app = typer.Typer(
    help="One process of Willcall, in the foreground, for a process manager or a container. "
    "SIGTERM ends it with exit code 0, or with 143 while it still starts.",
    no_args_is_help=True,
)


@contextmanager
def _serving() -> Iterator["Settings"]:
    """Keep the embedded servers running for the process's life where no URL is set."""
    from intake.cli.processes.servers import servers
    from intake.cli.processes.supervisor import end_with_supervisor

    end_with_supervisor()
    with servers(database=True, broker=True) as settings:
        yield settings


@app.command(epilog="Example: WILLCALL_INTAKE_PORT=8080 willcall serve intake")
def intake() -> None:
    """Serve HTTP on WILLCALL_INTAKE_HOST and WILLCALL_INTAKE_PORT, in WILLCALL_INTAKE_PROCESSES processes."""
    from intake.cli.processes.servers import check_secrets
    from intake.serving.siblings import join_siblings
    from worker.runtime.settings import get_settings

    sibling = join_siblings()
    check_intake(get_settings())
    if sibling is None and get_settings().intake_processes > 1:
        _intakes(get_settings())
        return
    with _serving() as settings:
        from intake.server import serve

        check_secrets(settings)
        serve(settings, sibling)
    if sibling is not None:
        sibling.leave()


def _intakes(settings: "Settings") -> None:
    from intake.cli.processes.intakes import opened_doors, serve_intakes
    from intake.cli.processes.servers import check_secrets

    with opened_doors(settings) as doors, _serving() as settings:
        check_secrets(settings)
        serve_intakes(settings, doors)


@app.command(epilog="Example: WILLCALL_WORKER_PROCESSES=4 willcall serve worker")
def worker() -> None:
    """Take orders from the queue, in WILLCALL_WORKER_PROCESSES processes."""
    from intake.cli.processes.servers import check_secrets

    with _serving() as settings:
        check_secrets(settings)
        if settings.worker_processes == 1:
            _celery(*_consumer("worker", "orders,maintenance", concurrency=2))
        else:
            _supervise_workers(settings)


@app.command(epilog="Example: willcall serve relay")
def relay() -> None:
    """Send the event messages of the outbox to the exchange. More than one may run."""
    with _serving():
        _celery(*_consumer("relay", "outbox", concurrency=1))


@app.command(epilog="Example: willcall serve documents")
def documents() -> None:
    """Render requested documents: orders as PDF. More than one may run."""
    from worker.runtime.priority import lower_priority

    with _serving():
        # Orders are more urgent than PDFs.
        lower_priority()
        # Two threads: one of them is free for small documents.
        arguments = _consumer("documents", "documents", concurrency=2)
        _celery(*arguments, "--include", "intake.documents.task,intake.documents.watching")


@app.command(epilog="Example: willcall serve beat")
def beat() -> None:
    """Send the scheduled tasks. More than one may run: each tick takes effect once."""
    with _serving():
        _celery("beat")


@app.command(epilog="Example: WILLCALL_FLOWER_BASIC_AUTH=someone:secret willcall serve flower")
def flower() -> None:
    """Serve the dashboard, on WILLCALL_FLOWER_HOST and WILLCALL_FLOWER_PORT."""
    from intake.dashboard.serve import serve

    with _serving() as settings:
        check_flower(settings)
        serve(settings)


def check_intake(settings: "Settings") -> None:
    """Refuse an intake that is reachable from outside but has no address for its links."""
    if settings.public_url is None and not _is_loopback(settings.intake_host):
        raise SettingsWrong(
            f"the intake does not listen on {settings.intake_host} without an address for links: "
            "set WILLCALL_PUBLIC_URL to the URL that buyers open, or WILLCALL_INTAKE_HOST to 127.0.0.1"
        )


def check_flower(settings: "Settings") -> None:
    """Refuse a dashboard that is reachable from outside without a login."""
    login = settings.flower_basic_auth
    if login is not None and not all(login.partition(":")):
        raise SettingsWrong("the setting WILLCALL_FLOWER_BASIC_AUTH is wrong: must be user:password")
    if login is None and not _is_loopback(settings.flower_host):
        raise SettingsWrong(
            f"Flower does not listen on {settings.flower_host} without a login: "
            "set WILLCALL_FLOWER_BASIC_AUTH to user:password, or WILLCALL_FLOWER_HOST to 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _consumer(name: str, queues: str, *, concurrency: int) -> list[str]:
    return [
        "worker",
        "-Q", queues,
        "--pool", "threads",
        "--concurrency", str(concurrency),
        "--hostname", f"{name}-{os.getpid()}@%h",
        "-E",  # Flower needs events
        # Messages among workers: nothing here needs them, and on Redis they slow down every start.
        "--without-mingle",
        "--without-gossip",
    ]  # fmt: skip


def _celery(*arguments: str) -> None:
    """Run a Celery command in this process; its exit code is ours.

    Not by `exec`: the embedded servers run until it ends, and no password is in its arguments.
    """
    from celery.bin.celery import celery
    from click.exceptions import Abort

    # By its name: nothing here depends on the worker. And before Celery looks in the current directory.
    import_module("worker.app")
    try:
        code = celery.main(
            ["--quiet", "-A", "worker.app", *arguments], prog_name="celery", standalone_mode=False
        )
    except Abort as stopped:  # by Ctrl-C, while still starting
        raise KeyboardInterrupt from stopped
    if code:
        raise typer.Exit(code)


def _supervise_workers(settings: "Settings") -> None:
    from intake.cli.processes.foreground import Printer, run_in_foreground
    from intake.cli.processes.supervisor import Supervisor

    children = worker_children(settings)
    run_in_foreground(Supervisor(children, Printer([child.name for child in children]).show))


def worker_children(settings: "Settings") -> list["Child"]:
    """Return a child for each worker process."""
    from intake.cli.processes.supervisor import Child, willcall

    count, port = settings.worker_processes, settings.worker_metrics_port
    return [
        Child(
            "worker" if count == 1 else f"worker-{index + 1}",
            willcall("serve", "worker"),
            {
                **child_environment(settings),
                "WILLCALL_WORKER_PROCESSES": "1",
                # A port can be opened only once: each further process uses the next one.
                "WILLCALL_WORKER_METRICS_PORT": str(port and port + index),
            },
        )
        for index in range(count)
    ]


def child_environment(settings: "Settings") -> dict[str, str]:
    """Return the environment of the children of `up` and `serve worker`.

    Their output is a pipe, so variables say whether people read it, and whether in colour.
    """
    from intake.cli.processes.servers import server_urls
    from worker.runtime.log_lines import wants_colour

    servers = server_urls(settings)
    if settings.log_format != "auto" or not sys.stdout.isatty():
        return servers
    colour = {"FORCE_COLOR": "1"} if wants_colour(True) else {}
    return servers | {"WILLCALL_LOG_FORMAT": "people"} | colour
