"""What producers ask for where one safeguard is to be missed: many who want the same at once."""

from collections.abc import Callable
from itertools import count
from random import Random
from typing import Final

from tests.faults.buying.lives import PROCESSED, Life, Step, late_hold, new_key, order_body
from tests.faults.buying.queue_producer import QueueProducer
from tests.faults.checking import model
from tests.faults.system.catalogue import (
    BALCONY,
    PROMO_CODES,
    PROMO_USES,
    RUSHED,
    RUSHED_CAPACITY,
    SEATED,
    STANDING,
)
from willcall.kinds import CREATE, PAY

MakeLife = Callable[[Random], Life]

_TICKETS: Final = 2
_BUYERS_OF_ONE: Final = RUSHED_CAPACITY  # twice as many tickets as there are
_PAYMENTS: Final = 4


def rush() -> MakeLife:
    """Return lives of buyers who all want the same few tickets, and then the next few."""
    places = count()

    def make(rng: Random) -> Life:
        wanted = RUSHED[next(places) // _BUYERS_OF_ONE % len(RUSHED)]
        return (_sale(order_body(rng, (wanted, _TICKETS)), frozenset({"processed", "sold_out"})),)

    return make


def seats() -> MakeLife:
    """Return lives of buyers who take the next seats of one row."""
    return lambda rng: (_sale(order_body(rng, (SEATED, _TICKETS)), PROCESSED),)


def promo_codes() -> MakeLife:
    """Return lives of buyers who all want the same promo code, and then the next; for two ticket classes."""
    places = count()

    def make(rng: Random) -> Life:
        code = PROMO_CODES[next(places) // (2 * PROMO_USES) % len(PROMO_CODES)]
        body = order_body(rng, (rng.choice((STANDING, BALCONY)), 1), promo_code=code)
        return (_sale(body, frozenset({"processed", "unknown_promo_code"})),)

    return make


def late_holds() -> MakeLife:
    """Return lives of holds that nobody uses."""
    return late_hold


def crowd() -> MakeLife:
    """Return lives of orders that are paid in parts, which may come at once and in any order."""
    part = Step(PAY, {"type": "cash", "amount": "1.00"}, effect=_part_paid)

    def make(rng: Random) -> Life:
        return (_sale(order_body(rng), PROCESSED), *(part for _ in range(_PAYMENTS)))

    return make


class Crowd(QueueProducer):
    """Asks for an order, and when it is there for all that comes after it at once."""

    def live(self) -> None:
        first, *others = self.market.make_life(self.rng)
        life = new_key(self.rng)
        asks = [self._asked(step, life, place) for place, step in enumerate((first, *others))]
        for group in (asks[:1], asks[1:]):
            self._send(group)
            for ask in group:
                self.await_outcome(ask, ask.body["request_id"])
            if any(ask.outcome != "processed" for ask in group):
                return


def _part_paid(before: model.Expected | None) -> model.Expected:
    assert before is not None
    return model.paid(before, "1.00")


def _sale(body: dict[str, object], may_end_as: frozenset[str]) -> Step:
    return Step(CREATE, body, may_end_as, lambda _: model.created(body))
