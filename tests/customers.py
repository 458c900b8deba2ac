"""Customers of a shop who do everything that one can do, at random, and do not give up."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import uuid4

import httpx

from db.ids import new_id
from tests.factories import make_body, make_event, make_seated_class, make_ticket_class
from tests.processes import PATIENCE_SECONDS, wait_until

_AT_ONCE: Final = 4


def make_catalogue(capacity: int = 150) -> dict[str, Any]:
    """Return a catalogue in which some of everything is sold out soon."""
    standing = make_ticket_class("standing", capacity=100_000)
    few = make_ticket_class("few", price="19.99", capacity=capacity)
    stalls = make_seated_class("stalls", f"1-{capacity}")
    office = make_ticket_class("office", price="70.00", capacity=10_000, office="them", cost="55.50")
    tax = {"name": "VAT", "rate": "0.19"}
    promo_codes = [{"code": "TEN", "percent": "10"}, {"code": "FIVE", "amount": "5.00", "max_uses": 40}]
    event = make_event(ticket_classes=[standing, few, stalls, office], tax=tax, promo_codes=promo_codes)
    return {"tenant": "demo", "settings": {"cancels_unpaid": True}, "events": [event]}


class Client(Protocol):
    """Who calls an intake for a customer."""

    def request(self, method: str, path: str, *, json: Any = None, headers: Any = None) -> httpx.Response: ...


@dataclass
class Customers:
    """Each lives one life of an order after the other, until they are stopped."""

    new_client: Callable[[], AbstractContextManager[Client]]
    lives: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def coming(self) -> Iterator[None]:
        self._stopping = threading.Event()
        threads = [threading.Thread(target=self._come, args=(seed,), daemon=True) for seed in range(_AT_ONCE)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
        assert not self.failures, self.failures

    def wait_for(self, more: int) -> None:
        wanted = self.lives + more
        wait_until(lambda: self.lives >= wanted or bool(self.failures), what=f"{more} more lives")

    def _come(self, seed: int) -> None:
        try:
            with self.new_client() as client:
                while not self._stopping.is_set():
                    Life(client, random.Random(seed * 1_000_000 + self.lives), self.outcomes).live()
                    self.lives += 1
        except Exception as error:  # noqa: BLE001 - it is told in the test's own thread
            self.failures.append(repr(error))


@dataclass
class Life:
    """One order, from a hold to the gate, with other choices in each life."""

    client: Client
    dice: random.Random
    outcomes: Counter[str]

    def live(self) -> None:
        answer = self._call("POST", "/v1/orders", self._order())
        if answer is None:
            return
        path = f"/v1/orders/{answer['id']}"
        steps = [self._update, self._pay, self._cancel_some, self._check_in, self._cancel]
        for step in self.dice.choices(steps, [3, 3, 1, 3, 1], k=self.dice.randint(1, 4)):
            step(path)
        if self.dice.random() < 0.1:
            self._call("POST", "/v1/orders", self._order() | {"substitutes": answer["id"]})

    def _order(self) -> dict[str, Any]:
        name = self.dice.choice(["standing", "standing", "few", "stalls", "office"])
        line: dict[str, Any] = {"ticket_class_id": name, "quantity": self.dice.randint(1, 3)}
        body = make_body(idempotency_key=str(uuid4()), line_items=[line], shipping="4.99")
        if name == "office":
            return body | {"seller_id": "us"}
        if self.dice.random() < 0.3 and (hold := self._hold(name)):
            body["line_items"] = [{"hold_id": hold}]
        if self.dice.random() < 0.3:
            body["promo_code"] = self.dice.choice(["TEN", "FIVE"])
        if self.dice.random() < 0.2:
            body["payment_due_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        return body

    def _hold(self, name: str) -> str | None:
        words = {"ticket_class_id": name, "quantity": self.dice.randint(1, 2)}
        taken = self._call("POST", "/v1/holds", words | {"idempotency_key": str(uuid4())})
        if taken is None:
            return None
        hold = f"/v1/holds/{taken['id']}"
        self._call("POST", f"{hold}/extend", {"expires_at": "2099-01-01T00:00:00Z"})
        if self.dice.random() < 0.3:
            self._call("POST", f"{hold}/release", {})
            return None
        return str(taken["id"])

    def _update(self, path: str) -> None:
        patch: dict[str, Any] = {"reference": str(new_id())}
        if self.dice.random() < 0.5:
            patch["line_items"] = [{"ticket_class_id": "standing", "quantity": self.dice.randint(1, 4)}]
        self._call("PATCH", path, patch)

    def _pay(self, path: str) -> None:
        self._call("POST", f"{path}/payments", {"type": "cash"})

    def _cancel_some(self, path: str) -> None:
        self._call("POST", f"{path}/cancel", {"lines": [{"line_number": 1, "quantity": 1}]})

    def _cancel(self, path: str) -> None:
        self._call("POST", f"{path}/cancel", {})

    def _check_in(self, path: str) -> None:
        tickets = self.client.request("GET", path).json()["tickets"]
        code = self.dice.choice([ticket["code"] for ticket in tickets] or [None])
        if code is not None:
            self._call("POST", "/v1/check-ins", {"code": code})

    def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer, or None for a refusal; what cannot be served now is asked again."""
        headers = {"idempotency-key": body.get("idempotency_key", str(uuid4()))}
        while True:
            answer = self.client.request(method, path, json=body, headers=headers)
            if answer.status_code not in (202, 503):
                break
            time.sleep(0.05)
        self.outcomes[f"{method} {path.rsplit('/', 1)[-1][:12]} {answer.status_code}"] += 1
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.is_success else None
