"""One order at a time on idle systems: from the publishing to the commit."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.compared.systems import settings_of
from benchmarks.loads.orders import make_orders
from benchmarks.results import Row, Target, compared
from benchmarks.running.crew import Crew
from benchmarks.running.database import Database, Stalled
from benchmarks.running.lab import Lab
from benchmarks.running.racing import race
from willcall.messages import Message
from willcall.publishing import Publisher

TITLE: Final = "a lone order, publish to commit; textbook"
TARGET: Final = Target(1.0, is_most=True)

_COMMITTED: Final = """
    SELECT CAST(extract(epoch FROM pg_xact_commit_timestamp(xmin)) AS float8) FROM requests WHERE id = :id
"""

# Rare polls disturb neither side: the measurement is the database's own record.
_LOOK_SECONDS: Final = 0.003
_PATIENCE_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = (0.001, 0.01)


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return the median latency of a lone order against the textbook's."""
    ours, textbook = (Lone(lab, crew) for crew in lab.crews(broker, "willcall", "textbook"))
    sides = {f"{broker}, lone orders, textbook": textbook, f"{broker}, lone orders, willcall": ours}
    theirs, own = race(lab, sides, "ms").values()
    note = f"{lab.sizes.lone_orders} orders a run"
    return [compared(f"{broker}: {TITLE}", TARGET, own, theirs, note)]


@dataclass(frozen=True, slots=True)
class Lone:
    """One run: orders are published one by one, each after the last is done; the median in ms."""

    lab: Lab
    crew: Crew

    def __call__(self) -> float:
        system = self.crew.system
        system.database.reset()
        assert system.messages is not None
        settings = settings_of(system.database, system.broker_url)
        with self.crew.at_work(), Publisher(system.broker_url, settings) as publisher:
            publisher.publish([])  # connects
            times = []
            for order in make_orders(self.lab.sizes.lone_orders):
                pause()
                times.append(
                    latency(publisher, system.messages([order]), system.database, order["request_id"])
                )
        return median(times) * 1_000


def pause() -> None:
    """Wait a little, so as not to be in step with anything that a system does at intervals."""
    time.sleep(random.uniform(*_PAUSE_SECONDS))


def latency(publisher: Publisher, messages: list[Message], database: Database, request_id: str) -> float:
    """Return the seconds from the publishing to the commit, by one clock."""
    published = time.time()
    publisher.publish(messages)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (found := database.rows(_COMMITTED, id=request_id)):
        if time.monotonic() > deadline:
            raise Stalled(f"a lone request was not processed in {_PATIENCE_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)
    return float(found[0][0]) - published
