"""A steady load of orders over HTTP, from clients that send again what was not accepted."""

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID, uuid4

import httpx
from sqlalchemy import Engine

from tests.factories import make_body, rows, scalar
from tests.processes import PATIENCE_SECONDS, wait_until

_SENDERS = 4
_PAUSE_SECONDS = 0.01


@dataclass
class Load:
    """Sends orders until it is stopped; counts answers, and watches how many requests are processed."""

    url: str
    key: str
    engine: Engine
    accepted: dict[str, str] = field(default_factory=dict)
    """Request ids by idempotency key."""
    accepted_at: list[float] = field(default_factory=list)
    processed_at: list[float] = field(default_factory=list)
    """When more requests had been processed than a moment before."""
    refusals: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(_SENDERS)]
        self._threads.append(threading.Thread(target=self._watch, daemon=True))
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        headers = {"authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS) as client:
            while not self._stopping.is_set():
                self._send_one(client)
                time.sleep(_PAUSE_SECONDS)

    def _send_one(self, client: httpx.Client) -> None:
        key = str(uuid4())
        body = {name: value for name, value in make_body().items() if name != "idempotency_key"}
        while True:
            answer = client.post("/v1/orders", json=body, headers={"idempotency-key": key})
            if answer.status_code == 202:
                break
            self.refusals.append(f"{time.monotonic():.2f} {answer.status_code} {answer.text[:200]}")
            time.sleep(0.05)
        self.accepted_at.append(time.monotonic())
        self.accepted[key] = answer.json()["request_id"]

    def _watch(self) -> None:
        before = -1
        while not self._stopping.is_set():
            count = self.processed()
            if count != before:
                self.processed_at.append(time.monotonic())
            before = count
            time.sleep(0.05)

    def processed(self) -> int:
        return int(scalar(self.engine, "SELECT count(*) FROM requests"))

    def run_on(self, count: int) -> None:
        """Return when so many more requests have been accepted, and processed."""
        accepted, processed = len(self.accepted), self.processed()
        wait_until(lambda: len(self.accepted) >= accepted + count, what="accepted requests")
        wait_until(lambda: self.processed() >= processed + count, what="processed requests")

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()

    def longest_gap(self, moments: list[float], since: float) -> float:
        """Return the longest time, in seconds, that passed between two moments."""
        recent = sorted(moment for moment in moments if moment >= since - 1)
        return max((after - before for before, after in pairwise(recent)), default=0.0)

    def check(self) -> None:
        """Check that each accepted request was processed once, and made one order."""
        wait_until(lambda: self._waiting() == set(), what="every accepted request")
        assert scalar(self.engine, "SELECT count(*) FROM requests WHERE status <> 'processed'") == 0
        assert self.processed() == len(self.accepted)
        assert scalar(self.engine, "SELECT count(*) FROM orders") == len(self.accepted)
        assert scalar(self.engine, "SELECT count(*) FROM dead_letters") == 0

    def _waiting(self) -> set[UUID]:
        # One that was refused may have arrived all the same: what was sent again is then a repeat of it.
        query = "SELECT id FROM requests UNION ALL SELECT id FROM request_repeats"
        known = {id_ for (id_,) in rows(self.engine, query)}
        return {UUID(id_) for id_ in self.accepted.values()} - known

    def order_ids(self) -> set[str]:
        """Return the ids of all orders, when the event messages of all have been sent."""
        wait_until(lambda: scalar(self.engine, "SELECT count(*) FROM outbox") == 0, what="sent events")
        return {str(id_) for (id_,) in rows(self.engine, "SELECT id FROM orders")}
