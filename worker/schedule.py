"""The schedule: when each task runs, and ticks that are the same for every beat."""

import time
from datetime import datetime, timedelta
from typing import Any, NoReturn

from celery import platforms
from celery.apps import beat
from celery.beat import ScheduleEntry, Scheduler, SchedulingError, Service
from celery.schedules import schedstate, schedule

from tasks.jobs import intervals
from willcall.connections import blame, drop
from worker.runtime import metrics
from worker.runtime.settings import Settings


class Every(schedule):
    """Due at multiples of an interval since 1970, so that all beats agree on the times."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether a multiple has passed since the last run, and the seconds to the next one."""
        now = time.time()
        is_due = self.tick(now) > self.tick(last_run_at.timestamp())
        return schedstate(is_due=is_due, next=(self.tick(now) + 1) * self.seconds - now)

    def tick(self, moment: float) -> int:
        """Return the number of the tick at a moment (Unix seconds)."""
        return int(moment // self.seconds)


class TickScheduler(Scheduler):
    """Sends each task with the number of its tick; the worker that claims that row first runs it.

    It stores nothing between runs: any number of beats may run, and any of them may die.
    """

    def setup_schedule(self) -> None:
        """Take the schedule from the settings of the app."""
        self.merge_inplace(self.app.conf.beat_schedule)

    def close(self) -> None:
        """Do nothing, as there is nothing to save.

        A beat may be stopped during a publish, and closing the connection would wait for it without limit.
        """

    def apply_async(self, entry: ScheduleEntry, *args: Any, **options: Any) -> Any:
        """Send the entry's task with the number of the tick at which it became due."""
        # Half a second of grace: a clock that is set back a little must not repeat the last tick.
        entry.kwargs = {"tick": entry.schedule.tick(time.time() + 0.5)}
        try:
            sent = super().apply_async(entry, *args, **options)
        except SchedulingError:
            self._let_go()
            raise
        metrics.TICKS.labels(entry.task).inc()
        return sent

    def _let_go(self) -> None:
        """Send the next task on a new connection.

        RabbitMQ (3.10) may refuse all later messages of a channel that published while a queue had no leader.
        """
        connection = self.__dict__.pop("connection", None)
        self.__dict__.pop("producer", None)
        if connection is not None:
            blame(connection)
            drop(connection)


class Beat(beat.Beat):
    """A beat that ends cleanly at any time, also during its start."""

    def install_sync_handler(self, service: Service) -> None:
        """End at SIGTERM and SIGINT, and save nothing.

        Celery's handler saves the schedule, and creates it first if it does not exist. Soon after the start
        this would happen during the imports that the schedule needs, and fail.
        """
        platforms.signals.update(SIGTERM=_end, SIGINT=_end)


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit


def beat_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return Celery's `beat_schedule`."""
    entries = {}
    for task, seconds in intervals(settings).items():
        entries[task] = {
            "task": task,
            "schedule": Every(timedelta(seconds=seconds)),
            # A tick that no worker took is superseded by the next one.
            "options": {"expires": max(2 * seconds, 10)},
        }
    return entries
