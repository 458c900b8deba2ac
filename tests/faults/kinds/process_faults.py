"""Processes that die, stand still, or do so at the worst moment."""

import signal
from collections.abc import Iterator
from random import Random

from tests.faults.kinds.kind import Inject, kind, seen
from tests.faults.system.actors import gone
from tests.faults.system.points import POINTS, Point, arm, disarm, victim_of
from tests.faults.system.stage import ROLES, Stage
from tests.processes import is_stopped

LONGER_THAN_TIMEOUTS = (11.0, 13.0)
"""Seconds: longer than the broker waits for an acknowledgement here, and than our own calls to it."""


def _killed(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actor = rng.choice(stage.of(role))
        pid = actor.kill()
        yield seen(lambda: gone(pid), f"process {pid} of {actor.name} is gone")
        actor.start()

    return inject


def _all_killed(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        pids = [actor.kill() for actor in stage.of(role)]
        yield seen(lambda: all(map(gone, pids)), f"processes {pids} are gone, every {role}")
        for actor in stage.of(role):
            actor.start()

    return inject


def _ended(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actor = rng.choice(stage.of(role))
        pid = actor.pid
        code = actor.end()
        yield seen(lambda: gone(pid), f"process {pid} of {actor.name} has ended with code {code}")
        actor.start()

    return inject


def _stopped(role: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actor = rng.choice(stage.of(role))
        pid = actor.pause()
        yield seen(lambda: is_stopped(pid), f"process {pid} of {actor.name} is stopped")
        actor.resume()

    return inject


for _role in ROLES:
    kind(f"a process is killed: {_role}", weight=3)(_killed(_role))
    kind(f"all processes of a role are killed: {_role}", weight=1)(_all_killed(_role))
    kind(
        f"all processes of a role are away for longer than timeouts: {_role}",
        lasts=LONGER_THAN_TIMEOUTS,
        weight=1,
    )(_all_killed(_role))
    kind(f"a process is ended in good order: {_role}")(_ended(_role))
    kind(f"a process is stopped: {_role}", weight=3)(_stopped(_role))
    kind(f"a process is stopped for longer than timeouts: {_role}", lasts=LONGER_THAN_TIMEOUTS, weight=1)(
        _stopped(_role)
    )


def _at_point(point: Point, how: signal.Signals) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        actors = {actor.pid: actor for actor in stage.of(point.role)}
        file = arm(stage.points, point, how)
        try:
            what = f"a process of {point.role} has got {how.name} {point.name}"
            seen(lambda: victim_of(file) is not None, what)
            pid = victim_of(file)
            assert pid is not None
            if how is signal.SIGKILL:
                yield seen(lambda: gone(pid), f"process {pid} is gone {point.name}")
                actors[pid].endings.pop(pid, None)  # it was we who ended it
            else:
                yield seen(lambda: is_stopped(pid), f"process {pid} is stopped {point.name}")
                actors[pid].resume()
        finally:
            disarm(file)

    return inject


for _point in POINTS:
    kind(f"killed {_point.name}", weight=3)(_at_point(_point, signal.SIGKILL))
    kind(f"stopped {_point.name}", weight=2)(_at_point(_point, signal.SIGSTOP))
    kind(f"stopped for longer than timeouts {_point.name}", lasts=LONGER_THAN_TIMEOUTS, weight=1)(
        _at_point(_point, signal.SIGSTOP)
    )
