"""Ordinary ways to speak HTTP work, and none of them means more than it says."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.intakes import Intake
from tests.system.neighbours.calls.edge import HEALTH, Edge, answers_in, read_to_end, running_edge, send

END: Final = b"\r\n"


@pytest.fixture(scope="module")
def edge(shared_intake: Intake) -> Iterator[Edge]:
    with running_edge(shared_intake) as edge:
        yield edge
    shared_intake.take_messages()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.0\r\n",  # it needs none
        b"GET /healthz HTTP/1.0\r\nhost: x\r\n",
        *(
            b"GET /healthz HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n" % host
            for host in (b"", b"x", b"x:8000", b"[::1]:8000", b"192.0.2.1", b"my_host.example", b"x%20y")
        ),
    ],
)
def test_a_host_may_be_any_that_the_rules_allow(edge: Edge, head: bytes) -> None:
    with edge.connection() as connection:
        connection.sendall(head + END)
        assert b" 200 OK" in read_to_end(connection).splitlines()[0]


def test_a_trailer_is_no_header(edge: Edge) -> None:
    trailer = f"authorization: Bearer {edge.key}\r\n".encode()
    call = b"POST /v1/orders HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n"

    with edge.connection() as connection:
        connection.sendall(call + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + trailer + END)
        (answer,) = answers_in(read_to_end(connection))

    assert answer.status == 401


def test_ordinary_ways_to_speak_work(edge: Edge) -> None:
    order = b'{"event_id": "concert"}'
    length = f"content-length: {len(order)}"
    typed = "content-type: application/json"
    chunks = b"".join(b"%x;n=v\r\n%s\r\n" % (1, order[at : at + 1]) for at in range(len(order)))
    calls = {
        "HTTP/1.0": [edge.post("/v1/orders", typed, length).replace(b"HTTP/1.1", b"HTTP/1.0") + END + order],
        "chunks": [
            edge.post("/v1/orders", typed, "connection: close", "transfer-encoding: chunked") + END,
            chunks,
            b"0\r\nx: y\r\n\r\n",
        ],
        "an expectation": [
            edge.post("/v1/orders", typed, "connection: close", length, "expect: 100-continue") + END,
            order,
        ],
        "empty lines before": [
            b"\r\n\r\n" + edge.post("/v1/orders", typed, "connection: close", length) + END + order
        ],
    }
    for name, pieces in calls.items():
        with edge.connection() as connection:
            send(connection, pieces)
            answers = answers_in(read_to_end(connection))
        assert [one.status for one in answers] == [202], name


H2C: Final = (
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
)


def test_nobody_is_upgraded(edge: Edge) -> None:
    with edge.connection() as connection:
        connection.sendall(HEALTH + H2C + END)
        (answer,) = answers_in(read_to_end(connection))
    assert answer.status == 200

    with edge.connection() as connection:
        connection.sendall(edge.post("/v1/orders", "content-length: 2") + H2C + END + b"{}")
        (answer,) = answers_in(read_to_end(connection))
    assert (answer.status, "without the header Upgrade" in answer.detail) == (400, True)
