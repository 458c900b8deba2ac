"""`willcall up` and `willcall serve`, as processes."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.factories import load, make_body
from tests.intake.cli.conftest import WILLCALL, Willcall, environment, running_willcall
from tests.processes import PATIENCE_SECONDS, Process, children_of, is_alive, wait_until
from tests.rabbitmq import free_port
from worker.runtime.embedded.postgres import postgres_pid
from worker.runtime.embedded.valkey import valkey_pid

pytestmark = pytest.mark.xdist_group("serving")


def _doors(home: Path) -> dict[str, object]:
    return {
        "WILLCALL_HOME": home,
        "WILLCALL_INTAKE_PORT": free_port(),
        "WILLCALL_FLOWER_PORT": free_port(),
    }


def _get(port: object, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_SECONDS) as answer:
        return int(answer.status)


def _children(process: Process) -> set[int]:
    """Return the ids of the children that are `willcall` processes."""
    children = children_of(process.process.pid)
    return {pid for pid, command in children.items() if " -m intake.cli.main serve " in command}


def test_up_runs_everything_and_stops_everything(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as parent:
        Path(parent).chmod(0o755)
        home = Path(parent) / "home"
        doors = _doors(home)
        with running_willcall("up", variables=doors, log=tmp_path / "up", ready="ready; Ctrl-C") as up:
            assert f"http://127.0.0.1:{doors['WILLCALL_INTAKE_PORT']}" in up.output()
            assert _get(doors["WILLCALL_INTAKE_PORT"], "/readyz") == 200
            assert _get(doors["WILLCALL_FLOWER_PORT"], "/healthcheck") == 200
            children = _children(up)
            assert len(children) == 6

            assert up.end(signal.SIGTERM) == 0

        assert not any(is_alive(pid) for pid in children)
        assert postgres_pid(home) is valkey_pid(home) is None
    assert "Traceback" not in up.output()


def test_an_order_goes_all_the_way_through_up(
    home: Path, engine: Engine, willcall: Willcall, tmp_path: Path
) -> None:
    import orjson

    load(engine)
    with running_willcall("up", variables=_doors(home), log=tmp_path / "up", ready="ready; Ctrl-C"):
        body = orjson.dumps(make_body())
        ran = willcall("submit", "-", "--tenant", "demo", "--wait", "--json", stdin=body)

    assert ran.json["status"] == "processed"


def test_a_child_that_is_killed_comes_back_and_ctrl_c_ends_them_all(home: Path, tmp_path: Path) -> None:
    doors = _doors(home)
    with running_willcall("up", variables=doors, log=tmp_path / "up", ready="ready; Ctrl-C") as up:
        wait_until(lambda: "relay-" in up.output(), what="the relay")
        before = _children(up)
        relay = re.findall(r"relay-(\d+)@", up.output())[0]
        os.kill(int(relay), signal.SIGKILL)

        wait_until(lambda: len(_children(up) - before) == 1, what="another relay")
        assert "was killed by SIGKILL; restarting in 1 s" in up.output()
        assert up.end(signal.SIGINT) == 130
    assert "Traceback" not in up.output()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_children_end_when_up_is_killed(home: Path, tmp_path: Path) -> None:
    with running_willcall("up", variables=_doors(home), log=tmp_path / "up", ready="ready; Ctrl-C") as up:
        children = _children(up)
        up.end(signal.SIGKILL)

        wait_until(lambda: not any(is_alive(pid) for pid in children), what="the end of all children")


@pytest.mark.parametrize("setting", ["WILLCALL_INTAKE_PORT", "WILLCALL_FLOWER_PORT"])
def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path, taken: int, setting: str) -> None:
    ran = subprocess.run(
        [WILLCALL, "up"],
        env=environment(**_doors(tmp_path) | {setting: taken}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"port {taken} of 127.0.0.1 is taken: stop what listens there, or set {setting}" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("up",), ("serve", "intake")], ids=" ".join)
@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "tickets.example.com"])
def test_an_intake_that_others_reach_needs_the_address_of_its_links(
    tmp_path: Path, words: tuple[str, ...], host: str
) -> None:
    ran = subprocess.run(
        [WILLCALL, *words],
        env=environment(**_doors(tmp_path), WILLCALL_INTAKE_HOST=host),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(
        f"willcall: the intake does not listen on {host} without an address for links"
    )
    assert "WILLCALL_PUBLIC_URL" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("up",), ("serve", "flower")], ids=" ".join)
@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"WILLCALL_FLOWER_HOST": "0.0.0.0"}, "Flower does not listen on 0.0.0.0 without a login"),
        (
            {"WILLCALL_FLOWER_BASIC_AUTH": "secret"},
            "WILLCALL_FLOWER_BASIC_AUTH is wrong: must be user:password",
        ),
    ],
)
def test_flower_opens_to_no_strangers(
    home: Path, words: tuple[str, ...], variables: dict[str, str], sentence: str
) -> None:
    ran = subprocess.run(
        [WILLCALL, *words],
        env=environment(**_doors(home) | variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert sentence in ran.stderr
    assert "secret" not in ran.stderr


def test_flower_with_a_login_asks_for_it(home: Path, tmp_path: Path) -> None:
    doors = _doors(home) | {"WILLCALL_FLOWER_HOST": "0.0.0.0", "WILLCALL_FLOWER_BASIC_AUTH": "someone:secret"}
    port = doors["WILLCALL_FLOWER_PORT"]

    with running_willcall(
        "serve", "flower", variables=doors, log=tmp_path / "flower", ready="Connected"
    ) as it:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _get(port, "/workers")
        assert _get(port, "/healthcheck") == 200
        assert it.end(signal.SIGTERM) == 0


def test_serve_worker_runs_as_many_processes_as_are_set(home: Path, tmp_path: Path) -> None:
    variables = {"WILLCALL_HOME": home, "WILLCALL_WORKER_PROCESSES": 2}

    with running_willcall("serve", "worker", variables=variables, log=tmp_path / "log") as worker:
        wait_until(lambda: len(set(re.findall(r"worker-\d+@\S+ ready", worker.output()))) == 2, what="two")
        children = _children(worker)
        assert len(children) == 2
        assert worker.end(signal.SIGTERM) == 0

    assert not any(is_alive(pid) for pid in children)


@pytest.mark.parametrize(
    ("process", "ready"),
    [("intake", "Uvicorn running"), ("worker", " ready."), ("relay", " ready."), ("beat", "beat: Starting")],
)
def test_a_process_of_the_procfile_runs_alone_and_ends_when_told(
    home: Path, engine: Engine, tmp_path: Path, process: str, ready: str
) -> None:
    with running_willcall("serve", process, variables=_doors(home), log=tmp_path / "log", ready=ready) as it:
        assert it.end(signal.SIGTERM) == 0
    assert "Traceback" not in it.output()
