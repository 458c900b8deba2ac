"""Several intake processes on one port: this process listens, and keeps the set number of them running."""

import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import typer

from intake.cli.processes.doors import Door, cannot_listen, doors_of
from intake.cli.processes.foreground import run_in_foreground
from intake.cli.processes.servers import server_urls
from intake.cli.processes.supervisor import Child, Supervisor, willcall
from intake.serving.listening import listening
from intake.serving.siblings import Sibling, furnish
from worker.runtime.logs import set_up_logs
from worker.runtime.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """The sockets that the processes share."""

    calls: Sequence[socket.socket]
    metrics: Sequence[socket.socket]

    def close(self) -> None:
        """Close them in this process; the other processes keep theirs."""
        for one in (*self.calls, *self.metrics):
            one.close()


@contextmanager
def opened_doors(settings: Settings) -> Iterator[Doors]:
    """Listen on the intake's port, and on the port of its metrics if one is set.

    Raises `CommandFailed` if one is taken.
    """
    port = settings.intake_metrics_port
    metrics = Door("the port of metrics", settings.metrics_host, port, "WILLCALL_INTAKE_METRICS_PORT", "")
    with _opened(doors_of(settings)[0]) as calls, _opened(metrics) as for_metrics:
        yield Doors(calls, for_metrics)


@contextmanager
def _opened(door: Door) -> Iterator[Sequence[socket.socket]]:
    with ExitStack() as stack:
        try:
            sockets = stack.enter_context(listening(door.host, door.port)) if door.port else []
        except OSError as error:
            raise cannot_listen(door, error) from error
        yield sockets


def serve_intakes(settings: Settings, doors: Doors) -> None:
    """Keep the processes running until SIGINT or SIGTERM; return once they have answered their last calls."""
    set_up_logs(settings)
    with tempfile.TemporaryDirectory(prefix="willcall-metrics-", ignore_cleanup_errors=True) as folder:
        furnish(folder, settings.intake_processes)
        children = [_child(settings, one) for one in _siblings(settings, doors, folder)]
        log.info(f"{doors_of(settings)[0].url} is served by {len(children)} processes")
        # As with a single process: a signal to stop is no failure.
        with suppress(KeyboardInterrupt):
            run_in_foreground(_Intakes(children, doors))


class _Intakes(Supervisor):
    def __init__(self, children: Sequence[Child], doors: Doors) -> None:
        super().__init__(children, lambda name, line: log.warning(f"{name} {line}"))
        self._doors = doors

    def stop(self, is_in_hurry: Callable[[], bool] = lambda: False) -> None:
        # Otherwise new connections would wait for a process to accept them.
        self._doors.close()
        super().stop(is_in_hurry)


def _siblings(settings: Settings, doors: Doors, folder: str) -> Iterator[Sibling]:
    for index in range(settings.intake_processes):
        yield Sibling(
            name=f"intake-{index + 1}",
            index=index,
            sockets=[one.fileno() for one in doors.calls],
            metrics_sockets=[one.fileno() for one in doors.metrics],
            folder=folder,
            parent=os.getpid(),
        )


def _child(settings: Settings, sibling: Sibling) -> Child:
    return Child(
        sibling.name,
        willcall("serve", "intake"),
        server_urls(settings) | sibling.environment(),
        descriptors=sibling.descriptors,
        is_piped=False,
        on_death=partial(_on_death, sibling),
    )


def _on_death(sibling: Sibling, code: int) -> None:
    """Exit with the code of a process that could not start and has said why; a new one would fail too."""
    sibling.mark_dead()
    if code > 0 and not sibling.has_one_started:
        raise typer.Exit(code)
