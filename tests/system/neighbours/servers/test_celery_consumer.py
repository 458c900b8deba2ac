"""Celery's own consumer, of `outbox` and `maintenance`: what Celery calls unrecoverable needs no human."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from kombu import Connection, Queue
from sqlalchemy import Engine

from tests.brokers import RABBITMQ, VALKEY, Broker
from tests.processes import Process, running_celery, wait_until
from tests.system.neighbours.servers.taking import load_plenty, publish, takes
from willcall.messages import Message, kwargs_json, task_message
from willcall.queues import MAINTENANCE, queues

_TASK = "requests.retry"


def _messages(count: int) -> list[Message]:
    return [task_message(_TASK, kwargs_json(tick=None), queue=MAINTENANCE, summary="…") for _ in range(count)]


def _takes_tasks(broker: Broker, worker: Process, messages: Sequence[Message]) -> None:
    ids = [str(message.headers["id"]) for message in messages]
    wait_until(lambda: all(f"done {id_}" in worker.output() for id_ in ids), what="all tasks to be done")


def _sends_and_takes(broker: Broker, worker: Process) -> None:
    messages = _messages(5)
    publish(broker, messages)
    _takes_tasks(broker, worker, messages)


@pytest.mark.parametrize("broker", [RABBITMQ], indirect=True)
def test_tasks_that_rabbitmq_never_sent_come_back(broker: Broker, tmp_path: Path) -> None:
    """As with orders: a queue made again at once gives its messages to the consumer of the old one."""
    worker = _faulty(broker, "none", tmp_path)
    _sends_and_takes(broker, worker)
    for _ in range(2):
        messages = _messages(8)
        publisher = broker.publisher()
        publisher.publish([])
        with Connection(broker.url) as connection:
            connection.default_channel.queue_delete(MAINTENANCE)
            for queue in queues(broker.url):
                queue(connection.default_channel).declare()
        publisher.publish(messages)
        _takes_tasks(broker, worker, messages)
    assert worker.process.poll() is None


@pytest.mark.parametrize("broker", [RABBITMQ], indirect=True)
def test_a_queue_with_other_arguments_passes(broker: Broker, tmp_path: Path) -> None:
    worker = _faulty(broker, "none", tmp_path)
    _sends_and_takes(broker, worker)

    def is_replaced() -> bool:
        with suppress(Exception), Connection(broker.url) as connection:
            connection.default_channel.queue_delete(MAINTENANCE)
            Queue(MAINTENANCE, channel=connection.default_channel).declare()
            return True
        return False

    wait_until(is_replaced, what="a queue that is not Willcall's")
    wait_until(lambda: "PRECONDITION_FAILED" in worker.output(), what="the worker's word of it")
    with Connection(broker.url) as connection:
        connection.default_channel.queue_delete(MAINTENANCE)

    _sends_and_takes(broker, worker)
    assert worker.process.poll() is None


@pytest.mark.parametrize("broker", [VALKEY], indirect=True)
def test_a_key_that_holds_something_else_passes(broker: Broker, tmp_path: Path) -> None:
    worker = _faulty(broker, "none", tmp_path)
    _sends_and_takes(broker, worker)
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        client.delete(MAINTENANCE)
        client.set(MAINTENANCE, "not a list")
        wait_until(lambda: "is not a list" in worker.output(), what="the worker's word of it")
        client.delete(MAINTENANCE)

    _sends_and_takes(broker, worker)
    assert worker.process.poll() is None


def _faulty(broker: Broker, fault: str, folder: Path, *, name: str = "worker") -> Process:
    environment = broker.environment | {"FAULT": fault, "FAULT_MARK": str(folder / fault)}
    return broker.stack.enter_context(
        running_celery(
            "worker",
            "--queues=orders,maintenance,outbox",
            "--without-mingle",
            "--without-gossip",
            app="tests.system.neighbours.servers.faulty_worker",
            environment=environment,
            log=folder / f"{name}.log",
        )
    )


def test_a_call_that_hangs_is_ended_from_outside(broker: Broker, engine: Engine, tmp_path: Path) -> None:
    load_plenty(engine)
    worker = _faulty(broker, "take", tmp_path)

    takes(broker, engine)

    assert (tmp_path / "take").exists()
    assert "a call to the broker does not return" in worker.output()
    assert worker.process.poll() is None


@pytest.mark.parametrize("fault", ["loop", "end"])
def test_an_unexpected_error_ends_the_process_for_its_supervisor(
    broker: Broker, engine: Engine, tmp_path: Path, fault: str
) -> None:
    """With the fault `end` the worker hangs while it ends, too."""
    load_plenty(engine)
    worker = _faulty(broker, fault, tmp_path, name="first")
    wait_until(lambda: worker.process.poll() is not None, what="the process to end")
    assert worker.process.returncode == 1
    assert "Unrecoverable error" in worker.output()

    _faulty(broker, "none", tmp_path, name="second")

    takes(broker, engine)
