"""The plan of a run: which faults are injected, in which order; made from a seed, kept as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Self

from tests.faults.kinds.all_kinds import KINDS


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


def make_plan(
    seed: int,
    broker: str,
    count: int,
    longest_seconds: float = float("inf"),
    words: Sequence[str] = (),
) -> Plan:
    """Return a plan in which each kind that the broker knows comes once before any comes again.

    Kinds that may last longer than so many seconds are left out, and those that this machine cannot do.
    Where there are words, only kinds whose names contain one of them are in the plan.
    """
    rng = Random(f"{seed} {broker}")
    kinds = [one for one in KINDS.values() if broker in one.brokers and one.lasts[1] <= longest_seconds]
    kinds = [one for one in kinds if not words or any(word in one.name for word in words)]
    names = [one.name for one in kinds if one.is_possible() for _ in range(one.weight)]
    assert names, f"no kind of fault for {broker} has any of these words in its name: {words}"
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
