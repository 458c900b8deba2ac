"""Taking connections from a socket that others share: by turns, and whatever goes wrong."""

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from intake.edge.accepting import Acceptor
from intake.serving.listening import listening
from intake.serving.open_counts import OpenCounts, make_counts, mark_away
from tests.processes import PATIENCE_SECONDS
from tests.rabbitmq import free_port


class Taken(asyncio.Protocol):
    """Counts the connections of one process."""

    def __init__(self, all_taken: list[asyncio.BaseTransport]) -> None:
        self._all = all_taken

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._all.append(transport)


async def _wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


@contextmanager
def _without_free_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.dup(0)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_without_free_descriptors_goes_on_when_it_has_some(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        with listening("127.0.0.1", port := free_port()) as [listener], socket.socket() as client:
            taken: list[asyncio.BaseTransport] = []
            acceptor = Acceptor(listener, lambda: Taken(taken), lambda: 0)
            with _without_free_descriptors():
                client.connect(("127.0.0.1", port))
                await _wait_until(lambda: "no further connection can be accepted" in caplog.text)
            assert taken == []

            await _wait_until(lambda: len(taken) == 1)
            acceptor.close()
            await acceptor.wait_closed()
            taken[0].close()

    asyncio.run(run())


def test_one_that_has_more_leaves_the_next_to_the_other() -> None:
    async def run() -> None:
        counts = {"full": 10, "free": 0}
        taken: dict[str, list[asyncio.BaseTransport]] = {name: [] for name in counts}

        def lead(name: str) -> int:
            own = {one: counts[one] + len(taken[one]) for one in counts}
            return own[name] - min(own.values())

        def take(name: str) -> Taken:
            return Taken(taken[name])

        def are_taken(count: int) -> bool:
            return sum(map(len, taken.values())) == count

        with listening("127.0.0.1", port := free_port()) as [listener]:
            both = [Acceptor(listener.dup(), partial(take, name), partial(lead, name)) for name in counts]
            clients = []
            for number in range(1, 21):
                clients.append(socket.create_connection(("127.0.0.1", port)))
                await _wait_until(partial(are_taken, number))
            for one in both:
                one.close()
            for transport in [*taken["full"], *taken["free"]]:
                transport.close()
            for client in clients:
                client.close()
        # Unless the other is asleep for longer than it is waited for.
        assert len(taken["free"]) > len(taken["full"])

    asyncio.run(run())


def test_only_those_who_are_there_are_compared(tmp_path: Path) -> None:
    file = tmp_path / "connections"
    make_counts(file, 3)
    first, second = OpenCounts(file, 0), OpenCounts(file, 1)

    first.write(5)
    assert first.lead() == 0  # nobody else has begun
    second.write(3)
    assert (first.lead(), second.lead()) == (2, 0)
    mark_away(file, 1)
    assert first.lead() == 0
    second.write(0)
    assert first.lead() == 5
    second.leave()
    assert first.lead() == 0


def test_every_address_of_a_host_is_listened_on() -> None:
    expected = {address[0] for *_, address in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    with listening("localhost", free_port()) as sockets:
        assert {one.getsockname()[0] for one in sockets} == expected
