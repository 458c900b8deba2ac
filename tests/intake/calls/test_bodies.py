"""A body is read no further than it may be long."""

import socket
from collections.abc import Iterator

import httpx

from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS

MEGABYTE = 1024 * 1024
JSON = {"content-type": "application/json"}


def padded(size: int) -> bytes:
    return b'{"reference": "' + b"x" * (size - 17) + b'"}'


def talk(url: str, *parts: bytes) -> bytes:
    """Send raw bytes and return all that comes back until the server closes."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port), PATIENCE_SECONDS) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(
    client: httpx.Client, intake: Intake
) -> None:
    assert client.post("/v1/orders", content=padded(MEGABYTE), headers=JSON).status_code == 202
    assert client.post("/v1/orders", content=padded(MEGABYTE + 1), headers=JSON).status_code == 413


def test_ten_megabytes_are_refused_and_the_connection_lives_on(client: httpx.Client, intake: Intake) -> None:
    answer = client.post("/v1/orders", content=padded(10 * MEGABYTE), headers=JSON)

    assert answer.status_code == 413
    assert answer.json()["errors"][0]["code"] == "invalid"
    assert "connection" not in answer.headers
    assert client.post("/v1/orders", json={}).status_code == 202
    assert len(intake.take_requests()) == 1


def test_ten_megabytes_of_unknown_length_are_refused(client: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(160):
            yield b" " * 65536

    assert client.post("/v1/orders", content=chunks(), headers=JSON).status_code == 413


def test_a_body_without_end_is_cut_off(intake: Intake) -> None:
    head = (
        f"POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {intake.new_key('admin')}\r\n"
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunk = b"100000\r\n" + b" " * MEGABYTE + b"\r\n"
    address = httpx.URL(intake.url)
    sent = 0
    with socket.create_connection((address.host, address.port), PATIENCE_SECONDS) as connection:
        connection.sendall(head.encode())
        try:
            for _ in range(100):
                connection.sendall(chunk)
                sent += 1
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert 16 <= sent < 100


def test_a_client_that_asks_before_it_sends_is_refused_at_once(intake: Intake) -> None:
    answer = talk(
        intake.url,
        f"POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {intake.new_key('admin')}\r\n"
        "content-type: application/json\r\ncontent-length: 10000000\r\nexpect: 100-continue\r\n\r\n".encode(),
    )

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()


def test_nobody_without_a_key_gets_a_body_read(intake: Intake) -> None:
    answer = httpx.post(f"{intake.url}/v1/orders", content=b"{", headers=JSON, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 401
