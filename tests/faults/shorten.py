"""Shortening a failing plan to the fewest faults that still fail (Zeller and Hildebrandt's ddmin)."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from tests.faults.plan import Injection, Plan


def shorten(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """Return a part of a failing plan that still fails, and of which no single fault can be left out.

    `fails` runs a plan. Chance has its part in a run: of what fails only now and then more may be left.
    """
    if fails(plan.only(())):
        return plan.only(())
    injections: Sequence[Injection] = plan.injections
    parts = 2
    while len(injections) > 1:
        found = _smaller(injections, parts, lambda some: fails(plan.only(some)))
        if found is not None:
            injections, parts = found, 2
        elif parts >= len(injections):
            break
        else:
            parts = min(2 * parts, len(injections))
    return plan.only(injections)


def _smaller(
    injections: Sequence[Injection], parts: int, fails: Callable[[Sequence[Injection]], bool]
) -> Sequence[Injection] | None:
    """Return one of so many parts, or all but one of them, if it fails; None if none does."""
    bounds = [len(injections) * number // parts for number in range(parts + 1)]
    pieces = [
        (injections[start:end], (*injections[:start], *injections[end:])) for start, end in pairwise(bounds)
    ]
    for piece, _ in pieces:
        if fails(piece):
            return piece
    for _, rest in pieces if parts > 2 else ():
        if fails(rest):
            return rest
    return None
