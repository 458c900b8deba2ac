"""Reads that may be a few seconds old: on a standby where there is one, else on the primary.

Whoever has just changed something and wants to see it asks with `Cache-Control: no-cache`; that holds with
any number of intakes, none of which knows what the others have answered.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from fastapi import Request
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from db.replay import Unusable
from intake.reads.one_moment import at_one_moment
from intake.reads.standby import Standby
from intake.web.problems import Problem
from worker.runtime.metrics import STALE_READS

READ_SECONDS: Final = 15
"""How long a statement of a list may take."""

_NEWEST: Final = frozenset({"no-cache", "max-age=0"})

_Result = TypeVar("_Result")


class StaleReads:
    """Reads of several statements at one moment, with a connection of their own."""

    def __init__(self, primary: Engine, standby: Standby | None) -> None:
        self._primary = at_one_moment(primary)
        self._standby = standby

    def read(
        self, request: Request, read: Callable[[Connection], _Result], *, is_newest: bool = False
    ) -> _Result:
        """Return what `read` makes of a connection; it may be called twice, and raise `Problem`.

        With `is_newest`, or if the call asks for it, the primary is read; also if the standby cannot read, or
        does not find the row.
        """
        standby = self._standby
        if standby is None:
            return self._at_primary(read, None)
        if is_newest or asks_for_newest(request):
            return self._at_primary(read, "newest")
        if not standby.is_usable:
            return self._at_primary(read, "unusable")
        began = time.monotonic()
        try:
            return self._at_standby(standby, read)
        except Problem as problem:
            if problem.status != 404:
                raise
            return self._at_primary(read, "missing")
        except (SQLAlchemyError, Unusable) as error:
            # What was too much for the standby is not begun again where it would harm more.
            if time.monotonic() - began >= READ_SECONDS:
                raise
            standby.failed(error)
        return self._at_primary(read, "failed")

    def _at_standby(self, standby: Standby, read: Callable[[Connection], _Result]) -> _Result:
        with standby.engine.connect() as connection:
            standby.check(connection)
            result = read(connection)
        STALE_READS.labels("standby", "").inc()
        return result

    def _at_primary(self, read: Callable[[Connection], _Result], reason: str | None) -> _Result:
        if reason is not None:
            STALE_READS.labels("primary", reason).inc()
        with self._primary.connect() as connection:
            return read(connection)


def asks_for_newest(request: Request) -> bool:
    """Say whether a call wants no answer that may be old (RFC 9111, 5.2.1)."""
    directives = ",".join(request.headers.getlist("cache-control")).lower().split(",")
    return not _NEWEST.isdisjoint(word.replace(" ", "") for word in directives)
