"""The crews of a run, each started when it is first needed, on the servers of the run."""

from collections.abc import Callable, Sequence
from itertools import count
from types import TracebackType
from typing import Final

from benchmarks.compared import systems
from benchmarks.loads.orders import make_orders
from benchmarks.running.crew import Crew, System
from benchmarks.running.servers import RABBITMQ, REDIS, NotMeasured, Servers
from benchmarks.sizes import Sizes

__all__ = ["RABBITMQ", "REDIS", "Lab", "NotMeasured"]

_MAKERS: Final = {
    "willcall": systems.willcall,
    "textbook": systems.textbook_celery,
    "dramatiq": systems.dramatiq,
    "huey": systems.huey,
}


class Lab(Servers):
    """The servers, and the crews on them by the names of their system and broker."""

    def __init__(self, sizes: Sizes, say: Callable[[str], None]) -> None:
        super().__init__(say)
        self.sizes = sizes
        self._crews: dict[tuple[str, str], Crew] = {}
        self._best: dict[str, int] = {}
        self._numbers = count(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end_crews()
        finally:
            super().__exit__(kind, error, trace)

    @property
    def running(self) -> list[Crew]:
        """Return the crews that run."""
        return list(self._crews.values())

    def crews(self, broker: str, *names: str) -> list[Crew]:
        """Return the crews of these systems, warmed up, with as many workers as are fastest.

        Those whose number of workers is known start together.
        """
        missing = [name for name in names if (name, broker) not in self._crews]
        made = {name: self._system(name, broker) for name in missing}
        known = {name: self._best.get(name) or _only(system.workers) for name, system in made.items()}
        for name, workers in known.items():
            if workers is not None:
                self._crews[name, broker] = self._launched(made[name], workers)
        for name, workers in known.items():
            if workers is not None:
                self._crews[name, broker].get_ready()
        for name, workers in known.items():
            if workers is None:
                crew = self._fastest(made[name])
                self._crews[name, broker], self._best[name] = crew, crew.workers
        return [self._crews[name, broker] for name in names]

    def _system(self, name: str, broker: str) -> System:
        url = self.broker_url(broker)
        return _MAKERS[name](self.ours if name == "willcall" else self.theirs, url, self.sizes)

    def _fastest(self, system: System) -> Crew:
        """Try each number of workers once; return the crew that drains a queue fastest."""
        rates: dict[int, float] = {}
        for workers in system.workers:
            crew = self.start(system, workers)
            try:
                crew.drain(make_orders(crew.orders_for(self.sizes.trial_seconds)), 100)
                rates[workers] = crew.rate
            finally:
                crew.end()
        return self.start(system, max(rates, key=rates.__getitem__))

    def start(self, system: System, workers: int) -> Crew:
        """Start a crew and warm it up; `end_crews` does not end it."""
        crew = self._launched(system, workers)
        try:
            crew.get_ready()
        except BaseException:
            crew.end()
            raise
        return crew

    def _launched(self, system: System, workers: int) -> Crew:
        self.say(f"{system.name}: starting, workers: {workers}")
        crew = Crew(system, workers, self.folder / f"crew-{next(self._numbers)}.log")
        crew.launch()
        return crew

    def end_crews(self) -> None:
        """End all crews; who needs one again starts it again."""
        while self._crews:
            self._crews.popitem()[1].end()


def _only(numbers: Sequence[int]) -> int | None:
    return numbers[0] if len(numbers) == 1 else None
