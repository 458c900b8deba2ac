"""The plan of a run: which faults are injected, in which order; made from a seed, kept as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Self

from tests.faults.kinds import KINDS


@dataclass(frozen=True)
class Injection:
    """One fault. Its own seed decides what it hits, so that it does the same whatever came before."""

    kind: str
    seed: int
    lasts_seconds: float
    pause_seconds: float
    """How long nothing is injected afterwards, once the system has recovered."""


@dataclass(frozen=True)
class Plan:
    """All that decides a run, but for the chance of processes that run at once."""

    seed: int
    broker: str
    injections: tuple[Injection, ...]

    def only(self, injections: Sequence[Injection]) -> Self:
        return replace(self, injections=tuple(injections))

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")


def make_plan(seed: int, broker: str, count: int, longest_seconds: float = float("inf")) -> Plan:
    """Return a plan in which each kind that the broker knows comes once before any comes again.

    Kinds that may last longer than so many seconds are left out.
    """
    rng = Random(f"{seed} {broker}")
    kinds = [one for one in KINDS.values() if broker in one.brokers and one.lasts[1] <= longest_seconds]
    names = [one.name for one in kinds for _ in range(one.weight)]
    chosen: list[str] = []
    first = sorted(set(names))
    rng.shuffle(first)
    chosen += first
    while len(chosen) < count:
        rng.shuffle(names)
        chosen += names
    return Plan(seed, broker, tuple(_injection(name, rng) for name in chosen[:count]))


def _injection(name: str, rng: Random) -> Injection:
    lasts = rng.uniform(*KINDS[name].lasts)
    return Injection(name, rng.getrandbits(32), round(lasts, 3), round(rng.uniform(0, 0.5), 3))


def read_plan(file: Path) -> Plan:
    """Return the plan of a run that is to be repeated."""
    words = json.loads(file.read_text())
    injections = tuple(Injection(**one) for one in words["injections"])
    return Plan(words["seed"], words["broker"], injections)
