"""A broker whose settings would lose orders is found, by the doctor's checks and by each worker."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from tests.brokers import Broker
from tests.processes import ROOT, wait_until
from tests.rabbitmq import RabbitMQ
from worker.broker.safety import POLICY_COMMAND, Finding, check_broker

pytestmark = [
    pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True),
]


@pytest.fixture
def policies(rabbitmq: RabbitMQ) -> Iterator[RabbitMQ]:
    """The server, whose policy `willcall` is cleared in the end."""
    rabbitmq.ctl("set_policy", "--apply-to", "queues", "willcall", "^orders$", '{"max-length": 1000000}')
    yield rabbitmq
    rabbitmq.ctl("clear_policy", "willcall")


def _check(broker: Broker) -> Finding:
    with Connection(broker.url) as connection:
        [finding] = check_broker(connection)
    return finding


@pytest.mark.parametrize("has_worker", [False, True], ids=["alone", "with a worker"])
def test_the_command_that_is_told_mends_a_missing_policy(
    broker: Broker, policies: RabbitMQ, has_worker: bool
) -> None:
    worker = broker.worker() if has_worker else None

    missing = _check(broker)

    assert not missing.is_ok
    [command] = re.findall(r"rabbitmqctl (set_policy .*)", missing.message)
    policies.ctl(*shlex.split(command))
    assert _check(broker) == Finding(
        "dead-letter policy", True, "messages that RabbitMQ gives up become dead letters"
    )
    if worker is not None:
        assert "the broker may lose orders" in worker.output()
        assert worker.end() == 0


def test_a_policy_that_forgets_the_shares_is_found(broker: Broker, policies: RabbitMQ) -> None:
    command = POLICY_COMMAND.removeprefix("rabbitmqctl ").replace(r"(\.share\..+)?", "")
    policies.ctl(*shlex.split(command))

    finding = _check(broker)

    assert not finding.is_ok
    assert "orders.share.0" in finding.message


def test_a_limit_that_gives_up_what_only_waited_is_found(broker: Broker, policies: RabbitMQ) -> None:
    """Version 4 has this limit by default."""
    command = POLICY_COMMAND.removeprefix("rabbitmqctl ").replace("1000", "20")
    policies.ctl(*shlex.split(command))
    worker = broker.worker()

    finding = _check(broker)

    assert not finding.is_ok
    assert "returns or fewer" in finding.message
    wait_until(lambda: "the broker may lose orders" in worker.output(), what="the worker says so, too")


def test_a_probe_that_no_worker_meets_is_no_dead_letter_of_ours(broker: Broker, policies: RabbitMQ) -> None:
    policies.ctl(*shlex.split(POLICY_COMMAND.removeprefix("rabbitmqctl ")))
    _check(broker)
    worker = broker.worker()

    wait_until(lambda: broker.depth("orders.dead") == 0, what="the worker takes the dead probe")

    assert "cannot be processed" not in worker.output()


def test_the_readme_tells_the_same_command(broker: Broker) -> None:
    assert POLICY_COMMAND in Path(ROOT / "README.md").read_text()
