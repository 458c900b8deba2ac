"""The standby that serves lists: checked once a second for whether it answers and how far it is behind."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from db.cutting import Cutter
from db.failures import describe, is_silent
from db.replay import Position, Samples, Unusable, read_identity, read_position
from intake.reads.one_moment import at_one_moment
from intake.web.unexpected import tell_of
from worker.runtime.metrics import STANDBY_LAG

log = logging.getLogger(__name__)

_EVERY_SECONDS: Final = 1.0

_SILENT_SECONDS: Final = 5.0
"""How long a look at the standby may take before it counts as hanging, and its connections are cut."""

_CLOSE_SECONDS: Final = 2.0

_SOME_OTHER: Final = "it is neither the database nor a standby of it: check WILLCALL_READ_DATABASE_URL"


class Standby:
    """Watches the standby in two threads of its own; callers read what they found.

    `engine` leads to it; `primary` is asked where the database is. What is more than `most_seconds` behind is
    not read.
    """

    def __init__(self, engine: Engine, primary: Engine, most_seconds: float) -> None:
        # Always so: a connection that was read-only once would ask a standby for `READ WRITE` the next time.
        self.engine = at_one_moment(engine)
        self._primary = primary
        self._most_seconds = most_seconds
        self._cutter = Cutter(engine)
        self._samples = Samples()
        self._identity: int | None = None
        self._trouble: str | None = "it was not checked yet"
        self._looking_since: float | None = None
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(look,), name=look.__name__, daemon=True)
            for look in (self._look_at_primary, self._look_at_standby)
        ]

    @property
    def is_usable(self) -> bool:
        """Say whether it was usable a moment ago."""
        return self._trouble is None

    def start(self) -> None:
        """Begin to watch; until the first look is over it is not usable."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop watching, and end what still waits for the standby."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
        self._cutter.cut()

    def check(self, connection: Connection) -> None:
        """Check what this very connection leads to, as a name may stand for several standbys.

        Raises `Unusable`.
        """
        self._check(read_position(connection))

    def failed(self, error: Exception) -> None:
        """Note that a read failed there: one that was cancelled, or found no server."""
        reason = str(error) if isinstance(error, Unusable) else describe(error)
        log.warning("a list was read from the primary: the standby failed", extra={"reason": reason})
        if isinstance(error, Unusable) or is_silent(error):
            self._trouble = reason  # until the next look

    def _check(self, position: Position) -> float:
        behind = self._samples.seconds_behind(position, time.monotonic())
        if behind > self._most_seconds:
            raise Unusable(f"the standby is more than {self._most_seconds:g} s behind")
        return behind

    def _repeat(self, look: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                look()
            except Exception as error:  # noqa: BLE001 - without a look nobody would know how far it is
                tell_of(error)
                self._trouble = "checking it failed unexpectedly"
            self._stopping.wait(_EVERY_SECONDS)

    def _look_at_primary(self) -> None:
        """Note how far the primary is; and whether the other thread hangs."""
        since = self._looking_since
        if since is not None and time.monotonic() - since > _SILENT_SECONDS:
            self._tell(f"the standby has not answered for {_SILENT_SECONDS:g} s")
            self._cutter.cut()
        moment = time.monotonic()  # before it is asked: what it had written by then
        try:
            with self._primary.connect() as connection:
                if self._identity is None:
                    self._identity = read_identity(connection)
                self._samples.add(moment, read_position(connection))
        except SQLAlchemyError as error:
            # Nothing is known of how far the standby is behind: in a few seconds it is too far.
            log.warning("the primary does not report its position", extra={"reason": describe(error)})

    def _look_at_standby(self) -> None:
        self._looking_since = time.monotonic()
        try:
            with self.engine.connect() as connection:
                identity = read_identity(connection)
                if None not in (identity, self._identity) and identity != self._identity:
                    raise Unusable(_SOME_OTHER)
                position = read_position(connection)
                behind = self._check(position)
            self._check_descent(position)
        except (SQLAlchemyError, Unusable) as error:
            STANDBY_LAG.set(float("inf"))
            if not isinstance(error, Unusable) and is_silent(error):
                self._cutter.cut()  # it accepts no new connections, so it does not answer on old ones
            self._tell(str(error) if isinstance(error, Unusable) else describe(error))
            return
        finally:
            self._looking_since = None
        STANDBY_LAG.set(behind)
        if self._trouble is not None:
            self._trouble = None
            log.info("lists are read from the standby")

    def _check_descent(self, position: Position) -> None:
        """Check that the standby has nothing that the primary has not. Raises `Unusable`."""
        try:
            with self._primary.connect() as connection:
                written = read_position(connection).bytes
        except SQLAlchemyError:
            return  # the other thread logs that
        if position.is_standby and position.bytes > written:
            raise Unusable("it is ahead of the database: it is the standby of a former primary")

    def _tell(self, reason: str) -> None:
        # The log says what repeats once a minute.
        log.warning("lists are read from the primary", extra={"reason": reason})
        self._trouble = reason
