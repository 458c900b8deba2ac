"""Each call has an id, a line in the log and a count: by its route, and without what its URL says."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.intake.test_server import process, wait_until_ready
from tests.intakes import Intake, settings_of
from tests.processes import PATIENCE_SECONDS

Order = Callable[..., dict[str, Any]]
Line = dict[str, Any]

SAFE = ["a", "01890a5d-ac96-774b-bcce-b302099a8057", "A.b_c:d/e+f=@-9", "x" * 128]
UNSAFE = ["", "x" * 129, "two words", "a;b", "a,b", '"a"', "a\tb", "<a>", "%41", "$(a)", "é", "a\\b", "{}"]


@contextmanager
def logged(intake: Intake, **settings: str) -> Iterator[tuple[httpx.Client, list[Line]]]:
    """Give a client of an intake of its own, whose lines are in the list after the block."""
    port = settings_of(intake.settings.home).intake_port
    lines: list[Line] = []
    with process(intake, port, **settings) as server:
        wait_until_ready(port)
        headers = {"authorization": f"Bearer {intake.new_key('admin')}"}
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE_SECONDS
        ) as client:
            yield client, lines
        lines += _ended(server)


def _ended(server: "subprocess.Popen[str]") -> list[Line]:
    server.terminate()
    _, text = server.communicate(timeout=PATIENCE_SECONDS)
    assert server.returncode == 0, text
    return [json.loads(line) for line in text.splitlines()]


def of_calls(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["logger"] == "intake.calls"]


@pytest.mark.parametrize("id_", SAFE)
def test_the_id_of_a_call_is_taken_and_answered(client: httpx.Client, id_: str) -> None:
    for path in ("/v1/orders", "/nothing", "/healthz", "/v9/orders", "/v1/orders/%00"):
        assert client.get(path, headers={"x-request-id": id_}).headers.get_list("x-request-id") == [id_]


@pytest.mark.parametrize("id_", UNSAFE)
def test_a_call_without_a_safe_id_gets_one(client: httpx.Client, id_: str) -> None:
    headers = {b"x-request-id": id_.encode()}
    made = [client.get("/healthz", headers=headers).headers["x-request-id"] for _ in range(2)]

    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)
    assert made[0] != made[1]


def test_two_ids_are_none(client: httpx.Client) -> None:
    answer = client.get("/healthz", headers=[("x-request-id", "a"), ("x-request-id", "b")])

    assert answer.headers["x-request-id"] not in ("a", "b", "a, b")


def test_every_answer_has_an_id(client: httpx.Client) -> None:
    answers = [
        client.head("/v1/orders"),
        client.options("/v1/orders"),
        client.put("/v1/orders"),
        client.post("/v1/orders", content="x"),
        client.get("/v1/orders", headers={"authorization": "Bearer x"}),
        client.get("/healthz", headers={f"x-{index}": "x" for index in range(200)}),  # refused at the edge
    ]

    assert [one.status_code for one in answers] == [200, 204, 405, 415, 401, 431]
    assert len({one.headers["x-request-id"] for one in answers}) == len(answers)


def test_a_line_tells_of_each_call_and_not_what_its_url_says(intake: Intake, order: Order) -> None:
    id_ = str(uuid4())
    secret = "the-signature-of-a-link"
    with logged(intake) as (client, lines):
        made = client.post("/v1/orders", json=order(), headers={"x-request-id": id_})
        shown = client.get(f"/v1/orders/{uuid4()}")
        head = client.head("/v1/orders", params={"email": "sam@example.com"})
        link = f"/documents/passes/{uuid4()}"
        client.get(link, params={"expires": "1", "signature": secret})
        client.put("/v1/orders")
        client.get("/sam@example.com", headers={"authorization": "Bearer wrong"})
        client.get("/healthz")

    text = json.dumps(lines)
    for private in (secret, "sam@example.com", "Peter", link):
        assert private not in text
    calls = of_calls(lines)
    assert [(one["method"], one["route"], one["status"]) for one in calls] == [
        ("POST", "/v1/orders", 202),
        ("GET", "/v1/orders/{order_id}", 404),
        ("HEAD", "/v1/orders", 200),
        ("GET", "/documents/passes/{ticket_id}", 404),
        ("PUT", "/v1/orders", 405),
        ("GET", "unknown", 404),
    ]
    first = calls[0]
    assert first["call_id"] == id_
    assert (first["level"], first["message"], first["bytes"]) == ("INFO", "call", len(made.content))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["time"])
    assert first["ms"] > 0
    assert first["request_id"] == made.json()["request_id"]
    assert [one.get("tenant") for one in calls] == ["demo", "demo", "demo", None, None, None]
    assert len({one["key_id"] for one in calls[:3]}) == 1
    assert calls[1]["bytes"] == len(shown.content)
    assert head.status_code == 200


def test_no_line_is_written_where_nobody_wants_them(intake: Intake) -> None:
    with logged(intake, WILLCALL_ACCESS_LOG="false") as (client, lines):
        assert client.get("/v1/orders").status_code == 200

    assert of_calls(lines) == []


def test_people_read_a_line_too(intake: Intake) -> None:
    port = settings_of(intake.settings.home).intake_port
    with process(intake, port, WILLCALL_LOG_FORMAT="people") as server:
        wait_until_ready(port)
        httpx.get(f"http://127.0.0.1:{port}/v1/orders", headers={"x-request-id": "mine"})
        server.terminate()
        _, text = server.communicate(timeout=PATIENCE_SECONDS)

    [line] = [one for one in text.splitlines() if "/v1/orders" in one]
    assert re.match(r"\d\d:\d\d:\d\d GET /v1/orders 401  ms=[\d.]+  bytes=\d+  call_id=mine$", line), line


def test_an_unexpected_failure_names_the_call(intake: Intake, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError

    intake.server.app.add_api_route("/fail-with-an-id", fail, include_in_schema=False)
    answer = httpx.get(f"{intake.url}/fail-with-an-id", headers={"x-request-id": "mine"})

    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine")
    [record] = [one for one in caplog.records if one.message == "a call failed unexpectedly"]
    assert vars(record)["call_id"] == "mine"


def test_a_message_names_the_call_of_each_request(intake: Intake, client: httpx.Client, order: Order) -> None:
    client.post("/v1/orders", json=order(), headers={"x-request-id": "alone"})
    client.post("/v1/orders", json=[order(), order()], headers={"x-request-id": "together"})

    named = [one for message in intake.take_messages() for one in message.headers["willcall_calls"]]
    assert named == ["alone", "together", "together"]
