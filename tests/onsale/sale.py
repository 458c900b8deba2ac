"""An on-sale, simulated: many buyers, few tickets, workers that are killed and a broker that restarts."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import httpx

from tests.faults.system.actors import Actor, wait_until_all_run
from tests.faults.system.catalogue import TENANT
from tests.faults.system.stage import Stage, running_stage
from tests.faults.system.valkey import Valkey
from tests.processes import PATIENCE_SECONDS, wait_until

EVENT: Final = "onsale"
CLASS: Final = "floor"

_AT_ONCE: Final = 60
"""Calls under way at the same moment."""

_EARLY_SHARE: Final = 0.7
"""Of the buyers, who come in the first third of the time."""

_TICKETS_A_BUYER: Final = 2.3
"""The mean, by which the time is estimated until all tickets are sold."""


@dataclass(frozen=True)
class Plan:
    """How large the sale is, and how long it takes (seconds)."""

    buyers: int
    tickets: int
    seconds: float
    seed: int = 1


@dataclass
class Sale:
    """What came of it: moments are seconds since the doors opened."""

    plan: Plan
    opened_at: float = 0.0
    accepted: dict[str, float] = field(default_factory=dict)
    """The ids of requests that the intake has taken, with the moment of its answer."""
    calls: Counter[str] = field(default_factory=Counter)
    """Answers by status, and errors by name."""
    depths: list[tuple[float, float]] = field(default_factory=list)
    """How many requests waited in the queue, each second."""
    accidents: list[tuple[float, str]] = field(default_factory=list)
    outcomes: list[tuple[float, str, int]] = field(default_factory=list)
    """Of each second: its moment, a status, and how many requests got it."""
    sold: list[tuple[float, int]] = field(default_factory=list)
    """Of each second: its moment, and how many tickets were sold."""
    left: int = 0

    @property
    def now(self) -> float:
        return time.monotonic() - self.opened_at

    def count(self, status: str) -> int:
        """Return how many requests got this outcome."""
        return sum(count for _, one, count in self.outcomes if one == status)

    @property
    def tickets_sold(self) -> int:
        return sum(count for _, count in self.sold)


@contextmanager
def running_sale(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Iterator[tuple[Sale, Stage]]:
    """Run the sale to its end; the system still runs in the block."""
    with running_stage("valkey", folder) as stage:
        stage.load(_catalogue(plan.tickets))
        sale = Sale(plan, time.monotonic())
        over = Event()
        sampler = Thread(target=_sample, args=(sale, stage, over), daemon=True)
        accidents = Thread(target=_accidents, args=(sale, stage, tell), daemon=True)
        sampler.start()
        accidents.start()
        began = time.time()
        asyncio.run(_buy(sale, stage, tell))
        accidents.join(PATIENCE_SECONDS)
        tell("waiting for the last outcomes")
        wait_until(lambda: _outcomes_of(stage) >= len(sale.accepted), what="an outcome of every request")
        over.set()
        sampler.join(PATIENCE_SECONDS)
        _read(sale, stage, began)
        yield sale, stage


def _catalogue(tickets: int) -> dict[str, Any]:
    return {
        "tenant": TENANT,
        "events": [
            {
                "id": EVENT,
                "name": "One night only",
                "starts_at": "2097-06-12T20:00:00+02:00",
                "ends_at": "2097-06-12T23:00:00+02:00",
                "on_sale_until": "2097-06-12T20:00:00+02:00",
                "timezone": "Europe/Paris",
                "currency": "EUR",
                "ticket_classes": [
                    {"id": CLASS, "name": "Floor", "price": "89.00", "capacity": tickets},
                ],
            }
        ],
    }


def _arrivals(plan: Plan) -> list[float]:
    """Return when each buyer comes: most of them early."""
    rng = random.Random(plan.seed)
    third = plan.seconds / 3
    moments = (
        rng.triangular(0, third, 0) if rng.random() < _EARLY_SHARE else rng.uniform(third, plan.seconds)
        for _ in range(plan.buyers)
    )
    return sorted(moments)


async def _buy(sale: Sale, stage: Stage, tell: Callable[[str], None]) -> None:
    rng = random.Random(sale.plan.seed + 1)
    places = asyncio.Semaphore(_AT_ONCE)
    headers = {"authorization": f"Bearer {stage.key['key']}"}
    limits = httpx.Limits(max_connections=_AT_ONCE)
    async with httpx.AsyncClient(headers=headers, timeout=30, limits=limits) as client:
        tasks = []
        for number, moment in enumerate(_arrivals(sale.plan)):
            if (wait := moment - sale.now) > 0:
                await asyncio.sleep(wait)
            await places.acquire()
            order = _order(number, rng.choice((1, 2, 2, 2, 3, 4)))
            task = asyncio.create_task(_buyer(sale, stage, client, order))
            task.add_done_callback(lambda _: places.release())
            tasks.append(task)
            if number % max(1, sale.plan.buyers // 10) == 0:
                tell(f"{number:,} of {sale.plan.buyers:,} buyers have come")
        await asyncio.gather(*tasks)


def _order(number: int, quantity: int) -> dict[str, Any]:
    return {
        "event_id": EVENT,
        "idempotency_key": f"buyer-{number}",
        "buyer": {"first_name": "Buyer", "last_name": str(number), "email": f"buyer{number}@example.com"},
        "line_items": [{"ticket_class_id": CLASS, "quantity": quantity}],
    }


async def _buyer(sale: Sale, stage: Stage, client: httpx.AsyncClient, order: dict[str, Any]) -> None:
    """Send the order until the intake has taken it, as a shop does."""
    urls = stage.urls()
    for attempt in range(1_000):
        try:
            answer = await client.post(f"{urls[attempt % len(urls)]}/v1/orders", json=order)
        except httpx.HTTPError as error:
            sale.calls[type(error).__name__] += 1
        else:
            sale.calls[str(answer.status_code)] += 1
            if answer.status_code == 202:
                sale.accepted[answer.json()["request_id"]] = sale.now
                return
        await asyncio.sleep(0.2)
    raise AssertionError("the intake never took the order")


def _accidents(sale: Sale, stage: Stage, tell: Callable[[str], None]) -> None:
    """Kill each worker once, and restart the broker, all of it while there are tickets left."""
    plan = sale.plan
    selling = plan.seconds / 3 * plan.tickets / (plan.buyers * _EARLY_SHARE * _TICKETS_A_BUYER)
    for share, accident in ((0.2, "worker-1"), (0.45, "broker"), (0.7, "worker-2")):
        time.sleep(max(0.0, share * selling - sale.now))
        began = sale.now
        if accident == "broker":
            _restart(stage.broker)
            told = "the broker restarts"
        else:
            _kill(stage.actors[accident])
            told = f"{accident} is killed"
        sale.accidents.append((began, told))
        tell(told)


def _kill(actor: Actor) -> None:
    actor.kill()
    actor.start()
    wait_until_all_run([actor])


def _restart(broker: Any) -> None:
    assert isinstance(broker, Valkey)
    broker.stop()
    time.sleep(1)
    broker.start()


def _sample(sale: Sale, stage: Stage, over: Event) -> None:
    """Note what the intake's metrics say of the queue, each second."""
    while not over.wait(1.0):
        with suppress(httpx.HTTPError):
            lines = httpx.get(f"{stage.urls()[0]}/metrics", timeout=5).text.splitlines()
            depths = [line.split()[-1] for line in lines if line.startswith("willcall_queue_messages{")]
            total = sum(map(float, depths))
            if total == total:  # NaN while the broker is away
                sale.depths.append((sale.now, total))


