"""Other ways of answering those who wait, to be compared with the one that the intake has.

`BENCHMARKS_WAY` says which one `benchmarks.intake_server` takes.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg
from sqlalchemy import Connection

from intake.requests import bulk_answers
from intake.requests.bulk_answers import BulkAnswers
from orders.reading.snapshots import Needs, Snapshot, Wanted, read_snapshot
from worker.runtime.settings import Settings

TOLD: Final = "told"
"""As the intake does it: new orders are answered with the event messages that tell of them."""

ROWS: Final = "rows"
"""All orders are read from their rows, in bulk."""

PUSHED: Final = "pushed"
"""As told, and outcomes are looked for when the database says that there are new ones (LISTEN, NOTIFY)."""

ALONE: Final = "alone"
"""As rows, and each answer is read for by itself."""

NOTIFYING: Final = """
    CREATE OR REPLACE FUNCTION benchmarks_notify() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_notify(''outcomes'', ''''); RETURN NULL; END';
    CREATE OR REPLACE TRIGGER benchmarks_notify AFTER INSERT ON requests
        FOR EACH STATEMENT EXECUTE FUNCTION benchmarks_notify()
"""
SILENT: Final = "DROP TRIGGER IF EXISTS benchmarks_notify ON requests"

_LONGEST_SECONDS: Final = 0.05


def take(way: str, settings: Settings) -> None:
    """Let the intake of this process answer in another way."""
    if way in (ROWS, ALONE):
        bulk_answers.read_snapshot = _read_rows  # type: ignore[attr-defined] # replaced where it is called
        bulk_answers.read_published = lambda *_: None  # type: ignore[attr-defined] # replaced where it is called
    if way == ALONE:
        bulk_answers.Turns.take = _take_one  # type: ignore[method-assign,attr-defined] # the same
    if way == PUSHED:
        listening: list[psycopg.Connection[Any]] = []

        def rest(self: Any) -> None:
            if not self._waiting:
                _rest(self)
                return
            if not listening:
                url = settings.database().replace("+psycopg", "")
                listening.append(psycopg.connect(url, autocommit=True))
                listening[0].execute("LISTEN outcomes")
            for _ in listening[0].notifies(timeout=_LONGEST_SECONDS, stop_after=1):
                pass
            self._next_look = time.monotonic()

        _rest = BulkAnswers._rest
        BulkAnswers._rest = rest  # type: ignore[method-assign] # the same


def _read_rows(connection: Connection, wanted: Sequence[Wanted], **moment: Any) -> Snapshot:
    rows = [replace(one, needs=one.needs | Needs.OLD if one.needs else one.needs) for one in wanted]
    return read_snapshot(connection, rows, **moment)


def _take_one(self: Any) -> list[Any]:
    tenant_id, line = self._lines.popitem(last=False)
    one = line.popleft()
    if line:
        self._lines[tenant_id] = line
    return [one]
