"""The dashboard as it runs: it shows the queues and the workers, changes nothing, and tells no secret."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from celery import Celery
from flower.urls import handlers
from sqlalchemy import Engine
from tornado.web import RequestHandler

from intake.dashboard.pages import refusal
from tests.brokers import Broker
from tests.factories import make_body
from tests.intake.cli.conftest import running_willcall
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port, running_rabbitmq
from willcall.messages import kwargs_json, task_message
from willcall.queues import MAINTENANCE, ORDERS

SECRET = "s3cretword"
LOGIN = ("someone", "flowerword")
BUYER = "Zephyrine"


@dataclass
class Dashboard:
    """A dashboard that runs, called with its login."""

    port: int
    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def workers(self) -> list[str]:
        return [worker["hostname"] for worker in self.get("/workers?json=1").json()["data"]]

    def tasks(self) -> list[dict[str, Any]]:
        query = {"draw": 1, "start": 0, "length": 100, "order[0][column]": 0, "columns[0][data]": "name"}
        answer = self.client.post("/tasks/datatable", data=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


@contextmanager
def running_dashboard(broker: Broker, **variables: object) -> Iterator[Dashboard]:
    """Run a dashboard; a variable that is None is not set."""
    port = free_port()
    own = {
        "WILLCALL_FLOWER_PORT": port,
        "WILLCALL_FLOWER_BASIC_AUTH": ":".join(LOGIN),
        "FLOWER_PERSISTENT": "false",  # another test's workers are none of this one's
    }
    log = broker.folder / f"flower-{port}.log"
    with (
        running_willcall(
            "serve",
            "flower",
            variables=_set(broker.environment | own | variables),
            log=log,
            ready="Connected to",
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=LOGIN, timeout=PATIENCE_SECONDS) as client,
    ):
        yield Dashboard(port, client)
        assert process.process.poll() is None, process.output()
        assert "Traceback" not in process.output()


def _set(variables: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in variables.items() if value is not None}


def send_orders(broker: Broker, count: int = 5) -> None:
    """Publish so many orders, in one message."""
    requests = [{"tenant": "demo", **make_body()} for _ in range(count)]
    content = orjson.dumps({"requests": requests})
    broker.publisher().publish(
        [task_message("orders.create", content, queue=ORDERS, summary=f"requests={count}", requests=count)]
    )


def _own_methods(handler: type[RequestHandler]) -> list[str]:
    """Return the methods that a handler of Flower's answers, and OPTIONS, which all of them do."""
    return [
        method
        for method in RequestHandler.SUPPORTED_METHODS
        if getattr(handler, method.lower()) is not getattr(RequestHandler, method.lower())
    ]


def _flowers_calls(name: str) -> list[tuple[str, str]]:
    """Return all that Flower itself would answer, as methods and paths, `name` in the place of each name."""
    calls = []
    for rule in handlers:
        pattern, handler = (
            (rule.regex.pattern, rule.handler_class) if hasattr(rule, "regex") else (rule[0], rule[1])
        )
        path = re.sub(r"\([^)]*\)", name, pattern.rstrip("$")).replace("/?", "")
        calls += [(method, path) for method in _own_methods(handler) if path != ".*"]
    return calls


def test_of_all_that_flower_answers_only_what_shows_is_left() -> None:
    left = {(method, path) for method, path in _flowers_calls("x") if refusal(method, path) is None}

    assert len(_flowers_calls("x")) > 30  # we look in the right place
    assert {method for method, path in left if path != "/tasks/datatable"} == {"GET"}
    assert sorted({path for _, path in left}) == [
        "/", "/broker", "/healthcheck", "/metrics", "/static/x",
        "/task/x", "/tasks", "/tasks/datatable", "/worker/x", "/workers",
    ]  # fmt: skip


def test_no_call_of_flowers_changes_anything(broker: Broker) -> None:
    worker = broker.worker(queues=MAINTENANCE)
    with running_dashboard(broker) as dashboard:
        wait_until(lambda: len(dashboard.workers()) == 1, what="the worker is seen")
        [name] = dashboard.workers()
        body = {"kwargs": {"requests": [{"tenant": "demo", **make_body()}]}, "queue": ORDERS}
        for subject in (name, "orders.create"):
            for method, path in _flowers_calls(subject):
                if refusal(method, path) is None:
                    continue
                answer = dashboard.client.request(method, path, json=body, params={"n": 1, "queue": "x"})
                assert answer.status_code in (404, 405), (method, path)
        for path in (
            f"//api/worker/shutdown/{name}",
            f"/api%2Fworker%2Fshutdown/{name}",
            "/task/../api/workers",
        ):
            assert dashboard.client.post(path).status_code in (404, 405)

        # Whatever was told to the worker came before this.
        broker.publisher().publish(
            [task_message("holds.sweep", kwargs_json(), queue=MAINTENANCE, summary="{}")]
        )
        wait_until(lambda: any(task["state"] == "SUCCESS" for task in dashboard.tasks()), what="a task")
    assert broker.depth() == 0
    assert worker.end() == 0


