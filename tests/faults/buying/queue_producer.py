"""A producer that publishes with plain Celery: sometimes twice, and sometimes a change before its order."""

from random import Random
from typing import Any
from uuid import UUID

from celery import Celery

from tests.faults.buying.lives import Step, new_key
from tests.faults.buying.producers import Market, Producer
from tests.faults.checking.ledger import Ask
from tests.faults.system.catalogue import TENANT
from willcall.kinds import CANCEL, CREATE, PAY, UPDATE

_KINDS = frozenset({CREATE, UPDATE, CANCEL, PAY})


class QueueProducer(Producer):
    """Lives with messages."""

    def __init__(self, name: str, market: Market, rng: Random, broker_url: str) -> None:
        super().__init__(name, market, rng)
        self._app = Celery(broker=broker_url)
        self._app.conf.broker_transport_options = {"confirm_publish": True}
        self._app.conf.task_create_missing_queue_type = "quorum"
        self._app.conf.broker_connection_timeout = 2
        self._app.conf.task_publish_retry = False

    def close(self) -> None:
        """Close its connections."""
        super().close()
        self._app.close()

    def live(self) -> None:
        steps = [step for step in self.market.make_life(self.rng) if step.kind in _KINDS]
        if not steps or steps[0].kind != CREATE:
            return
        life = new_key(self.rng)
        asks = [self._asked(step, life, place) for place, step in enumerate(steps)]
        groups = [asks]
        if len(asks) > 1 and self.rng.random() < 0.5:
            groups = [[one] for one in asks]
        elif len(asks) > 2:
            groups = [asks[:2], *([one] for one in asks[2:])]
        for group in groups:
            self._send(group)
            for ask in group:
                self.await_outcome(ask, ask.body["request_id"])
            if any(ask.outcome != "processed" for ask in group):
                return

    def _asked(self, step: Step, life: str, place: int) -> Ask:
        key = life if place == 0 else new_key(self.rng)
        words: dict[str, Any] = {
            "tenant": TENANT,
            "idempotency_key": key,
            "request_id": str(UUID(int=self.rng.getrandbits(128), version=4)),
        }
        if place:
            words["order_key"] = life
        return self.ask(step, life, place, key=key, **words)

    def _send(self, asks: list[Ask]) -> None:
        """Publish the requests, each in a message of its own, until the broker has confirmed them all."""
        copies = [ask for ask in asks for _ in range(self.rng.choice((1, 1, 1, 2, 5)))]
        self.rng.shuffle(copies)
        for ask in copies:
            for _ in self.tries():
                ask.sendings += 1
                try:
                    self._app.send_task(ask.kind, kwargs={"requests": [ask.body]}, queue="orders")
                except Exception as error:  # noqa: BLE001 - whatever kept it from being confirmed
                    self._failed(ask, type(error).__name__)
                else:
                    ask.note("confirmed")
                    break
