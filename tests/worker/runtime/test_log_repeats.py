"""Each repeated error is logged once with a count, and what is another one is news."""

import json
import logging
import time
from collections.abc import Callable

import pytest

from tests.processes import wait_until
from tests.worker.runtime.loggers import Make, lines_of, make, own_root
from worker.runtime import logs
from worker.runtime.log_repeats import RepeatCounter
from worker.runtime.settings import Settings
from worker.runtime.traces import trace_of

__all__ = ["make"]


def test_an_error_that_repeats_is_said_once_and_then_counted(make: Make) -> None:
    log, stream = make(seconds=0.5)

    for number in range(124):
        log.error("the broker does not answer", extra={"request_id": number})

    assert lines_of(stream) == ["the broker does not answer"]
    counted = "… and 123 more of these in the last 0.5 s: the broker does not answer"
    wait_until(lambda: lines_of(stream)[1:] == [counted], what="the count")


def test_an_error_that_goes_on_is_only_counted_and_one_that_comes_back_is_news(make: Make) -> None:
    log, stream = make(seconds=0.5)
    log.error("no")
    log.error("no")
    wait_until(lambda: len(lines_of(stream)) == 2, what="the first count")
    log.error("no")
    wait_until(lambda: len(lines_of(stream)) == 3, what="the second count")
    assert lines_of(stream)[2].startswith("… and 1 more")

    def is_said_again() -> bool:
        log.error("no")
        return lines_of(stream)[-1] == "no"

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

    assert [line for line in lines_of(stream) if line.startswith("a call failed")] == [
        "a call failed unexpectedly"
    ] * 2
    log.handlers[0].close()
    counts = [line for line in lines_of(stream) if line.startswith("… and ")]
    assert [line.split()[2] for line in counts] == ["2", "5"]


def test_the_line_that_counts_has_its_own_time(make: Make) -> None:
    log, stream = make(formatter=logging.Formatter("%(created)f %(msecs)03d %(message)s"))
    log.error("no")
    log.error("no")
    last = time.time()
    time.sleep(0.01)
    log.handlers[0].close()

    created, msecs, rest = lines_of(stream)[-1].split(" ", 2)
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

    assert len([line for line in lines_of(stream) if line in ("one", "two")]) == 7


def test_what_is_no_trouble_is_always_said(make: Make) -> None:
    log, stream = make()

    log.info("batch committed")
    log.info("batch committed")

    assert lines_of(stream) == ["batch committed"] * 2


def test_what_was_counted_is_said_at_the_end(make: Make) -> None:
    log, stream = make()
    log.error("no")
    log.error("no")

    log.handlers[0].close()

    assert lines_of(stream) == ["no", "… and 1 more of these in the last 3600 s: no"]


def test_a_flood_of_different_errors_takes_no_more_memory(make: Make) -> None:
    log, stream = make()

    for number in range(3_000):
        log.error(f"error {number}")

    handler = log.handlers[0]
    assert isinstance(handler, RepeatCounter)
    assert len(lines_of(stream)) == 3_000
    assert len(handler._kinds) == 1_000


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_only_who_looks_for_a_mistake_sees_each_of_them(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_root():
        logs.set_up_logs(Settings(log_level=level))
        for _ in range(3):
            logging.getLogger("tasks").error("no")
        logging.getLogger().handlers[0].close()

    said = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert len(said) == (3 if level == "DEBUG" else 2)
