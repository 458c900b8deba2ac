"""A stranger with one ordinary key does everything at once, and another tenant does not notice.

`make neighbours` does it for ten minutes on each broker; it is none of the ordinary tests.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.factories import make_body
from tests.processes import ROOT, wait_until
from tests.system.neighbours.at_once.running_system import CLASSES, MemoryWatch, System, running_system
from tests.system.neighbours.at_once.timings import Kind, Timings, kinds_of, table, table_of

SECONDS = float(os.environ.get("NEIGHBOURS_SECONDS", "20"))
IS_LONG = SECONDS >= 120

_EVERY_SECONDS = 0.2
_P99_SECONDS = 0.5 if IS_LONG else 5.0
"""The short form runs on machines that do other things as well."""

_GROWTH = 1.5
_MOST_BYTES = 600 * 1024 * 1024
"""A process may grow by this factor after the first minute, or to this size."""

pytestmark = [
    pytest.mark.xdist_group("everything at once"),
    pytest.mark.timeout(SECONDS + 1_200),
    pytest.mark.skipif("NEIGHBOURS_SECONDS" not in os.environ, reason="of the long form: make neighbours"),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc"),
]


@contextmanager
def _stranger(system: System, folder: Path) -> Iterator[dict[str, Any]]:
    """Let the stranger act while the block runs; afterwards the words hold how the calls were answered."""
    told: dict[str, Any] = {}
    log, errors = folder / "stranger.log", folder / "stranger.errors"
    with log.open("wb") as output, errors.open("wb") as error_output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.neighbours.at_once.stranger", system.url],
            cwd=ROOT,
            env=os.environ | {"KEY": system.keys["stranger"]},
            stdout=output,
            stderr=error_output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "begun" in log.read_text() or process.poll() is not None, what="the stranger")
        yield told
        assert process.poll() is None, errors.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0, errors.read_text()
        told.update(json.loads(log.read_text().partition("begun")[2]))
    finally:
        process.kill()
        process.wait()


def _order_and_read(client: httpx.Client, timings: Timings) -> None:
    """Send a lone order, wait for it, read it back, and open the pass and the QR code of its ticket."""
    with timings.timed("order, wait") as status:
        answer = client.post("/v1/orders", json=make_body(CLASSES[0]), headers={"prefer": "wait=30"})
        status.append(answer.status_code)
    if answer.status_code == 201:
        with timings.timed("read back") as status:
            status.append(client.get(answer.headers["location"]).status_code)
        links = client.get(f"{answer.headers['location']}/documents").raise_for_status().json()
        (ticket,) = links["tickets"]
        for name, kind in (("pass", "digital_pass"), ("picture", "png")):
            address = urlsplit(ticket[kind])
            with timings.timed(name) as status:
                status.append(client.get(f"{address.path}?{address.query}").status_code)


def _neighbour(system: System, seconds: float) -> Timings:
    """Order every 200 ms, for so long."""
    timings = Timings()
    headers = {"authorization": f"Bearer {system.keys['neighbour']}"}
    with httpx.Client(base_url=system.url, headers=headers, timeout=60) as client:
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            begun = time.monotonic()
            _order_and_read(client, timings)
            time.sleep(max(0.0, begun + _EVERY_SECONDS - time.monotonic()))
    return timings


def _memory_rows(watch: MemoryWatch) -> list[tuple[str, int, int, int]]:
    """Return the name, the megabytes after the first minute, at the end, and at most, of each process."""
    early = watch.seen[min(60, len(watch.seen) // 2)]
    end = watch.seen[-1]
    return [
        (name, early[name] >> 20, end[name] >> 20, max(one.get(name, 0) for one in watch.seen) >> 20)
        for name in sorted(end)
        if name in early and name.split()[0] not in ("postgres:", "postgres", "valkey-server")
    ]


@pytest.mark.parametrize("broker", ["valkey", "rabbitmq"] if IS_LONG else ["valkey"])
def test_a_stranger_does_everything_at_once_and_another_tenant_goes_on(broker: str, tmp_path: Path) -> None:
    with running_system(broker, tmp_path) as system:
        _neighbour(system, 2)  # its key is known, and everything has run once
        watch = MemoryWatch(system)
        with _stranger(system, tmp_path) as told, watch.watching():
            neighbour = _neighbour(system, SECONDS)
            watch.wait_for(2)
    memory = _memory_rows(watch)
    sys.stdout.write(
        f"\n{broker}, {SECONDS:g} s; another tenant:\n{table_of(neighbour.kinds)}\n"
        f"\nthe stranger:\n{table_of(kinds_of(told))}\n"
        f"\n{table(memory, 'process', 'MB early', 'MB at the end', 'MB at most')}\n"
    )
    _check(neighbour.kinds, kinds_of(told), memory)


def _check(
    neighbour: dict[str, Kind], stranger: dict[str, Kind], memory: list[tuple[str, int, int, int]]
) -> None:
    assert {name for name, kind in stranger.items() if kind.seconds} >= {
        *("create 500", "repeat 500", "update", "cancel", "read", "list", "links", "unknown key"),
        *("half a body", "body of 2 MB", "hold", "pass", "PNG", "SVG"),
    }
    assert set(neighbour["order, wait"].statuses) == {"201"}, neighbour["order, wait"].statuses
    for kind in ("read back", "pass", "picture"):
        assert set(neighbour[kind].statuses) == {"200"}, neighbour[kind].statuses
    for calls in neighbour.values():
        assert calls.percentile(0.99) < _P99_SECONDS
    assert {name.split()[0] for name, *_ in memory} >= {"intake", "worker", "relay", "beat"}
    for _, early, end, _ in memory:
        assert end < early * _GROWTH or end < _MOST_BYTES >> 20
