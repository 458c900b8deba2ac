"""Very many requests wait: no process grows with them, and producers are told when it is enough."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Engine

from tests.brokers import VALKEY, Broker
from tests.factories import make_body, make_event, make_ticket_class, rows, scalar
from tests.processes import Process, children_of, wait_until
from tests.system.deploys.extent import QUEUED, long_only, on
from tests.system.deploys.producers import check_inventory
from tests.system.failover.shop import Shop, new_shop

_AT_ONCE: Final = 100
_CLASSES: Final = ("standing", "seated", "upstairs")

_BOUNDS: Final = {"intake": 200, "worker": 350, "relay": 200}
"""MB of a process at most, whatever waits: some more than what docker-compose.yml counts with."""


@long_only
@on(VALKEY)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_no_process_grows_with_what_waits(broker: Broker, engine: Engine) -> None:
    shop = new_shop(
        broker.folder,
        **broker.environment,
        WILLCALL_MAX_QUEUED=QUEUED,
        WILLCALL_MAX_QUEUED_PER_KEY=0,
        WILLCALL_MAX_QUEUED_PER_TENANT=0,
        WILLCALL_ACCESS_LOG="false",
    )
    classes = [make_ticket_class(name, capacity=1_000_000) for name in _CLASSES]
    shop.open({"tenant": "demo", "events": [make_event(ticket_classes=classes)]})
    with shop.running("intake") as doors:
        accepted = _fill(shop)
        with shop.running("worker", "relay") as crew:
            wait_until(
                lambda: _count(engine) >= accepted, what="an outcome of each request", timeout=_patience()
            )
            wait_until(
                lambda: scalar(engine, "SELECT count(*) FROM outbox") == 0,
                what="sent event messages",
                timeout=_patience(),
            )
            peaks = _peaks({**doors, **crew})
    print(f"{accepted} requests waited; MB at most: {peaks}")  # noqa: T201 - what `make deploys` tells
    assert _count(engine) == scalar(engine, "SELECT count(*) FROM orders") == accepted
    assert rows(engine, "SELECT DISTINCT status FROM requests") == [("processed",)]
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
    check_inventory(engine)
    assert all(peaks[name] <= most for name, most in _BOUNDS.items()), peaks


def _fill(shop: Shop) -> int:
    """Send until the intake refuses more for now; return how many it has accepted."""
    accepted = 0
    with shop.client(wait=0) as client:
        while accepted < 2 * QUEUED:
            answer = client.post("/v1/orders", json=[make_body(_CLASSES[one % 3]) for one in range(_AT_ONCE)])
            if answer.status_code == 503:
                assert int(answer.headers["retry-after"]) > 0
                # It estimates what waits, and looks now and then.
                assert accepted >= 0.9 * QUEUED
                return accepted
            assert answer.status_code == 202, answer.text
            accepted += _AT_ONCE
    raise AssertionError(f"{accepted} requests were accepted where {QUEUED} may wait")


def _count(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM requests"))


def _peaks(processes: Mapping[str, Process]) -> dict[str, int]:
    """Return how many MB each process, or the largest of its children, has had in memory at most."""
    return {name: max(map(_peak, _family(one.process.pid))) for name, one in processes.items()}


def _family(pid: int) -> Iterable[int]:
    return [pid, *(one for child in children_of(pid) for one in _family(child))]


def _peak(pid: int) -> int:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) // 1024


def _patience() -> float:
    return 300.0 + QUEUED / 50
