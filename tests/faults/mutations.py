"""Safeguards switched off, to see that the oracle cries out."""

from collections.abc import Callable
from typing import Final

MUTATIONS: Final[dict[str, Callable[[], None]]] = {}


def mutate(name: str) -> None:
    """Switch off a safeguard in this process."""
    MUTATIONS[name]()
