"""Both brokers, for tests that run our processes against them."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from kombu import Connection
from sqlalchemy import Engine

from tests.processes import Process, running_celery, running_worker
from tests.rabbitmq import RabbitMQ, running_rabbitmq
from willcall.publishing import Publisher
from willcall.queues import DOCUMENTS, MAINTENANCE, ORDERS, OUTBOX
from worker.broker.depths import depth_of, depth_of_orders
from worker.runtime import embedded
from worker.runtime.settings import Settings

VALKEY = "valkey"
RABBITMQ = "rabbitmq"


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """Run a RabbitMQ for all tests of this process."""
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@dataclass
class Broker:
    """A broker with empty queues, and what is needed to run our processes against it."""

    url: str
    home: Path
    folder: Path
    stack: ExitStack

    @property
    def environment(self) -> dict[str, str]:
        return {"WILLCALL_HOME": str(self.home), "WILLCALL_BROKER_URL": self.url}

    @property
    def settings(self) -> Settings:
        # The broker of most tests is there all the time, however slow it is.
        return Settings(home=self.home, broker_url=self.url, publish_timeout_seconds=60)

    def publisher(self) -> Publisher:
        return self.stack.enter_context(Publisher(self.url, self.settings))

    def worker(self, queues: str = ORDERS, name: str = "worker", **environment: str) -> Process:
        log = self.folder / f"{name}.log"
        return self.stack.enter_context(
            running_worker(queues, environment=self.environment | environment, log=log, name=name)
        )

    def beat(self, name: str, **environment: str) -> Process:
        return self.stack.enter_context(
            running_celery(
                "beat",
                environment=self.environment | environment,
                log=self.folder / f"{name}.log",
                ready="beat: Starting",
            )
        )

    def depth(self, queue: str = ORDERS) -> int:
        """Return how many messages wait to be delivered; `orders` are those of all shares."""
        with Connection(self.url) as connection:
            if queue == ORDERS:
                return sum(depth_of_orders(connection).values())
            return depth_of(connection, queue).waiting


@pytest.fixture(params=[VALKEY, RABBITMQ])
def broker(request: pytest.FixtureRequest, home: Path, engine: Engine, tmp_path: Path) -> Iterator[Broker]:
    url = embedded.broker_url(home) if request.param == "valkey" else request.getfixturevalue("rabbitmq").url
    with ExitStack() as stack:
        broker = Broker(url, home, tmp_path, stack)
        _empty(broker)
        yield broker


def _empty(broker: Broker) -> None:
    broker.publisher().publish([])  # declares the queues
    with Connection(broker.url) as connection:
        channel = connection.default_channel
        for queue in (*depth_of_orders(connection), OUTBOX, MAINTENANCE, DOCUMENTS):
            channel.queue_purge(queue)
        if not broker.url.startswith("amqp"):
            channel.client.delete("unacked", "unacked_index")
