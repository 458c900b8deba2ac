"""Logs: for programs and for people, each repeated error once with a count, and nothing quoted."""

import io
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from select import PIPE_BUF

import pytest

from tests.processes import wait_until
from worker.runtime import logs
from worker.runtime.log_discretion import Discretion
from worker.runtime.log_lines import LinesForPeople, wants_colour
from worker.runtime.log_repeats import RepeatCounter
from worker.runtime.settings import Settings
from worker.runtime.traces import trace_of

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


def _lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_an_error_that_repeats_is_said_once_and_then_counted(make: Make) -> None:
    log, stream = make(seconds=0.5)

    for number in range(124):
        log.error("the broker does not answer", extra={"request_id": number})

    assert _lines(stream) == ["the broker does not answer"]
    counted = "… and 123 more of these in the last 0.5 s: the broker does not answer"
    wait_until(lambda: _lines(stream)[1:] == [counted], what="the count")


def test_an_error_that_goes_on_is_only_counted_and_one_that_comes_back_is_news(make: Make) -> None:
    log, stream = make(seconds=0.5)
    log.error("no")
    log.error("no")
    wait_until(lambda: len(_lines(stream)) == 2, what="the first count")
    log.error("no")
    wait_until(lambda: len(_lines(stream)) == 3, what="the second count")
    assert _lines(stream)[2].startswith("… and 1 more")

    def is_said_again() -> bool:
        log.error("no")
        return _lines(stream)[-1] == "no"

    # After a while in which it did not come.
    handler = log.handlers[0]
    assert isinstance(handler, RepeatCounter)
    wait_until(lambda: not handler._kinds, what="a quiet while")
    assert is_said_again()


def _fail_here() -> None:
    raise KeyError("sam")


def _fail_there(depth: int) -> None:
    if depth:
        _fail_there(depth - 1)
    raise KeyError("sam")


def _error_of(fail: Callable[[], None]) -> KeyError:
    try:
        fail()
    except KeyError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("has_trace", [True, False])
def test_a_second_failure_elsewhere_is_news_and_the_same_again_is_counted(
    make: Make, has_trace: bool
) -> None:
    log, stream = make(formatter=logging.Formatter("%(message)s"))

    def tell(fail: Callable[[], None]) -> None:
        error = _error_of(fail)
        if has_trace:
            log.error("a call failed unexpectedly", exc_info=error)
        else:
            extra = {"error": type(error).__name__, "where": trace_of(error)}
            log.error("a call failed unexpectedly", extra=extra)

    for _ in range(3):
        tell(_fail_here)
        tell(lambda: _fail_there(0))
        tell(lambda: _fail_there(1))  # by another way, at the same place

    assert [line for line in _lines(stream) if line.startswith("a call failed")] == [
        "a call failed unexpectedly"
    ] * 2
    log.handlers[0].close()
    counts = [line for line in _lines(stream) if line.startswith("… and ")]
    assert [line.split()[2] for line in counts] == ["2", "5"]


def test_the_line_that_counts_has_its_own_time(make: Make) -> None:
    log, stream = make(formatter=logging.Formatter("%(created)f %(msecs)03d %(message)s"))
    log.error("no")
    log.error("no")
    last = time.time()
    time.sleep(0.01)
    log.handlers[0].close()

    created, msecs, rest = _lines(stream)[-1].split(" ", 2)
    assert rest.startswith("… and 1 more")
    assert float(created) > last
    assert int(msecs) == int(float(created) % 1 * 1000)


def test_other_errors_loggers_types_and_reasons_are_news(make: Make) -> None:
    log, stream = make()

    for _ in range(2):
        log.error("one")
        log.error("two")
        log.warning("one")
        log.error("one", extra={"error": "OSError"})
        log.error("one", extra={"reason": "full"})
        for error in (KeyError("x"), ValueError("x")):
            log.error("one", exc_info=error)

    assert len([line for line in _lines(stream) if line in ("one", "two")]) == 7


def test_what_is_no_trouble_is_always_said(make: Make) -> None:
    log, stream = make()

    log.info("batch committed")
    log.info("batch committed")

    assert _lines(stream) == ["batch committed"] * 2


