"""Statements fail at many places, messages make no sense: nobody reads SQL, or a buyer's name, of it."""

import contextlib
import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import orjson
import pytest
from celery import Celery
from kombu import Connection, Producer
from sqlalchemy import Engine, text

from db.tables import metadata
from tests.brokers import Broker
from tests.factories import load, make_body, rows, scalar
from tests.intake.cli.conftest import running_willcall
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, Process, wait_until
from tests.rabbitmq import free_port
from tests.system.observing.hearing import hearing
from willcall.messages import kwargs_json, task_message
from willcall.queues import MAINTENANCE, ORDERS, OUTBOX

pytestmark = pytest.mark.parametrize("broker", ["valkey"], indirect=True)

BUYER = "Zephyrine"
STATEMENTS = ("[SQL", "INSERT INTO", "SELECT ", "UPDATE ", "COPY ", "Failing row", "DETAIL")


# What is there before an order.
LOADED = {"tenants", "tenant_secrets", "ticket_keys", "events", "ticket_classes", "ticks"}
# What a new order, or a failure of one, writes; the rest belongs to catalogues and later changes.
WRITTEN = ["requests", "orders", "order_lines", "tickets", "payments", "event_messages", "outbox"]


@contextlib.contextmanager
def _failing(engine: Engine, table: str) -> Iterator[None]:
    """Let each write to the table fail, with an error that quotes the row."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE FUNCTION quote_{table}() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the row is %%', NEW; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER quote_row BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION quote_{table}()"
        )
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP FUNCTION quote_{table} CASCADE")


@contextlib.contextmanager
def _checked(engine: Engine, table: str) -> Iterator[None]:
    """Let each new row fail by a check: the server's own error then quotes the whole row."""
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT never CHECK (false) NOT VALID"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT never"))


def _body() -> dict[str, Any]:
    buyer = {"first_name": BUYER, "last_name": BUYER, "email": f"{BUYER.lower()}@example.com"}
    payment = {"type": "cash", "amount": "45.50"}
    return make_body(buyer=buyer, payments=[payment], reference=BUYER)


def _send(broker: Broker) -> None:
    content = orjson.dumps({"requests": [{"tenant": "demo", **_body()}]})
    broker.publisher().publish(
        [task_message("orders.create", content, queue=ORDERS, summary="…", requests=1)]
    )


