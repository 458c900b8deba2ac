"""Messages that come several times, late, too many, or are none."""

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Final

from celery import Celery
from kombu import Connection

from tests.faults.buying.courier import Courier, Errands, couriers
from tests.faults.buying.poisons import Poison, make_poisons
from tests.faults.kinds.kind import kind, seen
from tests.faults.system.stage import Stage
from tests.poison import cure_orders, poison_orders
from willcall.queues import ORDERS

_AT_ONCE: Final = 5
_OLD: Final = 30
_CROWD: Final = 24
_ORDERS_OF_EACH: Final = 25
_ROUNDS: Final = 4


@kind("the same call comes five times at once", lasts=(0, 0.1), weight=2)
def _five_times(stage: Stage, rng: Random) -> Iterator[str]:
    def send_all(one: Courier) -> None:
        for ask in asks:
            one.send(ask)

    with couriers(stage.buyers, rng, _AT_ONCE) as senders:
        asks = [senders[0].order() for _ in range(_AT_ONCE)]
        Errands(partial(send_all, one) for one in senders).end()
    accepted = sum(told.status == 202 for ask in asks for told in ask.told)
    yield seen(
        lambda: accepted >= _AT_ONCE**2,
        f"{accepted} calls for {_AT_ONCE} orders, {_AT_ONCE} at once for each, are accepted",
    )


@kind("old messages come again, out of order", lasts=(0, 0.1), weight=2)
def _old_again(stage: Stage, rng: Random) -> Iterator[str]:
    old = [ask for ask in stage.buyers.ledger if "tenant" in ask.body and ask.outcome is not None]
    chosen = [ask for ask in rng.sample(old, min(_OLD, len(old))) for _ in range(rng.randint(1, 4))]
    rng.shuffle(chosen)
    app = Celery(broker=stage.broker_url)
    app.conf.broker_transport_options = {"confirm_publish": True}
    app.conf.task_create_missing_queue_type = "quorum"
    with app, app.connection_for_write() as connection:
        for ask in chosen:
            words = {"requests": [ask.body]}
            app.send_task(ask.kind, kwargs=words, queue=ORDERS, connection=connection)
            ask.sendings += 1
            ask.note("confirmed")
    yield seen(lambda: bool(chosen), f"{len(chosen)} messages that were processed before are there again")


@kind("messages are poison", lasts=(0, 0.1), weight=2)
def _poison(stage: Stage, rng: Random) -> Iterator[str]:
    poisons = make_poisons(rng)
    stage.buyers.ledger.poisons += poisons
    with (
        Connection(stage.broker_url, transport_options={"confirm_publish": True}) as connection,
        connection.Producer() as producer,
    ):
        for one in poisons:
            kinds = {"content_type": one.content_type, "content_encoding": one.content_encoding}
            producer.publish(one.body, routing_key=ORDERS, headers=dict(one.headers), **kinds)
    yield seen(
        lambda: all(_is_buried(stage, one) for one in poisons), f"{len(poisons)} messages are dead letters"
    )


def _is_buried(stage: Stage, poison: Poison) -> bool:
    query = f"SELECT count(*) FROM dead_letters WHERE position('{poison.mark}'::bytea IN message) > 0"
    count: int = stage.primary.ask(query, "willcall")[0][0]
    return count > 0


@kind("a bug keeps an order from being written, and is mended", lasts=(0, 1), weight=1)
def _bug(stage: Stage, rng: Random) -> Iterator[str]:
    with stage.engine() as engine, couriers(stage.buyers, rng, 1) as (courier,):
        ask = courier.order(reference="poison")
        poison_orders(engine, before="INSERT")
        try:
            errand = Errands([partial(courier.send, ask)])
            yield seen(
                lambda: stage.primary.ask("SELECT count(*) FROM delayed_requests", "willcall")[0][0] > 0,
                "an order cannot be written, and waits as a row",
            )
        finally:
            cure_orders(engine)
            engine.dispose()
        errand.end()


@kind("ten times as many orders as usual", lasts=(0, 0.1), weight=1)
def _overload(stage: Stage, rng: Random) -> Iterator[str]:
    def buy(one: Courier) -> None:
        for _ in range(_ROUNDS):
            one.send_together([one.order() for _ in range(_ORDERS_OF_EACH)])
            if any(other.refused for other in crowd):
                return

    with couriers(stage.buyers, rng, _CROWD) as crowd:
        Errands(partial(buy, one) for one in crowd).end()
    refused = sum(one.refused for one in crowd)
    count = sum(1 for ask in stage.buyers.ledger if ask.producer.startswith("courier"))
    yield seen(
        lambda: refused > 0, f"{refused} calls are told to come again later, and {count} orders are taken"
    )
