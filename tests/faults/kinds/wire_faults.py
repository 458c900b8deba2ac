"""Wires between processes and servers that are cut, slow, half-open, or pass nothing in one direction."""

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.faults.kinds.kind import Inject, kind, seen
from tests.faults.system.links import Link, can_lose
from tests.faults.system.stage import Stage

_SERVERS: Final = ("primary", "broker")
_SLOW_SECONDS: Final = 0.15


def _links(stage: Stage, server: str, rng: Random) -> list[Link]:
    """Return the wires of one process to a server, or those of all processes."""
    actors = list(stage.actors.values())
    chosen = actors if rng.random() < 0.4 else [rng.choice(actors)]
    return [link for actor in chosen for link in stage.links_of(actor, server)]


def _named(links: list[Link]) -> str:
    return links[0].name if len(links) == 1 else f"{len(links)} wires"


def _cut(server: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        links = _links(stage, server, rng)
        for link in links:
            link.is_refusing = True
        count = sum(stage.links.cut(link) for link in links)
        yield seen(
            lambda: not any(link.is_open for link in links),
            f"{count} connections of {_named(links)} are reset, new ones are refused",
        )
        for link in links:
            link.is_refusing = False

    return inject


def _reset(server: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        links = _links(stage, server, rng)
        yield f"{sum(stage.links.cut(link) for link in links)} connections of {_named(links)} are reset"

    return inject


def _half_open(server: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        links = [link for link in _links(stage, server, rng) if link.is_open]
        # Beats have no connection to the database.
        links = links or [link for actor in stage.of("worker") for link in stage.links_of(actor, server)]
        lost = 0

        def is_lost() -> bool:
            nonlocal lost
            lost += sum(stage.links.lose(link) for link in links)
            return lost > 0

        seen(is_lost, "a connection that can be lost")
        yield f"{lost} connections of {_named(links)} are half-open: neither side hears of it"

    return inject


def _silent(server: str, *, up: bool, down: bool) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        links = _links(stage, server, rng)
        for link in links:
            link.is_silent_up, link.is_silent_down = up, down
        directions = " and ".join(word for word, is_so in (("up", up), ("down", down)) if is_so)
        yield f"nothing passes {directions} {_named(links)}"
        for link in links:
            link.is_silent_up = link.is_silent_down = False

    return inject


def _slow(server: str) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        links = _links(stage, server, rng)
        for link in links:
            link.delay_seconds = _SLOW_SECONDS
        yield f"each piece takes {_SLOW_SECONDS} s on {_named(links)}"
        for link in links:
            link.delay_seconds = 0

    return inject


for _server in _SERVERS:
    kind(f"wires are cut: {_server}", lasts=(0.2, 2))(_cut(_server))
    kind(f"connections are reset: {_server}", lasts=(0, 0.1))(_reset(_server))
    kind(f"connections are half-open: {_server}", lasts=(0, 0.1), is_possible=can_lose)(_half_open(_server))
    kind(f"wires pass nothing up: {_server}", lasts=(0.5, 2))(_silent(_server, up=True, down=False))
    kind(f"wires pass nothing down: {_server}", lasts=(0.5, 2))(_silent(_server, up=False, down=True))
    kind(f"wires pass nothing for longer than timeouts: {_server}", lasts=(11, 13), weight=1)(
        _silent(_server, up=True, down=True)
    )
    kind(f"wires are slow: {_server}", lasts=(0.5, 2))(_slow(_server))