def _failures(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM dead_letters"))


def _has_failed(engine: Engine, count: int) -> bool:
    return _failures(engine) == count


def _assert_quiet(shown: str) -> None:
    assert [secret for secret in (*STATEMENTS, BUYER, BUYER.lower()) if secret in shown] == []


def test_the_tables_are_all_that_a_new_order_writes(broker: Broker, engine: Engine) -> None:
    load(engine)
    broker.worker()
    _send(broker)
    wait_until(lambda: scalar(engine, "SELECT count(*) FROM orders") == 1, what="an order")

    written = [name for name in metadata.tables if scalar(engine, f"SELECT count(*) FROM {name}")]

    assert set(WRITTEN) == set(written) - LOADED


def test_requests_that_fail_are_told_of_without_what_they_said(broker: Broker, engine: Engine) -> None:
    load(engine)
    # The first try is the last one.
    worker = broker.worker(WILLCALL_MAX_ATTEMPTS="1")
    for count, table in enumerate(WRITTEN):
        with _failing(engine, table):
            _send(broker)
            wait_until(partial(_has_failed, engine, 2 * count + 1), what=f"a failure of {table}")
        with _checked(engine, table):
            _send(broker)
            wait_until(partial(_has_failed, engine, 2 * count + 2), what=f"a failure of {table}")
    with _failing(engine, "dead_letters"), _failing(engine, "orders"):
        _send(broker)
        wait_until(lambda: "the bulk consumer failed" in worker.output(), what="a consumer that fails")
    wait_until(
        lambda: _failures(engine) + scalar(engine, "SELECT count(*) FROM orders") == 15, what="the end"
    )

    told = rows(engine, "SELECT reason, details FROM dead_letters")
    assert "Traceback" in str(told)
    assert "never" in str(told), "which constraint it was is told"
    _assert_quiet("\n".join([worker.output(), *map(str, told)]))


def test_tasks_that_fail_are_told_of_without_what_they_said(broker: Broker, engine: Engine) -> None:
    load(engine)
    worker = broker.worker(f"{MAINTENANCE},{OUTBOX}")
    with Celery(broker=broker.url) as app, hearing(app) as heard, _failing(engine, "ticks"):
        broker.publisher().publish(
            [
                task_message(name, kwargs_json(tick=1), queue=MAINTENANCE, summary="{}")
                for name in ("holds.sweep", "requests.retry", "outbox.sweep", "reconciliation.run")
            ]
        )

        def failed() -> int:
            return sum(event["type"] == "task-failed" for event in heard)

        wait_until(lambda: failed() >= 4, what="four tasks that fail")

    assert "the task holds.sweep" in worker.output()
    _assert_quiet(worker.output() + json.dumps(heard, default=str))


def _publish(broker: Broker, body: bytes, **changes: Any) -> None:
    headers = {"task": "holds.sweep", "id": "x", "argsrepr": BUYER, "kwargsrepr": BUYER}
    given = {"headers": headers, "content_type": "application/json", "content_encoding": "utf-8"} | changes
    with Connection(broker.url) as connection:
        Producer(connection.default_channel).publish(
            body, exchange=MAINTENANCE, routing_key=MAINTENANCE, **given
        )


def test_messages_that_make_no_sense_are_not_copied_into_the_log(broker: Broker, engine: Engine) -> None:
    worker = broker.worker(f"{MAINTENANCE},{OUTBOX}")
    kwargs = {"requests": [_body()]}
    with Celery(broker=broker.url) as app, hearing(app) as heard:
        app.conf.task_send_sent_event = False
        app.send_task("order.creates", kwargs=kwargs, queue=MAINTENANCE)  # no such task
        app.send_task("holds.sweep", kwargs=kwargs, queue=MAINTENANCE)  # no such argument
        app.send_task("holds.sweep", args=[BUYER, BUYER], queue=MAINTENANCE)  # too many
        for body, changes in (
            (f"no JSON: {BUYER}".encode(), {}),
            (orjson.dumps([[], {"name": BUYER}, {}]), {"content_type": "application/x-nothing"}),
            (orjson.dumps([[], {"name": BUYER}, {}]), {"headers": {}}),
        ):
            _publish(broker, body, **changes)
        # When this one has ended, those before it have been looked at.
        app.send_task("outbox.sweep", queue=MAINTENANCE)
        wait_until(lambda: any(event["type"] == "task-succeeded" for event in heard), what="the last task")
        # What is JSON and no task ends Celery's consumer.
        _publish(broker, orjson.dumps([BUYER]))
        wait_until(
            lambda: worker.process.poll() is not None or broker.depth(MAINTENANCE) == 0,
            what="what comes of it",
        )
        worker.end()
    assert "unregistered task" in worker.output()
    assert "decode message body" in worker.output()
    _assert_quiet(worker.output() + json.dumps(heard, default=str))


@pytest.fixture
def served(broker: Broker, engine: Engine, home: Any) -> Iterator[tuple[httpx.Client, Process]]:
    """An intake as a process of its own, called with a key that may do everything."""
    load(engine)
    port = free_port()
    variables = {"WILLCALL_HOME": home, "WILLCALL_INTAKE_PORT": port}
    with running_willcall(
        "serve", "intake", variables=variables, log=broker.folder / "intake.log", ready="Uvicorn running"
    ) as process:
        intake = Intake(broker.settings.model_copy(update={"intake_port": port}), None, engine)  # type: ignore[arg-type] # no server in this process
        with intake.client() as client:
            yield client, process


def test_callers_of_the_intake_read_no_sql(
    broker: Broker, engine: Engine, served: tuple[httpx.Client, Process]
) -> None:
    client, process = served
    order = {"name": BUYER}
    answers = []
    calls = [
        ("GET", f"/v1/orders?email={BUYER}@example.com"),
        ("GET", "/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057"),
        ("GET", "/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057/history"),
        ("GET", "/v1/requests/01890a5d-ac96-774b-bcce-b302099a8057"),
        ("GET", "/v1/holds"),
        ("PATCH", "/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057"),
        ("GET", f"/v9/orders?email={BUYER}"),
        ("GET", "/readyz"),
    ]
    assert client.get("/v1/orders").status_code == 200  # the key is known from here on
    tables = ("orders", "requests", "holds", "order_lines", "order_changes")
    for name in tables:
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {name} RENAME TO {name}_elsewhere"))
    try:
        for method, path in calls:
            answers.append(client.request(method, path, json=order if method == "PATCH" else None))
    finally:
        for name in tables:
            with engine.begin() as connection:
                connection.execute(text(f"ALTER TABLE {name}_elsewhere RENAME TO {name}"))

    assert sum(answer.status_code >= 500 for answer in answers) >= 5
    _assert_quiet("\n".join(answer.text for answer in answers))
    _assert_quiet(process.output())


def test_an_exception_of_a_thread_or_of_the_process_is_logged_without_its_text(
    broker: Broker, engine: Engine
) -> None:
    import subprocess
    import sys

    program = f"""
import threading
from worker.runtime.logs import set_up_logs
from worker.runtime.settings import get_settings
set_up_logs(get_settings())
def fail(): raise ValueError("{BUYER}")
thread = threading.Thread(target=fail); thread.start(); thread.join()
fail()
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )

    assert ran.returncode == 1
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["level"] for line in lines] == [logging.getLevelName(logging.CRITICAL)] * 2
    assert all("ValueError" in line["exc_info"] for line in lines)
    _assert_quiet(ran.stdout + ran.stderr)