def _outcomes_of(stage: Stage) -> int:
    return int(stage.primary.ask("SELECT count(*) FROM requests", "willcall")[0][0])


def _read(sale: Sale, stage: Stage, began: float) -> None:
    """Read what came of it from the tables."""
    since = f"floor(extract(epoch FROM %s) - {began})"
    query = f"SELECT {since % 'processed_at'}, status, count(*) FROM requests GROUP BY 1, 2 ORDER BY 1"
    sale.outcomes = [
        (float(at), str(status), int(n)) for at, status, n in stage.primary.ask(query, "willcall")
    ]
    query = (
        f"SELECT {since % 'o.created_at'}, sum(l.quantity) FROM orders o"
        " JOIN order_lines l ON l.order_id = o.id GROUP BY 1 ORDER BY 1"
    )
    sale.sold = [(float(at), int(n)) for at, n in stage.primary.ask(query, "willcall")]
    query = f"SELECT capacity - sold - held FROM ticket_classes WHERE external_id = '{CLASS}'"
    sale.left = int(stage.primary.ask(query, "willcall")[0][0])


def admin_key(stage: Stage) -> str:
    """Return a new key for the operator's page."""
    words = stage.run("keys", "create", "--tenant", TENANT, "--scope", "admin", "--json")
    return str(json.loads(words)["key"])
