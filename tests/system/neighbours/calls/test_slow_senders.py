"""Who sends slowly, or nothing, or reads nothing, is let go in time, and nobody else waits for that."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx
import pytest

from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.system.neighbours.calls.edge import (
    HEALTH,
    Edge,
    answers_in,
    read_to_end,
    read_until,
    running_edge,
    send,
)

CONNECTIONS: Final = 64
END: Final = b"\r\n"
TYPED: Final = "content-type: application/json"
CHUNKED: Final = "transfer-encoding: chunked"
ALIVE: Final = b'{"status":"alive"}'
NO_HEADERS: Final = (408, "the headers did not arrive within 2 s")
NO_BODY: Final = (408, "the body did not arrive within 3 s")
ROUTES: Final = ["/v1/orders", "/connect/token", "/v9/orders", "/v2/b2c/order", "/nowhere"]


@pytest.fixture(scope="module")
def edge(shared_intake: Intake) -> Iterator[Edge]:
    limits = {"header_seconds": 2, "body_seconds": 3, "idle_seconds": 4, "max_connections": CONNECTIONS}
    with running_edge(shared_intake, **limits) as edge:
        yield edge
    shared_intake.take_messages()


Start = Callable[[Edge], bytes]

STARTS: Final[dict[str, tuple[Start, tuple[int, str] | None]]] = {
    "nothing": (lambda _: b"", None),
    "empty lines": (lambda _: b"\r\n", None),
    "a letter": (lambda _: b"G", NO_HEADERS),
    "half a line": (lambda _: b"GET /v1/ord", NO_HEADERS),
    "a line": (lambda _: b"GET /v1/orders HTTP/1.1\r\n", NO_HEADERS),
    "half a header": (lambda edge: edge.post("/v1/orders") + b"x-half: on", NO_HEADERS),
    "all but the last line": (lambda edge: edge.post("/v1/orders"), NO_HEADERS),
    "no body": (lambda edge: edge.post("/v1/orders", TYPED, "content-length: 9") + END, NO_BODY),
    "half a body": (lambda edge: edge.post("/v1/orders", TYPED, "content-length: 9") + END + b"{", NO_BODY),
    "half a chunk": (
        lambda edge: edge.post("/v1/orders", TYPED, "transfer-encoding: chunked") + END + b"9\r\n{",
        NO_BODY,
    ),
    "half a chunk's size": (
        lambda edge: edge.post("/v1/orders", TYPED, "transfer-encoding: chunked") + END + b"1\r\n{\r\n2",
        NO_BODY,
    ),
    "half the trailers": (
        lambda edge: (
            edge.post("/v1/orders", TYPED, "transfer-encoding: chunked") + END + b"1\r\n{\r\n0\r\nx: y\r\n"
        ),
        NO_BODY,
    ),
    "an expectation": (
        lambda edge: edge.post("/v1/orders", TYPED, "content-length: 9", "expect: 100-continue") + END,
        NO_BODY,
    ),
}


@contextmanager
def _dripping(connections: list[socket.socket], drops: list[bytes]) -> Iterator[None]:
    """Send a drop on each connection again and again until the block ends."""
    is_over = threading.Event()

    def drip() -> None:
        while not is_over.wait(0.2):
            for connection, drop in zip(connections, drops, strict=False):
                send(connection, [drop])

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


# What a byte more now and then would make whole, or wrong; dripping bodies have a test of their own.
NOT_DRIPPED: Final = {
    "a letter",
    "no body",
    "half a body",
    "half a chunk",
    "half a chunk's size",
    "an expectation",
}


@pytest.mark.parametrize("is_second", [False, True], ids=["first call", "second call"])
@pytest.mark.parametrize("is_dripping", [False, True], ids=["silent", "dripping"])
def test_slow_senders_are_let_go(edge: Edge, is_dripping: bool, is_second: bool) -> None:
    names = [name for name in STARTS if not (is_dripping and name in NOT_DRIPPED)] * 4
    with edge.connections(len(names)) as connections:
        for name, connection in zip(names, connections, strict=True):
            if is_second:
                connection.sendall(HEALTH + END)
                read_until(connection, ALIVE)
            connection.sendall(STARTS[name][0](edge))
        # Between two calls, empty lines mean nothing.
        drops = [b"\r\n" if STARTS[name][1] is None else b"x" for name in names]
        with _dripping(connections, drops if is_dripping else []):
            assert edge.is_healthy()
            ends = [answers_in(read_to_end(connection)) for connection in connections]

    for name, answers in zip(names, ends, strict=True):
        refusal = STARTS[name][1]
        assert [(one.status, one.detail) for one in answers if one.status != 100] == (
            [refusal] if refusal else []
        ), name
    assert edge.is_healthy()


def test_a_body_that_drips_is_let_go_whatever_the_route(edge: Edge) -> None:
    ways = [(path, length) for path in ROUTES for length in ("content-length: 1000000", CHUNKED)] * 4
    drops = [b"1\r\n \r\n" if length == CHUNKED else b" " for _, length in ways]
    with edge.connections(len(ways)) as connections:
        for (path, length), connection in zip(ways, connections, strict=True):
            connection.sendall(edge.post(path, TYPED, length) + END)
        with _dripping(connections, drops):
            assert edge.is_healthy()
            ends = [answers_in(read_to_end(connection)) for connection in connections]

    for way, answers in zip(ways, ends, strict=True):
        # A route that reads no body has answered before.
        assert [one.status for one in answers] in ([408], [404], [401], [405]), way
    assert edge.is_healthy()


def test_new_connections_take_the_place_of_those_that_wait(edge: Edge) -> None:
    with edge.connections(5 * CONNECTIONS) as silent:
        assert edge.is_healthy()
        for connection in silent[-CONNECTIONS // 2 :]:
            send(connection, [HEALTH])
        assert edge.is_healthy()

        closed = sum(not answers_in(read_to_end(connection)) for connection in silent[: 4 * CONNECTIONS])
    assert closed == 4 * CONNECTIONS


def test_half_sent_bodies_take_no_place_from_whole_calls(edge: Edge) -> None:
    head = b"POST /connect/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    with edge.connections(2 * CONNECTIONS) as connections:
        for connection in connections:
            send(connection, [head + b"content-length: 100\r\n\r\n{"])
        assert edge.is_healthy()
        first = [answers_in(read_to_end(connection)) for connection in connections[:CONNECTIONS]]

    assert {answer.status for answers in first for answer in answers} <= {408, 503}


def test_a_call_too_many_is_told_to_come_again_while_health_checks_are_answered(intake: Intake) -> None:
    calls = CONNECTIONS - CONNECTIONS // 16
    order = b'{"event_id": "concert", "line_items": [{"ticket_class_id": "standing", "quantity": 1}]}'
    with running_edge(intake, max_connections=CONNECTIONS) as edge, edge.connections(calls) as waiting:
        intake.take_messages()
        head = edge.post("/v1/orders", TYPED, "prefer: wait=30", f"content-length: {len(order)}")
        for connection in waiting:
            connection.sendall(head + END + order)
        taken: list[object] = []

        def are_all_under_way() -> bool:
            taken.extend(intake.take_requests())
            return len(taken) == calls

        wait_until(are_all_under_way, what="calls that wait for their outcome")

        answer = httpx.get(f"{edge.url}/v1/orders", timeout=PATIENCE_SECONDS)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert edge.is_healthy()
        assert edge.refusals()["503"] >= 1
        # The places that are kept for health checks are not for calls, however many come.
        with ThreadPoolExecutor(2) as threads:
            urls = [f"{edge.url}/v1/orders", f"{edge.url}/healthz"] * 20
            found = list(threads.map(lambda url: httpx.get(url, timeout=PATIENCE_SECONDS).status_code, urls))
        assert set(found[::2]) == {503}
        assert set(found[1::2]) == {200}


def test_half_sent_bodies_are_bounded_together(shared_intake: Intake) -> None:
    with running_edge(shared_intake) as edge, edge.connections(1_000) as connections:
        memory = edge.memory()
        head = edge.post("/v1/orders", TYPED, "content-length: 1000000") + END
        for connection in connections:
            send(connection, [head + b" " * 900_000])

        wait_until(lambda: edge.refusals().get("503", 0) >= 900, what="the oldest to give way")
        # Of 900 MB: all bodies together may have 64 MB.
        assert edge.memory() - memory < 200_000_000
        headers = {"authorization": f"Bearer {edge.key}"}
        order = {"event_id": "concert"}
        url = f"{edge.url}/v1/orders"
        assert httpx.post(url, json=order, headers=headers, timeout=PATIENCE_SECONDS).status_code == 202
        assert edge.is_healthy()


def test_who_reads_no_answers_is_let_go(edge: Edge) -> None:
    memory, sockets = edge.memory(), edge.sockets()
    call = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.socket()) for _ in range(CONNECTIONS // 2)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", edge.port))
            send(connection, [call * 16])

        wait_until(lambda: edge.sockets() > sockets, what="connections")
        wait_until(lambda: edge.sockets() <= sockets, what="all of them to be let go")
        assert edge.refusals()["unread"] >= 1
        assert edge.memory() - memory < 100_000_000
    assert edge.is_healthy()
