"""Clocks that are wrong: of one process, by an hour, from its start or from one moment on (libfaketime)."""

import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.actors import Actor, wait_until_all_run
from tests.faults.kind import Inject, kind, seen
from tests.faults.stage import ROLES, Stage

_HOUR: Final = 3600
_ENOUGH: Final = 0.9
"""Of an hour: how far a clock must be off to count as wrong."""

_PLACES: Final = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")


@cache
def library() -> Path | None:
    """Return the library that tells a process another time; None where it is not installed."""
    found = (file for place in _PLACES for file in Path("/").glob(f"{place[1:]}/libfaketimeMT.so.1"))
    return next(found, None)


def can_fake() -> bool:
    return library() is not None


def _off(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actor = rng.choice(stage.of(role))
        hours = rng.choice((1, -1))
        actor.end()
        try:
            _start(actor, FAKETIME=f"{hours:+}h")
            yield seen(lambda: _is_off(actor, hours), f"the clock of {actor.name} is off by {hours:+} h")
            wait_until_all_run([actor])
        finally:
            _right_again(actor, rng)

    return inject


def _jumping(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actor = rng.choice(stage.of(role))
        hours = rng.choice((1, -1))
        offset = stage.folder / f"{actor.name}.offset"
        offset.write_text("+0")
        actor.end()
        try:
            _start(actor, FAKETIME_TIMESTAMP_FILE=offset, FAKETIME_NO_CACHE=1)
            wait_until_all_run([actor])
            seen(lambda: _is_off(actor, 0), f"the clock of {actor.name} is right")
            offset.write_text(f"{hours:+}h")
            yield seen(lambda: _is_off(actor, hours), f"the clock of {actor.name} jumps by {hours:+} h")
        finally:
            _right_again(actor, rng)

    return inject


def _start(actor: Actor, **variables: object) -> None:
    _file(actor).unlink(missing_ok=True)
    actor.start(
        LD_PRELOAD=library(),
        # Only what day it is: how long something takes stays true. Both names, as versions differ.
        FAKETIME_DONT_FAKE_MONOTONIC=1,
        DONT_FAKE_MONOTONIC=1,
        FAULT_CLOCK=_file(actor),
        **variables,
    )


def _right_again(actor: Actor, rng: Random) -> None:
    if rng.random() < 0.5:
        actor.kill()
    else:
        actor.end()
    actor.start()
    wait_until_all_run([actor])


def _file(actor: Actor) -> Path:
    return actor.folder / f"{actor.name}.clock"


def _is_off(actor: Actor, hours: int) -> bool:
    """Say whether the process itself has written a time that is off by so many hours."""
    try:
        told = float(_file(actor).read_text())
    except (FileNotFoundError, ValueError):
        return False
    off = (told - time.time()) / _HOUR
    return off * hours > _ENOUGH if hours else abs(off) < 1 - _ENOUGH


for _role in ROLES:
    kind(f"a clock is off by an hour: {_role}", lasts=(2, 4), weight=1, is_possible=can_fake)(_off(_role))
    kind(f"a clock jumps by an hour: {_role}", lasts=(2, 4), weight=1, is_possible=can_fake)(_jumping(_role))
