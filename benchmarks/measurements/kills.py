"""Workers are killed under load, again and again: is any order lost?"""

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from benchmarks.compared.systems import environment_of, send_orders, settings_of, worker_command
from benchmarks.loads.orders import make_orders
from benchmarks.results import Figure, Row, Target
from benchmarks.running.brokers import empty_queues
from benchmarks.running.crew import end, start, wait_until_ready
from benchmarks.running.database import Database, Stalled
from benchmarks.running.lab import REDIS, Lab

TITLE: Final = "orders lost when workers are killed under load"
TARGET: Final = Target(0, is_most=True, unit="lost")

_ALIVE_SECONDS: Final = (0.02, 0.6)
"""How long a worker that is ready may live."""

_WAITING: Final = 5_000
"""Orders that wait before each start: more than a worker can do in its life."""

_PORTION: Final = 1_000
_PER_MESSAGE: Final = 10

_VISIBILITY_SECONDS: Final = 5
"""Redis: when the messages of a killed worker come back; the setting's least."""

_PATIENCE_SECONDS: Final = 60.0
_LAST_ACK_SECONDS: Final = 0.5


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return how many orders of those that the broker had confirmed were never processed."""
    url = lab.broker_url(broker)
    if broker == REDIS:
        url += "?virtual_host=5"
    empty_queues(url)
    hunt = Hunt(lab, broker, lab.new_database(f"killed_{broker.lower()}"), url)
    hunt.run()
    empty_queues(url)
    return [hunt.row()]


@dataclass
class Hunt:
    """A worker is started, and killed soon after it is ready, again and again; the queue is kept filled."""

    lab: Lab
    broker: str
    database: Database
    url: str
    sent: set[UUID] = field(default_factory=set)

    def run(self) -> None:
        """Kill as often as is asked for, then let a worker finish."""
        for number in range(self.lab.sizes.kills):
            self.lab.say(f"{self.broker}: kill {number + 1} of {self.lab.sizes.kills}")
            self._feed()
            with self._worker():
                time.sleep(random.uniform(*_ALIVE_SECONDS))
        self.lab.say(f"{self.broker}: waiting for what the killed workers held")
        # What is still missing after a minute without any is lost, and counted.
        with self._worker(), contextlib.suppress(Stalled):
            self.database.wait_for(len(self.sent), patience=_PATIENCE_SECONDS)
            time.sleep(_LAST_ACK_SECONDS)

    def _feed(self) -> None:
        """Send orders until enough of them wait."""
        while len(self.sent) - self.database.sold() < _WAITING:
            orders = make_orders(_PORTION)
            send_orders(settings_of(self.database, self.url), orders, _PER_MESSAGE)
            self.sent.update(UUID(order["request_id"]) for order in orders)

    @contextlib.contextmanager
    def _worker(self) -> Iterator[None]:
        """Run a worker that is ready until the block ends; then it is killed (SIGKILL)."""
        log = self.lab.folder / f"killed-{self.broker}.log"
        with log.open("wb") as output:
            worker = start(worker_command("killed"), self._environment(), output)
        try:
            wait_until_ready(worker, log)
            yield
        finally:
            end(worker)

    def _environment(self) -> dict[str, str]:
        return environment_of(self.database, self.url) | {
            "WILLCALL_VISIBILITY_TIMEOUT_SECONDS": str(_VISIBILITY_SECONDS)
        }

    def row(self) -> Row:
        """Return what the database does not know of the orders that were sent."""
        known = {row.id for row in self.database.rows("SELECT id FROM requests")}
        dead = self.database.scalar("SELECT count(*) FROM dead_letters")
        again = self.database.scalar("SELECT count(*) - count(DISTINCT idempotency_key) FROM orders")
        note = (
            f"{self.lab.sizes.kills} kills, {len(self.sent):,} orders; {dead} dead letters; {again} doubled"
        )
        lost = Figure((float(len(self.sent - known)),))
        return Row(f"{self.broker}: {TITLE}", TARGET, lost, note=note)
