"""Clocks that are wrong: of one process, by an hour, from its start or from one moment on."""

import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.kinds.kind import Inject, kind, seen
from tests.faults.system.actors import Actor, wait_until_all_run
from tests.faults.system.stage import ROLES, Stage

_HOUR: Final = 3600
_ENOUGH: Final = 0.9
"""Of an hour: how far a clock must be off to count as wrong."""

_SOURCE: Final = Path(__file__).with_name("clock.c")


def can_fake() -> bool:
    """Say whether a process can be told another time here: that takes a compiler, and Linux."""
    return sys.platform == "linux" and shutil.which("cc") is not None


def _off(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actor = rng.choice(stage.of(role))
        hours = rng.choice((1, -1))
        _set(actor, hours)
        actor.end()
        try:
            _start(actor)
            seen(lambda: _is_off(actor, hours), f"the clock of {actor.name} is off by {hours:+} h")
            wait_until_all_run([actor])
            yield f"the clock of {actor.name} is off by {hours:+} h"
        finally:
            _right_again(actor, rng)

    return inject


def _jumping(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actor = rng.choice(stage.of(role))
        hours = rng.choice((1, -1))
        _set(actor, 0)
        actor.end()
        try:
            _start(actor)
            seen(lambda: _is_off(actor, 0), f"the clock of {actor.name} is right")
            wait_until_all_run([actor])
            _set(actor, hours)
            yield seen(lambda: _is_off(actor, hours), f"the clock of {actor.name} jumps by {hours:+} h")
        finally:
            _right_again(actor, rng)

    return inject


def _set(actor: Actor, hours: int) -> None:
    """Say how far the clock of a process is off; one that runs follows at once."""
    # In place: the process has the file in its memory.
    with _offset(actor).open("r+b" if _offset(actor).exists() else "wb") as file:
        file.write(struct.pack("l", hours * _HOUR))


def _start(actor: Actor) -> None:
    _told(actor).unlink(missing_ok=True)
    library = _library(actor.folder)
    actor.start(LD_PRELOAD=library, FAULT_CLOCK_OFFSET=_offset(actor), FAULT_CLOCK=_told(actor))


def _library(folder: Path) -> Path:
    library = folder / "clock.so"
    if not library.exists():
        command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return library


def _right_again(actor: Actor, rng: Random) -> None:
    if rng.random() < 0.5:
        actor.kill()
    else:
        actor.end()
    actor.start()
    wait_until_all_run([actor])


def _offset(actor: Actor) -> Path:
    return actor.folder / f"{actor.name}.offset"


def _told(actor: Actor) -> Path:
    return actor.folder / f"{actor.name}.clock"


def _is_off(actor: Actor, hours: int) -> bool:
    """Say whether the process itself has written a time that is off by so many hours."""
    try:
        told = float(_told(actor).read_text())
    except (FileNotFoundError, ValueError):
        return False
    off = (told - time.time()) / _HOUR
    return off * hours > _ENOUGH if hours else abs(off) < 1 - _ENOUGH


for _role in ROLES:
    kind(f"a clock is off by an hour: {_role}", lasts=(2, 4), weight=1, is_possible=can_fake)(_off(_role))
    kind(f"a clock jumps by an hour: {_role}", lasts=(2, 4), weight=1, is_possible=can_fake)(_jumping(_role))
