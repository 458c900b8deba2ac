"""Workers are killed under load, again and again: is any order lost?"""

import contextlib
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from benchmarks.brokers import empty_queues
from benchmarks.crew import end, start
from benchmarks.database import Database, Stalled
from benchmarks.lab import REDIS, Lab
from benchmarks.orders import make_orders
from benchmarks.results import Figure, Row, Target
from benchmarks.systems import environment_of, send_orders, settings_of, worker_command

TARGET: Final = Target(0, is_most=True, unit="lost")

_SLOTS: Final = 2
"""Workers at a time."""

_ALIVE_SECONDS: Final = (0.02, 0.6)
"""How long a worker that is ready may live."""

_WAITING: Final = 6_000
"""Orders that wait in the queue at least, so that every kill hits a worker that has some in hand."""

_PORTION: Final = 1_000
_PER_MESSAGE: Final = 10

_VISIBILITY_SECONDS: Final = 5
"""Redis: when the messages of a killed worker come back; the setting's least."""

_LOOK_SECONDS: Final = 0.5
_START_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 60.0


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return how many orders of those that the broker had confirmed were never processed."""
    lab.end_crews()
    url = lab.broker_url(broker)
    if broker == REDIS:
        url += "?virtual_host=5"
    database = lab.ours
    database.reset()
    empty_queues(url)
    hunt = Hunt(lab, database, url)
    hunt.run(broker)
    dead = database.scalar("SELECT count(*) FROM dead_letters")
    again = database.scalar("SELECT count(*) - count(DISTINCT idempotency_key) FROM orders")
    note = f"of {len(hunt.sent):,} orders; {dead} dead letters; {again} doubled"
    title = f"{broker}: orders lost in {lab.sizes.kills} kills of a worker"
    return [Row(title, TARGET, Figure((float(hunt.lost()),)), note=note)]


@dataclass
class Hunt:
    """Two workers at a time, each killed soon after it is ready, while the queue is kept filled."""

    lab: Lab
    database: Database
    url: str
    sent: set[UUID] = field(default_factory=set)
    begun: int = 0
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _errors: list[BaseException] = field(default_factory=list)

    def run(self, broker: str) -> None:
        """Kill as often as is asked for, then let one worker finish."""
        threads = [threading.Thread(target=self._slot, args=(number,)) for number in range(_SLOTS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.lab.say(f"{broker}: {self.done} of {self.lab.sizes.kills} kills")
            self._feed()
        if self._errors:
            raise self._errors[0]
        self.lab.say(f"{broker}: waiting for what the killed workers held")
        self._finish()

    def _feed(self) -> None:
        """Bring the orders that wait to the wanted number, then wait a moment."""
        while len(self.sent) - self.database.sold() < _WAITING:
            orders = make_orders(_PORTION)
            send_orders(settings_of(self.database, self.url), orders, _PER_MESSAGE)
            self.sent.update(UUID(order["request_id"]) for order in orders)
        time.sleep(_LOOK_SECONDS)

    def _slot(self, number: int) -> None:
        try:
            while self._may_kill():
                self._kill_one(number)
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            self._errors.append(error)

    def _may_kill(self) -> bool:
        with self._lock:
            self.begun += 1
            return self.begun <= self.lab.sizes.kills and not self._errors

    def _kill_one(self, number: int) -> None:
        log = self.lab.folder / f"killed-{number}.log"
        with log.open("wb") as output:
            worker = start(worker_command(f"killed-{number}"), self._environment(), output)
        try:
            deadline = time.monotonic() + _START_SECONDS
            while b" ready." not in log.read_bytes():
                if time.monotonic() > deadline or worker.poll() is not None:
                    raise Stalled(log.read_text(errors="replace")[-3_000:])
                time.sleep(0.02)
            time.sleep(random.uniform(*_ALIVE_SECONDS))
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            self.done += 1
        finally:
            end(worker)

    def _environment(self) -> dict[str, str]:
        return environment_of(self.database, self.url) | {
            "WILLCALL_VISIBILITY_TIMEOUT_SECONDS": str(_VISIBILITY_SECONDS)
        }

    def _finish(self) -> None:
        """Return when all orders are done, or when none was done for a minute."""
        with (self.lab.folder / "survivor.log").open("wb") as output:
            worker = start(worker_command("survivor"), self._environment(), output)
        try:
            # What is still missing then is lost, and counted.
            with contextlib.suppress(Stalled):
                self.database.wait_for(len(self.sent), patience=_PATIENCE_SECONDS)
        finally:
            end(worker)

    def lost(self) -> int:
        """Return how many of the sent orders the database does not know."""
        known = {row.id for row in self.database.rows("SELECT id FROM requests")}
        return len(self.sent - known)
