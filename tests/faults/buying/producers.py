"""Programs that buy: each asks for one order after the other, and asks again until it is told the outcome."""

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any, Final

import httpx

from tests.faults.buying.lives import Life, Step, make_life, new_key
from tests.faults.checking.ledger import Ask, Ledger
from tests.processes import PATIENCE_SECONDS

_AGAIN_SECONDS: Final = (0.05, 0.3)
_CALL_SECONDS: Final = 15.0
"""How long a producer waits for one answer before it takes the connection for dead."""

GIVES_UP_SECONDS: Final = 150.0
"""After so long without an outcome a producer gives up, and the oracle hears of it."""


@dataclass
class Market:
    """What all producers share."""

    urls: Sequence[str]
    key: Mapping[str, str]
    """What `willcall keys create` prints of an API key."""
    ledger: Ledger
    pause_seconds: float
    make_life: Callable[[Random], Life] = make_life
    """Returns what a producer asks for next."""
    is_over: threading.Event = field(default_factory=threading.Event)
    has_given_up: threading.Event = field(default_factory=threading.Event)
    """Nothing is under way any more: what has no answer by now will have none."""
    failures: Counter[str] = field(default_factory=Counter)
    """What came instead of an answer, or in place of a final one."""


class Producer(ABC, threading.Thread):
    """Lives one life after the other until it is told to end; the last one it ends."""

    def __init__(self, name: str, market: Market, rng: Random) -> None:
        super().__init__(name=name, daemon=True)
        self.market = market
        self.rng = rng
        self._urls = cycle(rng.sample(list(market.urls), len(market.urls)))
        self.url = next(self._urls)
        self.client = httpx.Client(timeout=_CALL_SECONDS)
        self.crash: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.market.is_over.is_set():
                self.live()
                self.market.is_over.wait(self.rng.uniform(0, 2 * self.market.pause_seconds))
        except BaseException as error:  # noqa: BLE001 - whoever joins the thread raises it again
            self.crash = error
        finally:
            self.close()

    def close(self) -> None:
        """Close its connections."""
        self.client.close()

    @abstractmethod
    def live(self) -> None:
        """Ask for one order and what comes after it."""

    def own_headers(self) -> dict[str, str]:
        """Return the headers of a call in our own words."""
        return {"authorization": f"Bearer {self.market.key['key']}"}

    def ask(self, step: Step, life: str, place: int, *, key: str | None = None, **words: Any) -> Ask:
        """Enter into the ledger what is about to be asked."""
        own = new_key(self.rng) if key is None else key
        body = {**step.body, **words}
        return self.market.ledger.add(
            Ask(own, step.kind, self.name, life, place, body, step.may_end_as, step.effect)
        )

    def call(
        self, ask: Ask | None, method: str, path: str, headers: Mapping[str, str], **sent: Any
    ) -> httpx.Response | None:
        """Make a call; None where it may be made again: there was no answer, or one that says so."""
        if ask is not None:
            ask.sendings += 1
        try:
            answer = self.client.request(method, self.url + path, headers=headers, **sent)
        except httpx.HTTPError as error:
            self._failed(ask, type(error).__name__)
            return None
        if answer.status_code >= 500 or answer.status_code == 429:
            self._failed(ask, str(answer.status_code))
            return None
        if ask is not None:
            ask.note(answer.status_code, _words(answer))
        return answer

    def _failed(self, ask: Ask | None, what: str) -> None:
        self.market.failures[what] += 1
        if ask is not None and (not ask.told or ask.told[-1].status != what):
            ask.note(what)
        self.url = next(self._urls)
        time.sleep(self.rng.uniform(*_AGAIN_SECONDS))

    def tries(self) -> Iterator[int]:
        """Count tries, until it is time to give up."""
        deadline = time.monotonic() + GIVES_UP_SECONDS
        number = 0
        while time.monotonic() < deadline and not self.market.has_given_up.is_set():
            yield number
            number += 1

    def await_outcome(self, ask: Ask, request_id: str) -> None:
        """Ask what became of an accepted request until it has ended."""
        ask.request_ids.add(request_id)
        for _ in self.tries():
            answer = self.call(None, "GET", f"/v1/requests/{request_id}", self.own_headers())
            if answer is None:
                continue
            words = answer.json()
            if answer.status_code == 200 and words["status"] != "pending":
                note_outcome(ask, words)
                return
            time.sleep(self.rng.uniform(*_AGAIN_SECONDS))


def note_outcome(ask: Ask, words: Mapping[str, Any]) -> None:
    """Note how a request has ended, from the words of `GET /v1/requests/{id}`."""
    ask.note(200, words)
    if words["status"] == "rejected":
        ask.outcome = words["errors"][0]["code"]
    else:
        ask.outcome = words["status"]
        ask.order_id = words.get("order_id")


def _words(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text[:500]


@contextmanager
def at_work(producers: Sequence[Producer]) -> Iterator[None]:
    """Have them buy until the block ends; then each ends the life that it has begun."""
    for one in producers:
        one.start()
    try:
        yield
    finally:
        for one in producers:
            one.market.is_over.set()
        for one in producers:
            one.join(PATIENCE_SECONDS + 2 * GIVES_UP_SECONDS)
    for one in producers:
        assert not one.is_alive(), f"{one.name} does not end"
        if one.crash is not None:
            raise one.crash
