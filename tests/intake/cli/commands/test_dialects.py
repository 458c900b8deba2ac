"""`willcall dialects record` and `replay`: a client's own traffic as a contract test."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from intake.recording.exchanges import Exchange
from tests.factories import load, make_body
from tests.intake.cli.conftest import Willcall, running_willcall
from tests.processes import PATIENCE_SECONDS
from tests.rabbitmq import free_port

pytestmark = [pytest.mark.usefixtures("crew"), pytest.mark.xdist_group("crew")]


@pytest.fixture
def intake(home: Path, engine: Engine, tmp_path: Path) -> Iterator[str]:
    """Run an intake of a tenant with a catalogue, and return its address."""
    load(engine)
    port = free_port()
    variables = {"WILLCALL_HOME": home, "WILLCALL_INTAKE_PORT": port}
    with running_willcall(
        "serve", "intake", variables=variables, log=tmp_path / "intake", ready="startup complete"
    ):
        yield f"http://127.0.0.1:{port}"


def _record(home: Path, intake: str, key: str, file: Path) -> None:
    port = free_port()
    words = ("dialects", "record", str(file), "--to", intake, "--port", str(port))
    with running_willcall(
        *words, variables={"WILLCALL_HOME": home}, log=file.parent / "recorder", ready="Ctrl-C ends it"
    ) as recorder:
        headers = {"authorization": f"Bearer {key}", "prefer": "wait=30"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS) as client:
            made = client.post("/v1/orders", json=make_body(), headers=headers)
            assert made.status_code == 201, made.text
            assert client.get(made.headers["location"], headers=headers).status_code == 200
        assert recorder.end(signal.SIGINT) == 0
        assert "2 calls recorded" in recorder.output()


def test_a_clients_calls_are_recorded_and_made_again(
    willcall: Willcall, home: Path, intake: str, tmp_path: Path
) -> None:
    key = willcall(
        "keys", "create", "--tenant", "demo", "--scope", "orders.create", "--scope", "orders.read", "--json"
    ).json["key"]
    file = tmp_path / "shop.jsonl"
    _record(home, intake, key, file)
    assert key not in file.read_text()

    alike = willcall("dialects", "replay", file, "--tenant", "demo", "--to", intake)
    assert alike.code == 0, alike.out + alike.err
    assert alike.out == "2 calls replayed; 0 answered differently.\n"
    assert [one["revoked_at"] is not None for one in willcall("keys", "list", "--json").json].count(True) == 1

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[0]["answer"] = lines[0]["answer"].replace('"total":"45.50"', '"total":"1.00"')
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    other = willcall("dialects", "replay", file, "--tenant", "demo", "--to", intake)
    assert other.code == 1
    assert "call 1, POST /v1/orders:\n  totals.total was '1.00', is '45.50'\n" in other.out
    words = willcall("dialects", "replay", file, "--tenant", "demo", "--to", intake, "--json").json
    assert words["calls"] == 2
    assert words["otherwise"][0]["call"] == "call 1, POST /v1/orders"


def test_wrong_use_is_a_sentence(willcall: Willcall, engine: Engine, tmp_path: Path, taken: int) -> None:
    load(engine)
    there = tmp_path / "there.jsonl"
    there.write_text("{}\n")

    exists = willcall("dialects", "record", there)
    busy = willcall("dialects", "record", tmp_path / "new.jsonl", "--port", taken)
    nowhere = willcall("dialects", "record", tmp_path / "no" / "new.jsonl", "--port", free_port())
    no_recording = willcall("dialects", "replay", there, "--tenant", "demo")
    there.write_text("")
    nobody = willcall("dialects", "replay", there, "--tenant", "nobody")

    there.write_bytes(Exchange("GET", "/healthz", {}, {}, None, 200, {}, None).line())
    away = willcall(
        "dialects", "replay", there, "--tenant", "demo", "--to", f"http://127.0.0.1:{free_port()}"
    )
    no_address = willcall("dialects", "record", tmp_path / "new.jsonl", "--to", "shop.example.com")

    ran = (exists, busy, nowhere, no_recording, nobody, away, no_address)
    assert {one.code for one in ran} == {1}
    assert "does not answer: ConnectionRefusedError" in away.err
    assert "shop.example.com is not the URL of an intake" in no_address.err
    assert f"{there} exists; choose a new file" in exists.err
    assert f"cannot listen on port {taken}" in busy.err
    assert "No such file or directory" in nowhere.err
    assert f"{there}, line 1, is not a call of a recording" in no_recording.err
    assert "there is no tenant nobody" in nobody.err
