"""Two intakes on one database and one broker, the clock of the second five seconds behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.intakes import Intake, settings_of
from tests.processes import ROOT, wait_until

WAIT = {"prefer": "wait=20"}
SECONDS_BEHIND = 5


@pytest.fixture
def client_behind(intake: Intake, tmp_path: Path) -> Iterator[httpx.Client]:
    """Return a client of an intake whose clock is behind: a process of its own, as on another host."""
    settings = settings_of(intake.settings.home)
    environment = os.environ | {
        "SECONDS_BEHIND": str(SECONDS_BEHIND),
        "WILLCALL_HOME": str(settings.home),
        "WILLCALL_DATABASE_URL": intake.settings.database(),
        "WILLCALL_GLOBAL_KEYPREFIX": intake.settings.global_keyprefix,
        "WILLCALL_INTAKE_PORT": str(settings.intake_port),
    }
    log = tmp_path / "intake.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.intake.intake_behind"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        headers = {"authorization": f"Bearer {intake.new_key('admin')}"}
        url = f"http://127.0.0.1:{settings.intake_port}"
        with httpx.Client(base_url=url, headers=headers, timeout=40) as client:

            def is_up() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    return client.get("/healthz").is_success
                except httpx.TransportError:
                    return False

            wait_until(is_up, what="the second intake")
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _seconds_ago(request_id: str) -> float:
    """Return how old a UUIDv7 is by its own words."""
    return time.time() - (UUID(request_id).int >> 80) / 1000


def test_the_ids_of_an_intake_that_is_behind_are_older(
    client: httpx.Client, client_behind: httpx.Client, order: Callable[..., dict[str, Any]]
) -> None:
    ages = [
        _seconds_ago(one.post("/v1/orders", json=order()).json()["request_id"])
        for one in (client, client_behind)
    ]

    assert ages[0] < SECONDS_BEHIND - 1 < ages[1]


@pytest.mark.usefixtures("worker")
def test_an_update_wins_over_one_that_was_answered_before_it_whatever_the_clocks_say(
    client: httpx.Client, client_behind: httpx.Client, order: Callable[..., dict[str, Any]]
) -> None:
    path = client.post("/v1/orders", json=order(), headers=WAIT).headers["location"]

    first = client.patch(path, json={"reference": "first"}, headers=WAIT)
    second = client_behind.patch(path, json={"reference": "second"}, headers=WAIT)

    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.json()["reference"], second.json()["reference"]) == ("first", "second")
    assert client.get(path).json()["reference"] == "second"
    assert [one["version"] for one in client.get(f"{path}/history").json()["items"]] == [1, 2, 3]
