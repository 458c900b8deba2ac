"""`willcall up` as a person sees it, in a terminal."""

import os
import pty
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.factories import scalar
from tests.intake.cli.conftest import WILLCALL, environment
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port

pytestmark = pytest.mark.xdist_group("serving")


@dataclass
class Screen:
    """What a program has written to its terminal."""

    content: bytes = b""

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")


@contextmanager
def _in_a_terminal(variables: Mapping[str, object], folder: Path) -> Iterator[Screen]:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [WILLCALL, "up"],
        cwd=folder,
        env=environment(TERM="xterm", **variables),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    screen = Screen()

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # its last process has ended
                return
            if not part:
                return
            screen.content += part

    reader = threading.Thread(target=read)
    reader.start()
    try:
        wait_until(lambda: "ready; Ctrl-C" in screen.text or process.poll() is not None, what="ready")
        assert process.poll() is None, screen.text
        yield screen
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0, screen.text
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join(PATIENCE_SECONDS)
        os.close(ours)


@pytest.mark.parametrize("colour", [True, False])
def test_people_read_what_happens_and_not_each_sweep(
    home: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    variables: dict[str, object] = {
        "WILLCALL_HOME": home,
        "WILLCALL_INTAKE_PORT": free_port(),
        "WILLCALL_FLOWER_PORT": free_port(),
        "WILLCALL_SWEEP_SECONDS": 0.2,
    }
    if not colour:
        variables["NO_COLOR"] = "1"

    with _in_a_terminal(variables, tmp_path) as screen:
        swept = "SELECT count(*) FROM ticks WHERE task = 'holds.sweep'"
        wait_until(lambda: scalar(engine, swept) >= 3, what="three sweeps")

    assert "worker    | " in screen.text.replace("\x1b[0m", "")
    assert "ready." in screen.text
    assert "Sending due task" not in screen.text
    assert '{"time"' not in screen.text
    assert ("\x1b[" in screen.text) is colour
    assert "Traceback" not in screen.text, screen.text
