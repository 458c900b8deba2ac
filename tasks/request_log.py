"""The request log: each request is written to a file before it is committed, for a replay after a restore.

Each process has a file for each day (UTC), `DAY-HOST-PID.jsonl` in `WILLCALL_REQUEST_LOG`. A batch that
cannot be logged is not committed: it waits, as for a database that is away.
"""

import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from orders.recovery.request_log import batch_line, later_line
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks.transactions import DatabaseUnavailable
from worker.runtime.settings import get_settings

SUFFIX: Final = ".jsonl"


class RequestLog:
    """The log file of this process. Lines are complete and on the disk when `write` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._path: Path | None = None
        self._file = -1

    def write(self, line: bytes, now: datetime) -> None:
        """Append a line. After an `OSError` a part of the line may be in the file."""
        with self._lock:
            try:
                self._open(now)
                while line:
                    line = line[os.write(self._file, line) :]
                os.fsync(self._file)
            except OSError:
                self._close()
                raise

    def _open(self, now: datetime) -> None:
        name = f"{now.astimezone(UTC):%Y-%m-%d}-{socket.gethostname()}-{os.getpid()}{SUFFIX}"
        path = self._folder / name
        if path == self._path:
            return
        self._close()
        # It holds buyers' names: only its owner may read it.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._path = path
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # the last line is truncated: begin a new one

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._path = -1, None


@cache
def _log_in(folder: Path) -> RequestLog:
    return RequestLog(folder)


def write_batch(
    connection: Connection, requests: Sequence[Request], outcomes: Sequence[Outcome], now: datetime
) -> None:
    """Log a batch that is about to be committed, if the log is set. Raises `DatabaseUnavailable`."""
    if get_settings().request_log is not None:
        _write(batch_line(connection, requests, outcomes, now), now)


def write_later(connection: Connection, requests: Sequence[tuple[Request, datetime]]) -> None:
    """Log requests that are stored as rows until a time, if the log is set. Raises `DatabaseUnavailable`."""
    if get_settings().request_log is not None:
        _write(later_line(connection, requests), datetime.now(UTC))


def _write(line: bytes, now: datetime) -> None:
    folder = get_settings().request_log
    assert folder is not None  # noqa: S101 - the callers have checked
    try:
        _log_in(folder).write(line, now)
    except OSError as error:
        # A batch that is committed without it would be lost by a restore.
        raise DatabaseUnavailable(f"the request log {folder} cannot be written: {error.strerror}") from error
