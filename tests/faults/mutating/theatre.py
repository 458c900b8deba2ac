"""Plays scenes, one after the other, on one stage: a safeguard is off, faults come, the oracle is asked."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.buying.canary import Canary
from tests.faults.buying.http_producer import HttpProducer
from tests.faults.buying.producers import Market, Producer, at_work
from tests.faults.buying.queue_producer import QueueProducer
from tests.faults.checking.ledger import Ledger
from tests.faults.checking.oracle import Evidence, Finding, find
from tests.faults.checking.signatures import code_reader
from tests.faults.checking.snapshot import read_snapshot
from tests.faults.checking.tape import Tape
from tests.faults.mutating.loads import Crowd
from tests.faults.mutating.scenes import Scene
from tests.faults.running import reconciled
from tests.faults.system.actors import Actor
from tests.faults.system.catalogue import CATALOGUE
from tests.faults.system.rest import wait_for_producers, wait_for_rest
from tests.faults.system.stage import Stage, running_stage

OF_EACH: Final = {"worker": 2, "relay": 2, "beat": 1, "intake": 1}

_SETTINGS: Final = {"WILLCALL_RETRY_SECONDS": 0.5}

_PAUSE_SECONDS: Final = 0.05
_LOAD_SECONDS: Final = 0.5
"""Of load, before a fault and after it."""

# Of the catalogue, and of who may do what with it.
_KEPT: Final = (
    "alembic_version",
    "tenants",
    "tenant_aliases",
    "tenant_secrets",
    "api_keys",
    "ticket_keys",
    "events",
    "ticket_classes",
    "seats",
    "promo_codes",
)

_TABLES: Final = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


@dataclass
class Played:
    """What came of a scene."""

    rounds: int = 0
    effects: list[str] = field(default_factory=list)
    """What showed the effect of each fault."""
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def cries(self) -> set[str]:
        return {one.check for one in self.findings}


@dataclass
class Theatre:
    """A stage that is made clean for each scene."""

    stage: Stage
    _played: int = 0

    def play(
        self, scene: Scene, *, is_mutated: bool, rounds: int = 1000, seconds: float = 60.0, seed: int = 1
    ) -> Played:
        """Play rounds until the oracle cries as it should, or so many are over, or so many seconds."""
        self._played += 1
        played = Played()
        with self._prepared(scene, is_mutated=is_mutated):
            began = time.monotonic()
            evening = _Evening(self.stage, scene, f"harness.events.{self._played}", seed)
            try:
                while not played.rounds or (
                    played.rounds < rounds
                    and time.monotonic() - began < seconds
                    and not (scene.cries and scene.cries <= played.cries)
                ):
                    played.effects += evening.play_round()
                    played.rounds += 1
                    played.findings = evening.find()
            finally:
                evening.tape.stop()
        played.seconds = time.monotonic() - began
        return played

    @contextmanager
    def _prepared(self, scene: Scene, *, is_mutated: bool) -> Iterator[None]:
        stage = self.stage
        mutation = scene.mutation if is_mutated else ""
        actors = stage.of(scene.role) if mutation or scene.settings else []
        clear(stage)
        restore = [_drop(stage, *one) for one in scene.without] if is_mutated else []
        before = {actor.name: actor.variables for actor in actors}
        for actor in actors:
            _restart(actor, {**actor.variables, **scene.settings, "FAULT_MUTATION": mutation})
        stage.wait_until_ready()
        try:
            yield
        finally:
            if stage.prices:
                stage.prices.clear()
                stage.load(CATALOGUE)
            for actor in actors:
                actor.kill()
            clear(stage)
            for statement in restore:
                stage.primary.ask(statement, "willcall")
            for actor in actors:
                _restart(actor, before[actor.name])


def _restart(actor: Actor, variables: Mapping[str, object]) -> None:
    if actor.is_alive:
        actor.kill()
    actor.variables = variables
    actor.start()


class _Evening:
    """The rounds of one scene: one ledger, and one consumer of events."""

    def __init__(self, stage: Stage, scene: Scene, queue: str, seed: int) -> None:
        self._stage = stage
        self._scene = scene
        self._seed = seed
        self._round = 0
        self._ledger = Ledger()
        self._make_life = scene.load()
        self.tape = Tape(stage.broker_url, queue)
        self.tape.start()

    def play_round(self) -> list[str]:
        """Inject the faults under load, and let the system come to rest; return what showed their effects."""
        self._round += 1
        rng = Random(f"{self._seed} {self._scene.name} {self._round}")
        market = Market(self._stage.urls(), self._stage.key, self._ledger, _PAUSE_SECONDS, self._make_life)
        producers = self._producers(market, rng)
        effects = []
        with at_work(producers):
            if self._round == 1:
                assert Canary(market, rng, self.tape).recovery_seconds() is not None, "nothing works"
            for kind in self._scene.faults:
                time.sleep(_LOAD_SECONDS)
                with kind.inject(self._stage, rng) as effect:
                    time.sleep(rng.uniform(*kind.lasts))
                effects.append(effect)
                time.sleep(_LOAD_SECONDS)
            wait_for_producers(self._stage, producers, self._ledger)
        wait_for_rest(self._stage, self._has_heard_all, lambda: len(self.tape.heard))
        return effects

    def _producers(self, market: Market, rng: Random) -> list[Producer]:
        name = f"of round {self._round}"
        url = self._stage.broker_url
        if self._scene.is_crowd:
            return [Crowd(f"crowd-{number} {name}", market, Random(rng.random()), url) for number in range(4)]
        over_http: list[Producer] = [
            HttpProducer(f"http-{number} {name}", market, Random(rng.random())) for number in range(4)
        ]
        on_the_queue = [
            QueueProducer(f"queue-{number} {name}", market, Random(rng.random()), url) for number in range(3)
        ]
        return over_http + on_the_queue

    def _has_heard_all(self) -> bool:
        with self._stage.engine() as engine:
            events = read_snapshot(engine).events
        heard = {(one.subject, one.sequence) for one in list(self.tape.heard)}
        return all((subject, number) in heard for subject, numbers in events.items() for number in numbers)

    def find(self) -> list[Finding]:
        """Return what the oracle finds by now."""
        stage = self._stage
        with stage.engine() as engine:
            evidence = Evidence(
                list(self._ledger),
                list(self.tape.heard),
                read_snapshot(engine),
                code_reader(engine),
                # What the program finds itself is not what the oracle has to find.
                () if self._scene.cries else reconciled(stage),
                stage.prices,
            )
        return find(evidence)


@contextmanager
def open_theatre(broker: str, folder: Path) -> Iterator[Theatre]:
    """Run a stage for scenes."""
    with running_stage(broker, folder, OF_EACH, **_SETTINGS) as stage:
        yield Theatre(stage)


def clear(stage: Stage) -> None:
    """Take everything out of the tables but what is on sale and who sells it."""
    names = [name for (name,) in stage.primary.ask(_TABLES, "willcall") if name not in _KEPT]
    deletions = "; ".join(f"DELETE FROM {name}" for name in sorted(names))
    stage.primary.ask(
        "SET session_replication_role = replica;"  # in any order: no foreign key is looked at
        f"{deletions};"
        "UPDATE ticket_classes SET sold = 0, held = 0;"
        "UPDATE seats SET is_taken = false, hold_id = NULL WHERE is_taken OR hold_id IS NOT NULL;"
        "UPDATE promo_codes SET used = 0",
        "willcall",
    )


def _drop(stage: Stage, table: str, name: str) -> str:
    """Drop a constraint or a unique index; return the statements that make it anew.

    An index of the same name, that is not unique, takes its place: workers refuse a database that lacks one.
    """
    constraint = stage.primary.ask(
        f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{name}'", "willcall"
    )
    index = stage.primary.ask(f"SELECT indexdef FROM pg_indexes WHERE indexname = '{name}'", "willcall")
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {name}" if constraint else f"DROP INDEX {name}"
    anew = f"ALTER TABLE {table} ADD CONSTRAINT {name} {constraint[0][0]}" if constraint else index[0][0]
    if not index:
        stage.primary.ask(drop, "willcall")
        return str(anew)
    stage.primary.ask(f"{drop}; {index[0][0].replace('UNIQUE ', '', 1)}", "willcall")
    return f"DROP INDEX {name}; {anew}"
