"""`willcall submit`: what is sent, and what is not."""

import json
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from intake.cli.request_files import open_requests
from tests.factories import make_body
from tests.intake.cli.conftest import OrdersQueue, Willcall


def _lines(*bodies: Any) -> bytes:
    return b"".join(orjson.dumps(body) + b"\n" for body in bodies)


def _bodies(count: int) -> list[dict[str, Any]]:
    return [make_body(reference=str(number)) for number in range(count)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_lines(*_bodies(3)), id="JSON Lines"),
        pytest.param(b"\xef\xbb\xbf\n" + _lines(*_bodies(3)).replace(b"\n", b"\r\n\r\n"), id="Windows"),
        pytest.param(_lines(*_bodies(3)).rstrip(), id="no last line feed"),
        pytest.param(orjson.dumps(_bodies(3)), id="array"),
        pytest.param(json.dumps(_bodies(3), indent=2).encode(), id="indented array"),
    ],
)
def test_requests_of_a_file_are_sent_in_their_order(
    willcall: Willcall, orders_queue: OrdersQueue, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "requests"
    file.write_bytes(content)

    ran = willcall("submit", file, "--tenant", "demo")

    assert (ran.code, ran.out) == (0, "Sent 3 requests; confirmed by the broker.\n")
    requests = orders_queue.take_requests()
    assert [request["reference"] for request in requests] == ["0", "1", "2"]
    assert {request["tenant"] for request in requests} == {"demo"}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_single_object_is_one_request(
    willcall: Willcall, orders_queue: OrdersQueue, indent: int | None
) -> None:
    body = json.dumps(make_body(), indent=indent).encode()

    ran = willcall("submit", "-", "--tenant", "demo", "--json", stdin=body)

    assert [one["request_id"] for one in ran.json_lines] == [
        request["request_id"] for request in orders_queue.take_requests()
    ]
    assert ran.json["status"] == "pending"


def test_an_object_over_two_lines_is_one_request(willcall: Willcall, orders_queue: OrdersQueue) -> None:
    body = json.dumps(make_body()).replace(', "buyer"', ',\n "buyer"').encode()

    assert willcall("submit", "-", "--tenant", "demo", stdin=body).code == 0
    assert len(orders_queue.take_requests()) == 1


def test_each_request_may_name_its_tenant(willcall: Willcall, orders_queue: OrdersQueue) -> None:
    bodies = [make_body(tenant=name, reference=str(place)) for place, name in enumerate("abba")]

    ran = willcall("submit", "-", stdin=_lines(*bodies))

    assert ran.code == 0
    sent = [(request["tenant"], request["reference"]) for request in orders_queue.take_requests()]
    assert [one for one in sent if one[0] == "a"] == [("a", "0"), ("a", "3")]
    assert [one for one in sent if one[0] == "b"] == [("b", "1"), ("b", "2")]


def test_several_files_are_sent_in_their_order(
    willcall: Willcall, orders_queue: OrdersQueue, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("b", "a")]
    for file in files:
        file.write_bytes(_lines(make_body(reference=file.name)))

    willcall("submit", *files, "--tenant", "demo")

    assert [request["reference"] for request in orders_queue.take_requests()] == ["b", "a"]


def test_nothing_is_sent_if_one_line_is_malformed(
    willcall: Willcall, orders_queue: OrdersQueue, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(_lines(make_body()))
    bad.write_bytes(_lines(make_body()) + b'{"buyer": \n\n[1]\n' + _lines(make_body()) + b"\xff\n")

    ran = willcall("submit", good, bad, "--tenant", "demo")

    assert (ran.code, ran.out) == (1, "")
    sentences = ran.err.splitlines()
    assert sentences[0] == f"willcall: {bad} was not sent:"
    assert sentences[1].startswith("  line 2: it is not JSON: ")
    assert sentences[2] == "  line 4: it is not a JSON object"
    assert sentences[3].startswith("  line 6: it is not JSON: ")
    assert orders_queue.take_requests() == []


def test_a_malformed_first_line_is_told_by_its_number(willcall: Willcall, orders_queue: OrdersQueue) -> None:
    ran = willcall("submit", "-", "--tenant", "demo", stdin=b'{"buyer": }\n' + _lines(make_body()))

    assert ran.code == 1
    assert ran.err.splitlines()[1].startswith("  line 1: it is not JSON: ")


def test_a_malformed_document_tells_where(willcall: Willcall, orders_queue: OrdersQueue) -> None:
    ran = willcall("submit", "-", "--tenant", "demo", stdin=b'{\n  "buyer": {},\n  "line_items": ]\n}\n')

    assert ran.code == 1
    assert "the document: it is not JSON: " in ran.err
    assert "line 3" in ran.err


@pytest.mark.parametrize(
    ("request_", "words", "sentence"),
    [
        ({}, [], "line 1: it names no tenant"),
        ({"tenant": 7}, [], "line 1: it names no tenant"),
        ({"tenant": "a"}, ["--tenant", "b"], "line 1: it names the tenant a, not b"),
        ({"request_id": "7"}, ["--tenant", "b"], "line 1: its request_id is not a UUID"),
        ({"request_id": ""}, ["--tenant", "b"], "line 1: its request_id is not a UUID"),
        ({"request_id": 0}, ["--tenant", "b"], "line 1: its request_id is not a UUID"),
    ],
)
def test_a_request_that_cannot_be_addressed_is_told(
    willcall: Willcall, orders_queue: OrdersQueue, request_: dict[str, Any], words: list[str], sentence: str
) -> None:
    ran = willcall("submit", "-", *words, stdin=_lines(make_body() | request_))

    assert ran.code == 1
    assert sentence in ran.err
    assert orders_queue.take_requests() == []


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]"])
def test_a_file_without_requests_is_told(
    willcall: Willcall, orders_queue: OrdersQueue, content: bytes
) -> None:
    ran = willcall("submit", "-", "--tenant", "demo", stdin=content)

    assert (ran.code, ran.err) == (1, "willcall: standard input holds no requests\n")


def test_another_dialect_is_refused_with_a_sentence(willcall: Willcall) -> None:
    ran = willcall("submit", "-", "--dialect", "klingon", stdin=b"{}")

    assert ran.code == 1
    assert ran.err == (
        "willcall: unknown dialect klingon; requests can be in: "
        "canonical, zoho_backstage, acme, ticket_evolution\n"
    )


def test_a_broker_that_is_away_is_a_sentence(willcall: Willcall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WILLCALL_BROKER_URL", "redis://127.0.0.1:1/0")

    ran = willcall("submit", "-", "--tenant", "demo", stdin=_lines(make_body()))

    assert ran.code == 1
    assert ran.err.startswith("willcall: the broker confirmed 0 requests, and none of the next ones")
    assert ran.err.count("\n") == 1


def test_waiting_without_a_worker_ends_with_a_sentence(
    willcall: Willcall, orders_queue: OrdersQueue, engine: object
) -> None:
    ran = willcall("submit", "-", "--tenant", "demo", "--wait", "--timeout", 0.3, stdin=_lines(make_body()))

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("willcall: no outcome within 0.3 s; 1 request without one")


def test_a_large_file_is_not_read_into_memory(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    line = _lines(make_body(reference="x" * 2_000))
    with file.open("wb") as output:
        for _ in range(5_000):
            output.write(line)
    size = file.stat().st_size
    assert size > 8_000_000

    with ExitStack() as stack:
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        requests = open_requests(str(file), "demo", stack)
        count = sum(1 for _ in requests)
        _, peak = tracemalloc.get_traced_memory()

    assert count == requests.count == 5_000
    assert peak < size / 8
