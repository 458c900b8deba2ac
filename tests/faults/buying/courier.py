"""Producers that a fault sends: they ask for what it says, and live no lives of their own."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

from tests.faults.buying.lives import PROCESSED, Step, new_key, order_body
from tests.faults.buying.producers import GIVES_UP_SECONDS, Market, Producer
from tests.faults.checking import model
from tests.faults.checking.ledger import Ask
from tests.faults.system.catalogue import STANDING
from tests.processes import PATIENCE_SECONDS
from willcall.kinds import CREATE

_REFUSALS: Final = (429, 503)


class Courier(Producer):
    """Sends requests that are given to it, until each has its outcome."""

    refused = 0
    """How often it was told to come again later, and when."""

    def live(self) -> None:
        raise NotImplementedError

    def order(self, *lines: tuple[str, int], **words: Any) -> Ask:
        """Enter an order of these lines, or of one ticket, into the ledger."""
        body = order_body(self.rng, *(lines or [(STANDING, 1)])) | words
        step = Step(CREATE, body, PROCESSED, lambda _: model.created(body))
        key = new_key(self.rng)
        return self.ask(step, key, 0, key=key)

    def send(self, ask: Ask) -> None:
        """Ask for an order until its outcome is known."""
        headers = self.own_headers() | {"idempotency-key": ask.key}
        for _ in self.tries():
            answer = self.call(ask, "POST", "/v1/orders", headers, json=ask.body)
            if answer is not None:
                self.await_outcome(ask, answer.json()["request_id"])
                return

    def send_together(self, asks: list[Ask]) -> None:
        """Ask for several orders in one call until it is accepted, and then for their outcomes."""
        bodies = [{**ask.body, "idempotency_key": ask.key} for ask in asks]
        for _ in self.tries():
            for ask in asks:
                ask.sendings += 1
            answer = self.client.post(self.url + "/v1/orders", headers=self.own_headers(), json=bodies)
            if answer.status_code in _REFUSALS:
                assert int(answer.headers["retry-after"]) > 0
                self.refused += 1
                self._failed(None, str(answer.status_code))
            elif answer.status_code == 202:
                break
            else:
                raise AssertionError(f"{answer.status_code}: {answer.text[:500]}")
        for ask, words in zip(asks, answer.json(), strict=True):
            ask.note(202, words)
            self.await_outcome(ask, words["request_id"])


@contextmanager
def couriers(market: Market, rng: Random, count: int) -> Iterator[list[Courier]]:
    """Have so many couriers until the block ends."""
    them = [Courier(f"courier-{number}", market, Random(rng.random())) for number in range(count)]
    try:
        yield them
    finally:
        for one in them:
            one.client.close()


class Errands:
    """What couriers do at once, each in a thread: all begin together."""

    def __init__(self, errands: Iterable[Callable[[], None]]) -> None:
        self._crashes: list[BaseException] = []
        errands = list(errands)
        self._barrier = threading.Barrier(len(errands))
        self._threads = [
            threading.Thread(target=self._run, args=(one,), name="courier", daemon=True) for one in errands
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, errand: Callable[[], None]) -> None:
        try:
            self._barrier.wait(PATIENCE_SECONDS)
            errand()
        except BaseException as error:  # noqa: BLE001 - `end` raises it again
            self._crashes.append(error)

    def end(self) -> None:
        """Return when all are done."""
        for thread in self._threads:
            thread.join(2 * GIVES_UP_SECONDS)
            assert not thread.is_alive(), "a courier does not come back"
        for crash in self._crashes:
            raise crash
