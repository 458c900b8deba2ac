"""Orders that show whether the system works: each is to be confirmed, and told of."""

import time
from random import Random

from tests.faults.buying.lives import PROCESSED, Step, new_key, order_body
from tests.faults.buying.producers import Market, Producer
from tests.faults.checking import model
from tests.faults.checking.ledger import Ask
from tests.faults.checking.tape import Tape
from tests.faults.system.catalogue import STANDING
from willcall.kinds import CREATE

_WAIT_SECONDS = 2
GIVES_UP_SECONDS = 120.0


class Canary(Producer):
    """Buys when it is told to."""

    def __init__(self, market: Market, rng: Random, tape: Tape) -> None:
        super().__init__("canary", market, rng)
        self._tape = tape

    def live(self) -> None:
        raise NotImplementedError

    def recovery_seconds(self) -> float | None:
        """Return how long it takes until each intake confirms an order that is heard of; None: too long."""
        began = time.monotonic()
        asks = []
        for url in self.market.urls:
            self.url = url
            ask = self._order(began)
            if ask is None:
                return None
            asks.append(ask)
        while time.monotonic() - began < GIVES_UP_SECONDS:
            if all(self._tape.has_heard(str(ask.order_id)) for ask in asks):
                return time.monotonic() - began
            time.sleep(0.02)
        return None

    def _order(self, began: float) -> Ask | None:
        body = order_body(self.rng, (STANDING, 1))
        step = Step(CREATE, body, PROCESSED, lambda _: model.created(body))
        key = new_key(self.rng)
        ask = self.ask(step, key, 0, key=key)
        headers = self.own_headers() | {"idempotency-key": key, "prefer": f"wait={_WAIT_SECONDS}"}
        url = self.url
        while time.monotonic() - began < GIVES_UP_SECONDS:
            self.url = url
            answer = self.call(ask, "POST", "/v1/orders", headers, json=body)
            if answer is not None and answer.status_code in (200, 201):
                ask.outcome, ask.order_id = "processed", answer.json()["id"]
                return ask
            time.sleep(0.02)
        return None
