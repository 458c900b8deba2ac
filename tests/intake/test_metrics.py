"""Metrics: calls by route, method and status, whatever callers invent; on a port of their own."""

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from db.counted_pool import pool_of
from intake.parts import parts_of
from intake.web.call_log import UNKNOWN
from tests.intake.test_server import process
from tests.intakes import Intake, running_intake, settings_of
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port

CALLS = "willcall_intake_calls_total"
SECONDS = "willcall_intake_call_seconds"


def _read(url: str) -> dict[str, float]:
    answer = httpx.get(url, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def _of(method: str, route: str, status: int) -> str:
    return f'{CALLS}{{method="{method}",route="{route}",status="{status}"}}'


def test_calls_are_counted_by_route_method_and_status(intake: Intake, client: httpx.Client) -> None:
    before = _read(f"{intake.url}/metrics")
    for path in ("/v1/orders/1", "/v1/orders/2"):
        client.get(path)
    client.head("/v1/orders/3")
    client.put("/v1/orders/4")
    client.get("/v1/orders/5", headers={"authorization": "Bearer x"})
    after = _read(f"{intake.url}/metrics")

    route = "/v1/orders/{order_id}"
    expected = {("GET", 404): 2, ("HEAD", 404): 1, ("PUT", 405): 1, ("GET", 401): 1}
    for (method, status), count in expected.items():
        name = _of(method, route, status)
        assert after[name] - before.get(name, 0) == count, name
    timed = f'{SECONDS}_count{{method="GET",route="{route}"}}'
    assert after[timed] - before.get(timed, 0) == 3
    assert after[f'{SECONDS}_sum{{method="GET",route="{route}"}}'] > 0


def test_what_callers_invent_makes_no_new_label(intake: Intake, client: httpx.Client) -> None:
    client.get("/nothing")
    client.request("PROPFIND", "/nothing")
    _read(f"{intake.url}/metrics")  # itself a call
    before = _read(f"{intake.url}/metrics")
    for index in range(50):
        client.get(f"/nothing/{index}")
        client.get(f"/v9/{index}")
        client.request("PROPFIND", f"/{index}")
        client.request("MKCOL", f"/{index}")
    after = _read(f"{intake.url}/metrics")

    assert set(after) == set(before)
    assert after[_of("GET", UNKNOWN, 404)] - before[_of("GET", UNKNOWN, 404)] == 100
    assert after[_of("other", UNKNOWN, 404)] - before[_of("other", UNKNOWN, 404)] == 100


@pytest.fixture(scope="module")
def apart(shared_intake: Intake) -> Iterator[Intake]:
    """Return an intake whose metrics have a port of their own."""
    settings = shared_intake.settings
    changes = {
        "database_url": settings.database_url,
        "global_keyprefix": settings.global_keyprefix,
        "intake_metrics_port": free_port(),
    }
    with running_intake(settings.home, **changes) as intake:
        yield intake


def test_metrics_have_a_port_of_their_own_where_one_is_set(apart: Intake) -> None:
    httpx.get(f"{apart.url}/v1/orders", timeout=PATIENCE_SECONDS)
    found = _read(f"http://127.0.0.1:{apart.settings.intake_metrics_port}/metrics")

    assert found[_of("GET", "/v1/orders", 401)] >= 1
    assert found["willcall_outbox_unsent"] >= 0  # it would be NaN if nobody had looked


def test_what_tenants_sell_is_only_on_the_port_of_its_own(intake: Intake, apart: Intake) -> None:
    port = apart.settings.intake_metrics_port
    private = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS).text
    public = httpx.get(f"{intake.url}/metrics", timeout=PATIENCE_SECONDS).text

    assert "\nwillcall_tickets_left{" in private
    assert "willcall_tickets_left" not in public


def _have(url: str, expected: Mapping[str, float]) -> bool:
    found = _read(url)
    return all(found[name] == value for name, value in expected.items())


def test_callers_that_wait_for_a_connection_are_shown(apart: Intake) -> None:
    port = apart.settings.intake_metrics_port
    waiting = 'willcall_pool_waiting{pool="readers"}'
    in_use = 'willcall_pool_connections_in_use{pool="readers"}'
    url = f"http://127.0.0.1:{port}/metrics"
    readers = pool_of(parts_of(apart.server.app).engine)
    held = [readers.connect() for _ in range(readers.limit)]
    try:
        with apart.client() as client, ThreadPoolExecutor(1) as threads:
            reading = threads.submit(client.get, "/v1/orders")
            # Other intakes of this process set the same gauges, each second.
            wait_until(lambda: _have(url, {waiting: 1, in_use: readers.limit}), what="a call that waits")
            for connection in held:
                connection.close()
            assert reading.result(PATIENCE_SECONDS).status_code == 200
        wait_until(lambda: _have(url, {waiting: 0, in_use: 0}), what="a call that has its connection")
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_the_path_of_metrics_that_have_a_port_is_like_any_that_is_not_there(
    apart: Intake, method: str
) -> None:
    with apart.client() as client:
        answer, missing = client.request(method, "/metrics"), client.request(method, "/nothing")

    assert (answer.status_code, answer.content) == (missing.status_code, missing.content)
    assert answer.status_code == 404
    assert "allow" not in answer.headers


def test_metrics_that_have_a_port_are_not_on_the_openapi_page(intake: Intake, apart: Intake) -> None:
    with apart.client() as client, intake.client() as usual:
        without, whole = client.get("/openapi.json").json(), usual.get("/openapi.json").json()

    assert whole["paths"].keys() - without["paths"].keys() == {"/metrics"}


def test_the_port_of_the_metrics_is_for_this_machine_only(apart: Intake) -> None:
    port = apart.settings.intake_metrics_port
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))  # it listens on one address, and this one is free


def test_the_metrics_listen_where_they_are_told_to(shared_intake: Intake) -> None:
    settings = shared_intake.settings
    changes = {
        "database_url": settings.database_url,
        "global_keyprefix": settings.global_keyprefix,
        "metrics_host": "127.0.0.2",
        "intake_metrics_port": free_port(),
    }
    with running_intake(settings.home, **changes) as intake:
        port = intake.settings.intake_metrics_port
        assert _read(f"http://127.0.0.2:{port}/metrics")["willcall_outbox_unsent"] >= 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS)


def test_a_taken_port_of_the_metrics_ends_the_process_and_is_named(intake: Intake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = settings_of(intake.settings.home).intake_port
        metrics = {"WILLCALL_INTAKE_METRICS_PORT": str(taken.getsockname()[1])}
        with process(intake, port, **metrics) as server:
            _, told = server.communicate(timeout=PATIENCE_SECONDS)

    assert server.returncode == 1
    assert "WILLCALL_INTAKE_METRICS_PORT" in told
    assert "Traceback" not in told