def test_the_broker_page_shows_our_queues(broker: Broker) -> None:
    prefix = {} if broker.url.startswith("amqp") else {"WILLCALL_GLOBAL_KEYPREFIX": "box-office-"}
    with Celery(broker=broker.url) as app:
        app.conf.update(
            task_create_missing_queue_type="quorum",
            broker_transport_options={"global_keyprefix": "box-office-"} if prefix else {},
        )
        for _ in range(3):
            app.send_task("orders.create", kwargs={"requests": []}, queue=ORDERS)
    with running_dashboard(broker, **prefix) as dashboard:
        rows = re.findall(r"<tr id=.*?</tr>", dashboard.get("/broker").text, re.DOTALL)

    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    ready = {name: count for name, _, _, count, *_ in cells}
    assert ready.items() >= {ORDERS: "3", "outbox": "0", "maintenance": "0"}.items()


def test_it_tells_no_secret_and_no_buyer(broker: Broker, engine: Engine) -> None:
    # Trust is enough for this server: the password is only in the URL, as it would be elsewhere.
    url = engine.url.set(password=SECRET).render_as_string(hide_password=False)
    variables = {"WILLCALL_DATABASE_URL": url}
    if broker.url.startswith("amqp"):
        # Of a list the first node that answers is taken; the others are known all the same.
        variables["WILLCALL_BROKER_URL"] = f"{broker.url};amqp://guest:{SECRET}@127.0.0.1:{free_port()}//"
    broker.worker(queues=MAINTENANCE, **variables)
    with running_dashboard(broker, **variables) as dashboard, Celery(broker=broker.url) as app:
        wait_until(lambda: len(dashboard.workers()) == 1, what="the worker is seen")
        [name] = dashboard.workers()
        wait_until(lambda: "Prefetch" in dashboard.get(f"/worker/{name}").text, what="its page")
        app.conf.task_send_sent_event = True
        app.conf.task_create_missing_queue_type = "quorum"
        app.send_task("orders.create", kwargs={"requests": [{"name": BUYER}]}, queue=MAINTENANCE)
        # It names no tenant, so it ends at once; its worker tells of it.
        wait_until(lambda: bool(dashboard.tasks()), what="the task is seen")
        wait_until(lambda: dashboard.tasks()[0]["state"] == "SUCCESS", what="the end of the task")

        paths = ["/", "/workers?json=1", f"/worker/{name}", "/tasks", "/broker", "/metrics"]
        paths += [f"/task/{task['uuid']}" for task in dashboard.tasks()]
        shown = "\n".join(dashboard.get(path).text for path in paths) + str(dashboard.tasks())

    assert name in shown
    for secret in (SECRET, "guest", "postgresql", str(broker.home), BUYER, *_socket_of(broker)):
        assert secret not in shown, secret


def _socket_of(broker: Broker) -> list[str]:
    return [] if broker.url.startswith("amqp") else [broker.url.partition("://")[2]]


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_strangers_see_that_it_is_alive_and_nothing_else(broker: Broker) -> None:
    with running_dashboard(broker) as dashboard, httpx.Client(base_url=dashboard.client.base_url) as stranger:
        for path in ("/", "/workers", "/tasks", "/broker", "/metrics", "/worker/x", "/task/x"):
            assert stranger.get(path).status_code == 401, path
        assert stranger.post("/tasks/datatable").status_code == 401
        assert stranger.get("/healthcheck").status_code == 200


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_flowers_own_variables_open_nothing(broker: Broker) -> None:
    variables = {
        "FLOWER_READ_ONLY": "false",
        "FLOWER_UNAUTHENTICATED_API": "true",
        "FLOWER_BASIC_AUTH": "other:word",
        "FLOWER_DEBUG": "true",
        "FLOWER_URL_PREFIX": "flower",
    }
    with running_dashboard(broker, **variables) as dashboard:
        assert dashboard.get("/flower/").status_code == 200
        assert dashboard.get("/flower/broker").status_code == 200
        assert dashboard.get("/").status_code == 404
        assert dashboard.client.get("/flower/", auth=("other", "word")).status_code == 401
        assert dashboard.client.post("/flower/api/task/send-task/orders.create").status_code == 404
        assert "access-control-allow-origin" not in dashboard.get("/flower/").headers


def _is_refused(dashboard: Dashboard, method: str, path: str, **sent: Any) -> bool:
    """Say whether the call is too large, or its connection closed before all of it was read."""
    try:
        return dashboard.client.request(method, path, **sent).status_code in (400, 413, 431)
    except httpx.HTTPError:
        return True


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_what_a_caller_may_send_is_bounded(broker: Broker) -> None:
    with running_dashboard(broker) as dashboard:
        assert dashboard.client.get("/", headers={"x": "x" * 20_000}).status_code == 200
        assert _is_refused(dashboard, "GET", "/", headers={"x": "x" * 40_000})
        assert _is_refused(dashboard, "POST", "/tasks/datatable", content=b"x" * 100_000)
        with socket.create_connection(("127.0.0.1", dashboard.port), PATIENCE_SECONDS) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            assert slow.recv(1) == b""  # given up on


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_broker_that_is_away_is_said_and_not_where_it_is(broker: Broker, tmp_path: Path) -> None:
    with running_rabbitmq(tmp_path / "other") as other:
        broker.url = other.url
        with running_dashboard(broker) as dashboard:
            assert dashboard.get("/broker").status_code == 200
            other.kill()

            answer = dashboard.get("/broker")

    assert answer.status_code == 503
    assert "the broker does not answer" in answer.text
    assert str(other.port) not in answer.text
