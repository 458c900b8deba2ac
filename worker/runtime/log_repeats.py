"""A log handler that writes repeated errors once per minute, with a count."""

import copy
import logging
import threading
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from select import PIPE_BUF
from typing import Final, TextIO

from worker.runtime.traces import FRAME, trace_of

_MOST_KINDS: Final = 1_000
"""Maximum kinds of errors that are counted; records of further kinds are all written."""


@dataclass(slots=True)
class _Kind:
    last: logging.LogRecord
    repeats: int = 0


class RepeatCounter(logging.StreamHandler[TextIO]):
    """Writes each record, but of warnings and errors that repeat within `seconds` only the first.

    The others are counted by logger, message, and type and place of the error; after `seconds` one line shows
    the count, and so on while they repeat. With 0 seconds all records are written.
    """

    def __init__(self, stream: TextIO, seconds: float) -> None:
        super().__init__(stream)
        self._seconds = seconds
        self._kinds: dict[Hashable, _Kind] = {}
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write or count the record; the handler's lock is held."""
        if record.levelno < logging.WARNING or not self._seconds:
            super().emit(record)
            return
        key = _key(record)
        kind = self._kinds.get(key)
        if kind is not None:
            kind.last, kind.repeats = record, kind.repeats + 1
            return
        if len(self._kinds) < _MOST_KINDS:
            self._kinds[key] = _Kind(record)
            self._wait()
        super().emit(record)

    def write_lines(self, lines: str) -> None:
        """Write lines that never repeat as they are, each with its line end."""
        with self._own_lock():
            for piece in _pieces(lines):
                self.stream.write(piece)
                self.flush()

    def close(self) -> None:
        """Write the counts, and close."""
        with self._own_lock():
            if self._timer is not None:
                self._timer.cancel()
            self._write_counts()
            self._kinds.clear()
        super().close()

    def _own_lock(self) -> "threading.RLock":
        assert self.lock is not None  # noqa: S101 - every handler has one
        return self.lock

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._on_time)
            self._timer.daemon = True
            self._timer.start()

    def _on_time(self) -> None:
        with self._own_lock():
            self._timer = None
            # A kind that did not repeat is written again at its next record; the others are still counted.
            self._kinds = self._write_counts()
            if self._kinds:
                self._wait()

    def _write_counts(self) -> dict[Hashable, _Kind]:
        repeated = {key: kind for key, kind in self._kinds.items() if kind.repeats}
        for kind in repeated.values():
            super().emit(_count_of(kind, self._seconds))
            kind.repeats = 0
        return repeated


def _pieces(lines: str) -> Iterator[str]:
    """Divide lines into pieces that a pipe takes whole, so that those of several processes do not mix."""
    piece: list[str] = []
    size = 0
    for line in lines.splitlines(keepends=True):
        bytes_ = len(line.encode())
        if piece and size + bytes_ > PIPE_BUF:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += bytes_
    if piece:
        yield "".join(piece)


def _key(record: logging.LogRecord) -> Hashable:
    error = record.exc_info[0] if record.exc_info else getattr(record, "error", None)
    # Records with another reason or place are of another kind.
    reason = str(getattr(record, "reason", None))
    return record.name, record.levelno, str(record.msg), str(error), reason, _place(record)


def _place(record: logging.LogRecord) -> str | None:
    """Return where the record's error happened: the last line of a trace that names a file."""
    trace = getattr(record, "where", None)
    if trace is None and record.exc_info and record.exc_info[1] is not None:
        trace = trace_of(record.exc_info[1])
    frames = [line for line in str(trace).splitlines() if line.startswith(FRAME)]
    return frames[-1] if frames else None


def _count_of(kind: _Kind, seconds: float) -> logging.LogRecord:
    record = copy.copy(kind.last)
    when = "minute" if seconds == 60 else f"{seconds:g} s"
    record.msg = f"… and {kind.repeats} more of these in the last {when}: {record.getMessage()}"
    record.args, record.exc_info, record.exc_text = (), None, None
    record.repeats = kind.repeats
    record.created = time.time()  # the count is up to now
    record.msecs = record.created % 1 * 1000
    return record
