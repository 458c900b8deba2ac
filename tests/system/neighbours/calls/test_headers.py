"""Nonsense around a call is refused where it comes in, wherever in the call it is and however it comes."""

import random
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.intakes import Intake
from tests.system.neighbours.calls.edge import (
    HEALTH,
    Edge,
    answers_in,
    read_to_end,
    read_until,
    running_edge,
    send,
)

MEGABYTE: Final = 1024 * 1024
END: Final = b"\r\n"


@pytest.fixture(scope="module")
def edge(shared_intake: Intake) -> Iterator[Edge]:
    with running_edge(shared_intake) as edge:
        yield edge
    shared_intake.take_messages()


def _headers(count: int, value: bytes = b"1") -> bytes:
    return b"".join(b"x-%d: %s\r\n" % (number, value) for number in range(count))


def _lines(count: int) -> bytes:
    return b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * count


CHUNKED: Final = "transfer-encoding: chunked", "content-type: application/json"
TOO_LONG: Final = "the headers are longer than 32768 bytes"
NO_HOST: Final = "a call of HTTP/1.1 needs the header Host"
TWO_HOSTS: Final = "there is more than one Host header"
ODD_HOST: Final = "the header Host must be a host's name or address, with an optional port"
NO_HTTP: Final = "this is not an HTTP/1.1 request"
TOO_MANY: Final = "there are more than 100 headers"
LONG_URL: Final = "the URL is longer than 8192 bytes"

HEADS: Final[dict[str, tuple[bytes, int, str]]] = {
    "a long path": (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414, LONG_URL),
    "a long query": (b"GET /v1/orders?" + b"a=b&" * 3_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414, LONG_URL),
    "a URL without end": (b"GET /" + b"x" * 2 * MEGABYTE, 414, LONG_URL),
    "a long address": (b"GET http://" + b"x" * 9_000 + b"/ HTTP/1.1\r\nhost: x\r\n\r\n", 414, LONG_URL),
    "a long header": (HEALTH + b"x: " + b"y" * 33_000 + END + END, 431, TOO_LONG),
    "a long name": (HEALTH + b"x" * 33_000 + b": y\r\n\r\n", 431, TOO_LONG),
    "a header without end": (HEALTH + b"x: " + b"y" * 2 * MEGABYTE, 431, TOO_LONG),
    "a name without end": (HEALTH + b"x" * 2 * MEGABYTE, 431, TOO_LONG),
    "a long key": (HEALTH + b"idempotency-key: " + b"k" * 40_000 + END + END, 431, TOO_LONG),
    "a hundred and one headers": (HEALTH + _headers(100) + END, 431, TOO_MANY),
    "headers without end": (HEALTH + _headers(100_000), 431, TOO_MANY),
    "the same header without end": (HEALTH + b"x: 1\r\n" * 100_000, 431, TOO_MANY),
    "empty headers": (HEALTH + _headers(5_000, b""), 431, TOO_MANY),
    "many long headers": (HEALTH + _headers(90, b"y" * 400) + END, 431, TOO_LONG),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01" + b"\x00" * 200, 400, NO_HTTP),
    "another HTTP": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, NO_HTTP),
    "a tunnel": (
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        400,
        NO_HTTP,
    ),
    "two lengths": (
        b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        400,
        NO_HTTP,
    ),
    "no host": (b"GET /healthz HTTP/1.1\r\naccept: */*\r\n\r\n", 400, NO_HOST),
    "no host of an address": (b"GET http://x/healthz HTTP/1.1\r\n\r\n", 400, NO_HOST),
    "no host of a body": (b"POST /v1/orders HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", 400, NO_HOST),
    "two hosts": (HEALTH + b"host: y\r\n\r\n", 400, TWO_HOSTS),
    "the same host twice": (HEALTH + b"Host: x\r\n\r\n", 400, TWO_HOSTS),
    "two hosts of HTTP/1.0": (b"GET /healthz HTTP/1.0\r\nhost: x\r\nhost: x\r\n\r\n", 400, TWO_HOSTS),
    "two hosts in one": (b"GET /healthz HTTP/1.1\r\nhost: x y\r\n\r\n", 400, ODD_HOST),
    "a host with a path": (b"GET /healthz HTTP/1.1\r\nhost: x/y\r\n\r\n", 400, ODD_HOST),
    "a host with a user": (b"GET /healthz HTTP/1.1\r\nhost: a@x\r\n\r\n", 400, ODD_HOST),
    "a length and chunks": (
        b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        400,
        NO_HTTP,
    ),
}

FRAMING: Final = "the body's framing is longer than 32768 bytes"
PIECES: Final = "the body comes in more than 16384 pieces"
BODIES: Final[dict[str, tuple[bytes, int, str]]] = {
    "a trailer without end": (b"1\r\nx\r\n0\r\nx: " + b"y" * 2 * MEGABYTE, 400, FRAMING),
    "a trailer's name without end": (b"1\r\nx\r\n0\r\n" + b"y" * 2 * MEGABYTE, 400, FRAMING),
    "trailers without end": (b"1\r\nx\r\n0\r\n" + _headers(100_000), 431, TOO_MANY),
    "long trailers": (b"1\r\nx\r\n0\r\n" + _headers(90, b"y" * 400) + END, 400, FRAMING),
    "a chunk extension without end": (b"1;" + b"x" * 2 * MEGABYTE, 400, FRAMING),
    "a chunk extension's value without end": (b'1;x="' + b"x" * 2 * MEGABYTE, 400, FRAMING),
    "tiny chunks": (b"1\r\n1\r\n" * 300_000, 400, PIECES),
    "tiny chunks with extensions": (b"1;x=y\r\n1\r\n" * 200_000, 400, PIECES),
    "a chunk of no size": (b"z\r\n", 400, NO_HTTP),
    "a chunk of every size": (b"f" * 40 + b"\r\n", 400, NO_HTTP),
}


