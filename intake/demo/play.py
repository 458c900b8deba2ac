"""The demo run: sends sample requests through the real queue, and collects their outcomes."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine

from db.engine import make_engine
from db.migrate import upgrade
from intake.cli.catalogue_files import read_catalogue
from intake.cli.failures import CommandFailed
from intake.cli.order_in_dialect import in_dialect, renderer_of
from intake.cli.outcomes import find_outcomes
from intake.cli.processes.servers import server_urls, servers
from intake.cli.processes.supervisor import Child, Supervisor, willcall
from intake.demo.dialects import Spoken, speak
from intake.demo.life import EVENTS, Scene, live
from intake.demo.listening import Listener
from intake.demo.sample import TENANT, Sample, catalogue_text, samples
from orders.catalogue.load_tenants import public_keys
from orders.catalogue.loading import load_catalogue
from orders.reading.order_reading import get_order
from orders.render import to_json
from schemas.json import JsonObject
from willcall.producer import Producer
from willcall.ticket_codes import verify_ticket
from worker.runtime.settings import Settings

_PATIENCE_SECONDS: Final = 60.0
_LINES_KEPT: Final = 200
_LINES_TOLD: Final = 12

Step = Callable[[str], None]
"""Called with each step when it begins."""


@dataclass(slots=True)
class Played:
    """The outcomes of the sample requests, in order, and the duration of each step."""

    run: str
    """The beginning of all idempotency keys."""
    samples: Sequence[Sample]
    request_ids: list[UUID] = field(default_factory=list)
    outcomes: dict[UUID, JsonObject] = field(default_factory=dict)
    orders: dict[UUID, JsonObject] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    verified_code: str | None = None
    life: list[Scene] = field(default_factory=list)
    life_events: list[dict[str, Any]] = field(default_factory=list)
    dialects: list[Spoken] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str, step: Step) -> Iterator[None]:
        """Measure a step."""
        step(name)
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - started, 3)


def play(step: Step) -> Played:
    """Start everything, play the samples, stop everything."""
    run = f"demo-{time.time_ns():x}"
    played = Played(run, samples(run))
    with ExitStack() as stack:
        with played.timed("start the database and the broker", step):
            settings = stack.enter_context(servers(database=True, broker=True))
        engine = make_engine(settings.database(), pool_size=2)
        stack.callback(engine.dispose)
        with played.timed("bring the schema up to date", step):
            upgrade(engine)
        with played.timed("load the catalogue", step):
            catalogue = read_catalogue("the sample catalogue", catalogue_text())
            load_catalogue(engine, catalogue, now=datetime.now(UTC))
        _play(settings, engine, played, step)
        step("stop the database and the broker")
    return played


def _play(settings: Settings, engine: Engine, played: Played, step: Step) -> None:
    crew = _Crew(settings)
    try:
        with Listener(settings) as listener:
            with played.timed("start a worker and a relay", step):
                crew.start()
            with played.timed("send the requests", step), Producer(settings.broker(), settings) as producer:
                requests = [sample.request for sample in played.samples]
                played.request_ids = producer.send(requests, tenant=TENANT)
            with played.timed("wait for their outcomes", step):
                crew.wait_until(lambda: _has_outcomes(engine, played))
            _read_orders(engine, played)
            with (
                played.timed("walk through an order's life", step),
                Producer(settings.broker(), settings) as producer,
            ):
                played.life = list(_live(engine, played.run, producer, crew))
            with played.timed("speak the dialects", step), Producer(settings.broker(), settings) as producer:
                played.dialects = list(_speak(engine, played.run, producer, crew))
            with played.timed("receive the event messages", step):
                subjects = {str(id_) for id_ in [*played.orders, *played.request_ids]}
                expected = len(played.orders) + len(
                    [outcome for outcome in played.outcomes.values() if outcome["status"] == "rejected"]
                )
                crew.wait_until(lambda: len(listener.of(subjects)) >= expected, is_required=False)
                life = {str(scene.outcome["order_id"]) for scene in played.life}
                crew.wait_until(lambda: len(listener.of(life)) >= len(EVENTS), is_required=False)
            with played.timed("stop the worker and the relay", step):
                crew.stop()
            played.events = listener.of(subjects)  # those too that came although none was due
            played.life_events = sorted(listener.of(life), key=lambda one: int(one["sequence"]))
    finally:
        crew.stop()


def _has_outcomes(engine: Engine, played: Played) -> bool:
    with engine.connect() as connection:
        played.outcomes = find_outcomes(connection, played.request_ids)
    return len(played.outcomes) == len(played.request_ids)


def _read_orders(engine: Engine, played: Played) -> None:
    with engine.connect() as connection:
        for id_ in played.request_ids:
            order_id = played.outcomes[id_]["order_id"]
            if order_id is not None and order_id not in played.orders:
                order = get_order(connection, order_id)
                if order is not None:
                    played.orders[order_id] = order
        tickets = [ticket for order in played.orders.values() for ticket in order["tickets"]]
        if tickets:
            verify_ticket(tickets[0]["code"], public_keys(connection))
            played.verified_code = tickets[0]["code"]


def _live(engine: Engine, run: str, producer: Producer, crew: "_Crew") -> Iterator[Scene]:
    def send(kind: str, body: JsonObject) -> UUID:
        return producer.send([body], tenant=TENANT, kind=kind)[0]

    def read(order_id: UUID) -> JsonObject:
        return _read(engine, order_id)

    return live(run, send, _waiting(engine, crew), read)


def _speak(engine: Engine, run: str, producer: Producer, crew: "_Crew") -> Iterator[Spoken]:
    def send(dialect: str, body: JsonObject) -> UUID:
        return producer.send([body], tenant=TENANT, dialect=dialect)[0]

    def show(order_id: UUID, dialect: str) -> bytes:
        render = renderer_of(dialect)
        assert render is not None  # noqa: S101 - the samples name dialects
        with engine.connect() as connection:
            shown = in_dialect(connection, _read(engine, order_id), render)
        return to_json(shown)

    return speak(run, send, _waiting(engine, crew), show)


def _waiting(engine: Engine, crew: "_Crew") -> Callable[[UUID], JsonObject]:
    """Return a function that waits for the outcome of a request."""

    def wait(request_id: UUID) -> JsonObject:
        found: dict[UUID, JsonObject] = {}

        def is_there() -> bool:
            with engine.connect() as connection:
                found.update(find_outcomes(connection, [request_id]))
            return request_id in found

        crew.wait_until(is_there)
        return found[request_id]

    return wait


def _read(engine: Engine, order_id: UUID) -> JsonObject:
    with engine.connect() as connection:
        order = get_order(connection, order_id)
    if order is None:
        raise CommandFailed(f"the order {order_id} does not exist")
    return order


class _Crew:
    """A worker and a relay, as `willcall serve` runs them; their last output is kept for a failure."""

    def __init__(self, settings: Settings) -> None:
        urls = {
            **server_urls(settings),
            "WILLCALL_WORKER_PROCESSES": "1",
            "WILLCALL_WORKER_METRICS_PORT": "0",
        }
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._supervisor = Supervisor(
            [Child(name, willcall("serve", name), urls) for name in ("worker", "relay")],
            lambda name, line: self._said.append(f"{name}: {line}"),
        )

    def start(self) -> None:
        """Start both."""
        self._supervisor.start()

    def wait_until(self, is_done: Callable[[], bool], *, is_required: bool = True) -> None:
        """Return when it is done, or after a while if it is not required; fail if one of us died."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_done():
            dead = [child.name for child in self._supervisor.children if not child.is_running]
            if dead:
                raise CommandFailed(self._last_words(f"the {dead[0]} ended"))
            if time.monotonic() > deadline:
                if not is_required:
                    return
                raise CommandFailed(self._last_words(f"there was no outcome within {_PATIENCE_SECONDS:g} s"))
            time.sleep(0.05)

    def _last_words(self, what: str) -> str:
        return "\n".join([f"{what}; the last output of worker and relay:", *list(self._said)[-_LINES_TOLD:]])

    def stop(self) -> None:
        """Stop both; calling it again does nothing."""
        self._supervisor.stop()
