"""Named points in the life of an order at which a process can be killed or stopped.

The harness arms a point with a file in a folder. Whoever passes the point first takes the file away, leaves
its process id, and sends itself the signal that the file names.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True)
class Point:
    """A point: before or after a call in processes of one role."""

    name: str
    role: str
    module: str
    call: str
    """The call's name in the module; one of a class has a dot."""
    is_after: bool = False

    def file(self, folder: Path) -> Path:
        return folder / self.name.replace(" ", "-")


POINTS: Final = (
    Point("in a batch", "worker", "orders.process", "write"),
    Point("between commit and acknowledgement", "worker", "worker.batching", "BulkConsumer._process", True),
    Point("between publish and mark", "relay", "tasks.relay", "mark_sent"),
    Point(
        "between publish and answer",
        "intake",
        "intake.requests.publish",
        "GroupPublisher._publish_group",
        True,
    ),
)


def arm(folder: Path, point: Point, how: signal.Signals) -> Path:
    """Have the next process that passes the point get a signal there; return the file that says so."""
    folder.mkdir(exist_ok=True)
    file = point.file(folder)
    disarm(file)
    written = file.with_suffix(".new")
    written.write_text(how.name)
    written.rename(file)
    return file


def victim_of(file: Path) -> int | None:
    """Return the process that has passed an armed point; None while nobody has."""
    with suppress(FileNotFoundError, ValueError):
        return int(file.with_suffix(".passed").read_text())
    return None


def disarm(file: Path) -> None:
    """Take back what nobody has passed, and forget who did."""
    file.unlink(missing_ok=True)
    file.with_suffix(".passed").unlink(missing_ok=True)


def watch_points(role: str, folder: Path) -> None:
    """Have this process look, at each point of its role, whether it is armed."""
    for point in POINTS:
        if point.role == role:
            owner: Any = import_module(point.module)
            *classes, name = point.call.split(".")
            for one in classes:
                owner = getattr(owner, one)
            setattr(owner, name, _watched(getattr(owner, name), point, folder))


def _watched(call: Callable[..., Any], point: Point, folder: Path) -> Callable[..., Any]:
    file = point.file(folder)

    @wraps(call)
    def watched(*arguments: Any, **options: Any) -> Any:
        if point.is_after:
            result = call(*arguments, **options)
            _pass(file)
            return result
        _pass(file)
        return call(*arguments, **options)

    return watched


def _pass(file: Path) -> None:
    taken = file.with_suffix(f".{os.getpid()}")
    with suppress(FileNotFoundError):
        file.rename(taken)  # one of those who pass at once has it
        how = signal.Signals[taken.read_text()]
        taken.write_text(str(os.getpid()))
        taken.rename(file.with_suffix(".passed"))
        os.kill(os.getpid(), how)