def _at_once(data: bytes) -> list[bytes]:
    return [data]


def _in_segments(data: bytes) -> list[bytes]:
    return [data[start : start + 1_400] for start in range(0, len(data), 1_400)]


def _in_random_pieces(data: bytes) -> list[bytes]:
    random_ = random.Random(len(data))
    pieces = []
    while data:
        size = random_.choice((1, 10, 1_000, 100_000))
        pieces.append(data[:size])
        data = data[size:]
    return pieces


Cut = Callable[[bytes], list[bytes]]

HOW: Final[list[Cut]] = [_at_once, _in_segments, _in_random_pieces]


@pytest.mark.parametrize("before", [0, 1, 3], ids=lambda count: f"after {count} calls")
@pytest.mark.parametrize("cut", HOW)
@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_is_too_much_is_refused(edge: Edge, name: str, cut: Cut, before: int) -> None:
    data, status, sentence = HEADS[name]
    memory = edge.memory()

    with edge.connection() as connection:
        for _ in range(before):
            connection.sendall(HEALTH + END)
            assert read_until(connection, b'{"status":"alive"}').startswith(b"HTTP/1.1 200")
        send(connection, cut(data))
        answer = answers_in(read_to_end(connection))

    assert [(one.status, one.detail) for one in answer] == [(status, sentence)]
    assert "connection: close" in answer[0].head
    assert edge.memory() - memory < 20_000_000
    assert edge.is_healthy()


REFUSED: Final[dict[str, tuple[bytes, bytes]]] = {
    "headers": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n", _headers(101) + END),
    "a host": (b"GET /healthz HTTP/1.1\r\n", END),
    "a URL": (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nhost: x\r\n", END),
    "a body": (b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n", END + b"z\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_keeps_the_id_that_the_call_came_with(edge: Edge, name: str) -> None:
    line, rest = REFUSED[name]
    for given, is_taken in (
        (b"x-request-id: shop-7\r\n", True),
        (b"X-Request-ID: a b\r\n", False),
        (b"", False),
    ):
        with edge.connection() as connection:
            connection.sendall(line + given + rest)
            answer = answers_in(read_to_end(connection))
        (found,) = [one for one in answer[0].head.split("\r\n") if one.startswith("x-request-id: ")]
        assert (found == "x-request-id: shop-7") == is_taken
        assert len(found) > len("x-request-id: ")


@pytest.mark.parametrize("cut", HOW)
@pytest.mark.parametrize("name", BODIES)
def test_so_is_what_chunks_carry_beside_the_body(edge: Edge, name: str, cut: Cut) -> None:
    data, status, sentence = BODIES[name]
    memory = edge.memory()

    with edge.connection() as connection:
        send(connection, [edge.post("/v1/orders", *CHUNKED) + END, *cut(data)])
        answer = answers_in(read_to_end(connection))

    assert [(one.status, one.detail) for one in answer] == [(status, sentence)]
    assert edge.memory() - memory < 20_000_000
    assert edge.is_healthy()


@pytest.mark.parametrize("name", BODIES)
def test_a_stranger_is_answered_once_and_gets_no_more_read(edge: Edge, name: str) -> None:
    head = b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"

    with edge.connection() as connection:
        connection.sendall(head)
        send(connection, _in_segments(BODIES[name][0]))
        answers = answers_in(read_to_end(connection))

    # What is refused by the parser before the route has answered says so.
    assert [one.status for one in answers] in ([401], [BODIES[name][1]])
    assert edge.is_healthy()


@pytest.mark.parametrize("kind", [HEALTH + b"x: ", HEALTH, b"GET /"], ids=["value", "headers", "url"])
def test_a_head_that_never_ends_is_read_no_further(edge: Edge, kind: bytes) -> None:
    piece = b"x: y\r\n" * 10_000 if kind is HEALTH else b"x" * 60_000
    memory = edge.memory()

    with edge.connections(20) as connections:
        sent = [send(one, [kind, *[piece] * 500]) for one in connections]
        most = edge.memory()

    assert max(sent) < 20 * MEGABYTE
    assert most - memory < 40_000_000


def test_what_is_at_the_bounds_is_taken(edge: Edge) -> None:
    long = b"x: " + b"y" * 32_000 + END
    for head in (HEALTH + _headers(99) + END, HEALTH + long + END):
        with edge.connection() as connection:
            connection.sendall(head)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert edge.is_healthy()


@pytest.mark.parametrize("cut", HOW)
def test_calls_that_wait_in_line_are_answered_up_to_a_bound(edge: Edge, cut: Cut) -> None:
    memory = edge.memory()
    with edge.connection() as connection:
        send(connection, cut(_lines(10_000)))
        answers = answers_in(read_to_end(connection))

    assert {one.status for one in answers} == {200}
    assert len(answers) >= 1
    assert edge.memory() - memory < 20_000_000

    with edge.connection() as connection:
        send(connection, [_lines(10), HEALTH + b"connection: close\r\n\r\n"])
        assert [one.status for one in answers_in(read_to_end(connection))] == [200] * 11


def test_a_mistake_behind_a_call_costs_that_call_nothing(edge: Edge) -> None:
    for mistake in (b"nonsense\r\n\r\n", HEALTH + _headers(101) + END, b"GET /" + b"x" * 9_000):
        with edge.connection() as connection:
            connection.sendall(HEALTH + END + mistake)
            answers = answers_in(read_to_end(connection))
        assert [one.status for one in answers] == [200]
