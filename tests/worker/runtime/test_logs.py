"""Logs are for programs and for people, and quote nothing."""

import io
import json
import logging
from select import PIPE_BUF

import pytest

from tests.worker.runtime.loggers import Make, lines_of, make, own_root
from worker.runtime import logs
from worker.runtime.log_lines import LinesForPeople, wants_colour
from worker.runtime.log_repeats import RepeatCounter
from worker.runtime.settings import Settings

__all__ = ["make"]


def test_json_tells_of_an_exception_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    with own_root():
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

    first, second, third, *trace = lines_of(stream)
    assert first[8:] == " batch committed  outcomes=processed=1  requests=[2]"
    assert second[8:] == " WARNING line\\x1b[2J\\nFORGED  reason=a\\rb\\x9b"
    assert third[8:] == " ERROR it failed"
    assert trace[-1] == "FileNotFoundError: [Errno 2] nothing there\\x07"


def test_people_read_colours(make: Make) -> None:
    log, stream = make(formatter=LinesForPeople(has_colour=True))

    log.error("no", extra={"reason": "full"})

    assert lines_of(stream)[0][8:] == " \x1b[31mERROR no\x1b[0m  \x1b[2mreason=full\x1b[0m"


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
