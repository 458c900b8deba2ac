"""One of several intake processes that share a port, and what the parent process gives to each."""

import os
import shutil
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

from intake.serving.open_counts import OpenCounts, make_counts, mark_away
from intake.serving.shared_windows import SharedWindows, make_windows

_VARIABLE: Final = "WILLCALL_SIBLING"


@dataclass(frozen=True, slots=True)
class Sibling:
    """A process's own parameters, all plain values, as they are passed in the environment."""

    name: str
    index: int
    """From 0; the process that replaces it has the same."""
    sockets: Sequence[int]
    """Descriptors of sockets that listen on the intake's port; all siblings share them."""
    metrics_sockets: Sequence[int]
    """The same for the port of the metrics; empty if they have no port of their own."""
    folder: str
    """The folder of the files in which all siblings count."""
    parent: int
    """The id of the parent process."""

    @property
    def descriptors(self) -> Sequence[int]:
        """Return the descriptors that the process inherits."""
        return (*self.sockets, *self.metrics_sockets)

    def environment(self) -> dict[str, str]:
        """Return the environment variables with these parameters."""
        # The second one makes prometheus_client count in files, which any of the siblings can add up.
        return {_VARIABLE: orjson.dumps(asdict(self)).decode(), "PROMETHEUS_MULTIPROC_DIR": self.folder}

    def open_counts(self) -> OpenCounts:
        """Return the numbers of connections of the siblings."""
        return OpenCounts(_counts_in(self.folder), self.index)

    def windows(self) -> SharedWindows:
        """Return the windows in which the siblings count requests and unknown keys together."""
        return SharedWindows(_windows_in(self.folder), self.index)

    def mark_started(self) -> None:
        """Show the parent process that its children can start."""
        self._started.touch()

    @property
    def has_one_started(self) -> bool:
        """Say whether any of the siblings has ever begun to serve."""
        return self._started.exists()

    @property
    def _started(self) -> Path:
        return Path(self.folder, "started")

    def leave(self) -> None:
        """Remove the folder if the parent process died first, which would have removed it."""
        if os.getppid() != self.parent:
            shutil.rmtree(self.folder, ignore_errors=True)

    def mark_dead(self) -> None:
        """Remove the gauges of a process that has died; its counters remain."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(self.index, self.folder)  # type: ignore[no-untyped-call]
        mark_away(_counts_in(self.folder), self.index)


def furnish(folder: str, siblings: int) -> None:
    """Make the files of this number of siblings in their folder."""
    make_counts(_counts_in(folder), siblings)
    make_windows(_windows_in(folder), siblings)


def _counts_in(folder: str) -> Path:
    return Path(folder, "connections")


def _windows_in(folder: str) -> Path:
    return Path(folder, "windows")


def join_siblings() -> Sibling | None:
    """Return this process's parameters, or None if it has no siblings.

    Called before any metric is made: a process that replaces another goes on with its files. With a file for
    each process id, as is usual, a process that dies again and again would fill the disk.
    """
    given = os.environ.pop(_VARIABLE, None)
    if given is None:
        return None
    from prometheus_client import values

    sibling = Sibling(**orjson.loads(given))
    values.ValueClass = values.MultiProcessValue(lambda: sibling.index)  # type: ignore[no-untyped-call]
    return sibling


def opened(descriptors: Sequence[int]) -> list[socket.socket]:
    """Return inherited sockets as objects."""
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]
