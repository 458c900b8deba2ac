"""What a kind of fault is: how it is injected, what shows that it took effect, how it ends."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.faults.system.stage import ALL_BROKERS, Stage
from tests.processes import wait_until

Inject = Callable[[Stage, Random], Iterator[str]]
"""Injects a fault, yields a sentence that says how its effect was seen, and then ends the fault."""


@dataclass(frozen=True)
class Kind:
    """One kind of fault."""

    name: str
    inject: Callable[[Stage, Random], AbstractContextManager[str]]
    brokers: tuple[str, ...]
    lasts: tuple[float, float]
    """Seconds, at least and at most."""
    weight: int
    is_possible: Callable[[], bool]
    """Says whether this machine can do it."""


KINDS: Final[dict[str, Kind]] = {}
"""All kinds, by their names."""


def kind(
    name: str,
    *,
    lasts: tuple[float, float] = (0.2, 1.5),
    brokers: tuple[str, ...] = ALL_BROKERS,
    weight: int = 2,
    is_possible: Callable[[], bool] = lambda: True,
) -> Callable[[Inject], Inject]:
    """Make a kind of fault of a function. One of more weight is injected more often."""

    def add(inject: Inject) -> Inject:
        assert name not in KINDS
        KINDS[name] = Kind(name, contextmanager(inject), brokers, lasts, weight, is_possible)
        return inject

    return add


def seen(condition: Callable[[], bool], what: str) -> str:
    """Wait until a fault has taken effect; return the sentence that says so.

    Raises `AssertionError` where it does not: a fault that did nothing proves nothing.
    """
    wait_until(condition, what=what, timeout=30)
    return what
