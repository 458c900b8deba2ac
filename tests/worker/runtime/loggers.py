"""Loggers of a test's own: with our handler, and with the root logger as it is set up."""

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from worker.runtime.log_discretion import Discretion
from worker.runtime.log_repeats import RepeatCounter

Make = Callable[..., tuple[logging.Logger, io.StringIO]]


@pytest.fixture
def make() -> Iterator[Make]:
    """Return a logger of our handler's, and what it writes."""
    handlers: list[logging.Handler] = []

    def make_logger(
        seconds: float = 3600, formatter: logging.Formatter | None = None, name: str = "test"
    ) -> tuple[logging.Logger, io.StringIO]:
        stream = io.StringIO()
        handler = RepeatCounter(stream, seconds)
        handler.addFilter(Discretion())
        handler.setFormatter(formatter)
        logger = logging.Logger(name)
        logger.addHandler(handler)
        handlers.append(handler)
        return logger, stream

    yield make_logger
    for handler in handlers:
        handler.close()


def lines_of(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


@contextmanager
def own_root() -> Iterator[None]:
    """Give the block the root logger, and everything as it was afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    try:
        yield
    finally:
        root.handlers[:], level, sys.excepthook, threading.excepthook = before
        root.setLevel(level)