def test_what_was_counted_is_said_at_the_end(make: Make) -> None:
    log, stream = make()
    log.error("no")
    log.error("no")

    log.handlers[0].close()

    assert _lines(stream) == ["no", "… and 1 more of these in the last 3600 s: no"]


def test_a_flood_of_different_errors_takes_no_more_memory(make: Make) -> None:
    log, stream = make()

    for number in range(3_000):
        log.error(f"error {number}")

    handler = log.handlers[0]
    assert isinstance(handler, RepeatCounter)
    assert len(_lines(stream)) == 3_000
    assert len(handler._kinds) == 1_000


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_only_who_looks_for_a_mistake_sees_each_of_them(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with _own_root():
        logs.set_up_logs(Settings(log_level=level))
        for _ in range(3):
            logging.getLogger("tasks").error("no")
        logging.getLogger().handlers[0].close()

    said = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert len(said) == (3 if level == "DEBUG" else 2)


def test_json_tells_of_an_exception_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    with _own_root():
        logs.set_up_logs(Settings())
        try:
            dict[str, str]()["Zephyrine"]
        except KeyError:
            logging.getLogger("tasks").exception("it failed", extra={"data": "Zephyrine", "request_id": "1"})

    line = json.loads(capsys.readouterr().err)
    assert line.keys() == {"time", "level", "logger", "message", "exc_info", "request_id"}
    assert "KeyError" in line["exc_info"]
    assert "Zephyrine" not in str(line)


def test_people_read_a_line(make: Make) -> None:
    log, stream = make(formatter=LinesForPeople(has_colour=False))

    log.info("batch %s", "committed", extra={"outcomes": "processed=1", "requests": [{"id": 1}, {"id": 2}]})
    log.warning("line\x1b[2J\nFORGED", extra={"reason": "a\rb\x9b"})
    try:
        raise OSError(2, "nothing there\x07")
    except OSError:
        log.exception("it failed")

    first, second, third, *trace = _lines(stream)
    assert first[8:] == " batch committed  outcomes=processed=1  requests=[2]"
    assert second[8:] == " WARNING line\\x1b[2J\\nFORGED  reason=a\\rb\\x9b"
    assert third[8:] == " ERROR it failed"
    assert trace[-1] == "FileNotFoundError: [Errno 2] nothing there\\x07"


def test_people_read_colours(make: Make) -> None:
    log, stream = make(formatter=LinesForPeople(has_colour=True))

    log.error("no", extra={"reason": "full"})

    assert _lines(stream)[0][8:] == " \x1b[31mERROR no\x1b[0m  \x1b[2mreason=full\x1b[0m"


@pytest.mark.parametrize(
    ("is_terminal", "variables", "wants"),
    [
        (True, {}, True),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_those_who_want_them(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, variables: dict[str, str], wants: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert wants_colour(is_terminal) is wants


@contextmanager
def _own_root() -> Iterator[None]:
    """Give the block the root logger, and everything as it was afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    try:
        yield
    finally:
        root.handlers[:], level, sys.excepthook, threading.excepthook = before
        root.setLevel(level)


def test_lines_of_several_processes_never_mix_in_a_pipe() -> None:
    pieces: list[str] = []

    class Pipe(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    sizes = [1, 100, 3000, PIPE_BUF - 1, 5000, 4090, 4, 2000, 2095, 1]
    lines = "".join("é" * (size // 2) + "x" * (size % 2) + "\n" for size in sizes)
    RepeatCounter(Pipe(), 60).write_lines(lines)

    assert "".join(pieces) == lines
    assert all(piece.endswith("\n") for piece in pieces)
    # A pipe takes so much at once; what is longer is alone, so that no other line is cut.
    assert all(len(piece.encode()) <= PIPE_BUF or piece.count("\n") == 1 for piece in pieces)
    assert len(pieces) < len(sizes)


def test_lines_name_the_process_where_it_has_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        for log_format in ("json", "people"):
            logs.set_up_logs(Settings(log_format=log_format), "intake-2")
            logging.getLogger("some").warning("something")
    finally:
        root.handlers[:], root.level = handlers, level
    as_json, for_people = capsys.readouterr().err.splitlines()

    assert json.loads(as_json)["process"] == "intake-2"
    assert " intake-2 WARNING something" in for_people
