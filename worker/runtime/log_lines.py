"""Log lines for people at a terminal: the time, the message, and its fields."""

import logging
import os
import time
from typing import Final

from pythonjsonlogger.core import RESERVED_ATTRS

from worker.runtime.printable import printable
from worker.runtime.traces import trace_of

_COLOURS: Final = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_OWN: Final = frozenset({*RESERVED_ATTRS, "data", "color_message", "message", "asctime"})
"""Attributes of a record that do not come from `extra`."""


def wants_colour(is_terminal: bool) -> bool:
    """Tell whether to use colours: on a terminal, or if FORCE_COLOR is set; never if NO_COLOR is set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # https://no-color.org
        return False
    return is_terminal or bool(os.environ.get("FORCE_COLOR"))


class LinesForPeople(logging.Formatter):
    """`12:30:05 WARNING the broker does not answer  reason=…`, in the local time."""

    def __init__(self, *, has_colour: bool, process: str | None = None) -> None:
        super().__init__()
        self._has_colour = has_colour
        self._begin = "" if process is None else f"{process} "

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, followed by the trace of its exception."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        facts = "  ".join(f"{name}={_fact(value)}" for name, value in _extras(record).items())
        text = self._painted(level + printable(record.getMessage()), record.levelname)
        line = f"{clock} {self._begin}{text}"
        if facts:
            line += "  " + self._painted(facts, "DEBUG")
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n" + "\n".join(map(printable, trace_of(record.exc_info[1]).splitlines()))
        return line

    def _painted(self, text: str, level: str) -> str:
        colour = _COLOURS.get(level)
        return f"\x1b[{colour}m{text}\x1b[0m" if self._has_colour and colour else text


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _OWN and value is not None}


def _fact(value: object) -> str:
    if not isinstance(value, list):
        return printable(str(value))
    # The outcomes of a batch are too long for a line.
    is_long = any(isinstance(one, dict) for one in value)
    return f"[{len(value)}]" if is_long else printable(", ".join(map(str, value)))
