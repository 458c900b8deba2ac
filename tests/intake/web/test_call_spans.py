"""A span for each call: by its route, in its caller's trace, and without what was sent."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.trace import SpanKind

from tests.intakes import Intake, serving, settings_of
from tests.spans import Memory, memory, parent_of, traceparent_of
from willcall.traceparents import TRACEPARENT, TRACEPARENTS

__all__ = ["memory"]

Order = Callable[..., dict[str, Any]]

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def traced_intake(intake: Intake, memory: Memory, home: Path) -> Iterator[Intake]:
    """An intake of its own, on the same servers, that traces its calls."""
    settings = settings_of(
        home, database_url=intake.settings.database_url, global_keyprefix=intake.settings.global_keyprefix
    )
    with serving(settings) as server:
        yield Intake(settings, server, intake.engine)


@pytest.fixture
def client(traced_intake: Intake) -> Iterator[httpx.Client]:
    with traced_intake.client() as client:
        yield client


def test_a_call_is_a_span_of_its_caller_s_trace(client: httpx.Client, memory: Memory, order: Order) -> None:
    body = order(buyer={"first_name": "Zebedee", "last_name": "Quux", "email": "zebedee@example.com"})

    answer = client.post("/v1/orders", json=body, headers={"traceparent": CALLER})
    client.get(f"/v1/requests/{answer.json()['request_id']}")

    posted, read = memory.ended
    assert posted.kind is SpanKind.SERVER
    assert (posted.name, parent_of(posted)) == ("POST /v1/orders", CALLER)
    assert posted.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/orders",
        "http.response.status_code": 202,
    }
    assert (read.name, read.parent) == ("GET /v1/requests/{request_id}", None)
    key = client.headers["authorization"].removeprefix("Bearer ")
    for secret in ("Zebedee", "zebedee", key, answer.json()["request_id"]):
        assert secret not in posted.to_json() + read.to_json()


def test_the_messages_of_a_call_carry_its_span(
    traced_intake: Intake, client: httpx.Client, memory: Memory, order: Order
) -> None:
    client.post("/v1/orders", json=[order(), order()], headers={"traceparent": CALLER})

    (message,) = traced_intake.take_messages()
    (call,) = memory.named("POST /v1/orders")
    assert message.headers[TRACEPARENT] == traceparent_of(call)
    assert TRACEPARENTS not in message.headers


@pytest.mark.parametrize(
    "headers",
    [
        [("traceparent", "00-0-0-01")],
        [("traceparent", CALLER.upper())],
        [("traceparent", "x" * 9_000)],
        [("traceparent", CALLER), ("traceparent", CALLER)],
    ],
    ids=["malformed", "upper case", "long", "twice"],
)
def test_a_malformed_trace_context_begins_a_new_trace(
    client: httpx.Client, memory: Memory, order: Order, headers: list[tuple[str, str]]
) -> None:
    answer = client.post(
        "/v1/orders", json=order(), headers=httpx.Headers([*client.headers.items(), *headers])
    )

    assert answer.status_code == 202
    (call,) = memory.ended
    assert call.parent is None


def test_calls_that_only_ask_whether_it_lives_have_no_span(client: httpx.Client, memory: Memory) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        client.get(path, headers={"traceparent": CALLER})
    client.get("/nowhere/at-all")

    (unknown,) = memory.ended
    assert unknown.name == "GET"
    assert "at-all" not in unknown.to_json()


def test_calls_at_the_same_time_do_not_mix(
    traced_intake: Intake, client: httpx.Client, memory: Memory, order: Order
) -> None:
    callers = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 21)]
    threads = [
        threading.Thread(
            target=client.post,
            args=("/v1/orders",),
            kwargs={"json": order(reference=caller), "headers": {"traceparent": caller}},
        )
        for caller in callers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    sent: dict[str, str] = {}
    for message in traced_intake.take_messages():
        requests = message.payload[1]["requests"]
        each = message.headers.get(TRACEPARENTS) or [message.headers[TRACEPARENT]] * len(requests)
        sent |= {request["reference"]: context for request, context in zip(requests, each, strict=True)}
    assert sent == {parent_of(call): traceparent_of(call) for call in memory.ended}
    assert sent.keys() == set(callers)
