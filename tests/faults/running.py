"""One run: a system under load, faults one after the other, and the oracle's word in the end."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import Engine

from tests.faults.buying.canary import Canary
from tests.faults.buying.dialect_producers import CREATING, DialectProducer, EventBookingsReader
from tests.faults.buying.http_producer import HttpProducer
from tests.faults.buying.producers import Market, Producer, at_work
from tests.faults.buying.queue_producer import QueueProducer
from tests.faults.checking.ledger import Ledger
from tests.faults.checking.oracle import Evidence, Finding, find
from tests.faults.checking.signatures import code_reader
from tests.faults.checking.snapshot import read_snapshot
from tests.faults.checking.tape import Tape
from tests.faults.kinds.all_kinds import KINDS
from tests.faults.plan import Injection, Plan
from tests.faults.system.stage import Stage, running_stage

RECOVERY_TARGET_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Injected:
    """A fault that was injected: when, what showed its effect, and how long work took to go on."""

    injection: Injection
    began: float
    ended: float
    """Seconds since the run's start."""
    effect: str
    recovery_seconds: float | None


@dataclass
class Run:
    """What is known of a run when it is over."""

    plan: Plan
    injected: list[Injected] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    without_effect: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    orders_at: list[float] = field(default_factory=list)
    """When orders were confirmed, in seconds since the run's start."""
    seconds: float = 0.0


Say = Callable[[str], object]


def run(
    plan: Plan,
    folder: Path,
    *,
    seconds: float = float("inf"),
    pause_seconds: float = 0.15,
    say: Say = lambda _: None,
    **variables: object,
) -> Run:
    """Inject the plan's faults under load, for so many seconds at most; return what the oracle found."""
    done = Run(plan)
    with running_stage(plan.broker, folder, **variables) as stage:
        began = time.monotonic()
        ledger, tape = Ledger(), Tape(stage.broker_url)
        market = Market(stage.urls(), stage.key, ledger, pause_seconds)
        stage.market, stage.tape = market, tape
        tape.start()
        try:
            closed = closing(Canary(market, Random(f"{plan.seed} canary"), tape))
            with at_work(_producers(stage, market, plan.seed)), closed as canary:
                _await_canary(canary)
                for injection in plan.injections:
                    if time.monotonic() - began > seconds:
                        break
                    _inject(stage, injection, canary, done, began, say)
            _settle(stage, ledger, tape)
        finally:
            tape.stop()
        evidence = _evidence(stage, ledger, tape)
        done.findings = find(evidence)
        done.findings += [Finding("processes_end_only_when_they_are_told", one) for one in _endings(stage)]
        done.seconds = time.monotonic() - began
        done.orders_at = [one.at - began for one in tape.heard if one.type == "order.confirmed"]
        done.failures = dict(market.failures)
        done.counts = _counts(evidence)
    return done


def _evidence(stage: Stage, ledger: Ledger, tape: Tape) -> Evidence:
    with stage.engine() as engine:
        return Evidence(
            asks=list(ledger),
            heard=tape.heard,
            snapshot=read_snapshot(engine),
            ticket_of=code_reader(engine),
            discrepancies=reconciled(stage),
            prices=stage.prices,
            poisons=ledger.poisons,
        )


def _counts(evidence: Evidence) -> dict[str, int]:
    snapshot = evidence.snapshot
    return {
        "requests": len(evidence.asks),
        "sendings": sum(ask.sendings for ask in evidence.asks),
        "orders": len(snapshot.orders),
        "tickets": sum(len(order["tickets"]) for order in snapshot.orders.values()),
        "events": sum(map(len, snapshot.events.values())),
        "events heard": len(evidence.heard),
    }


def _producers(stage: Stage, market: Market, seed: int) -> list[Producer]:
    rng = Random(f"{seed} producers")
    over_http: list[Producer] = [
        HttpProducer(f"http-{number}", market, Random(rng.random())) for number in range(3)
    ]
    on_the_queue: list[Producer] = [
        QueueProducer(f"queue-{number}", market, Random(rng.random()), stage.broker_url)
        for number in range(2)
    ]
    in_dialects: list[Producer] = [DialectProducer(name, market, Random(rng.random())) for name in CREATING]
    return [*over_http, *on_the_queue, *in_dialects, EventBookingsReader(market, Random(rng.random()))]


def _await_canary(canary: Canary) -> None:
    assert canary.recovery_seconds() is not None, "the system does not work before any fault"


def _inject(
    stage: Stage, injection: Injection, canary: Canary, done: Run, run_began: float, say: Say
) -> None:
    began = time.monotonic()
    try:
        with KINDS[injection.kind].inject(stage, Random(injection.seed)) as effect:
            time.sleep(injection.lasts_seconds)
    except AssertionError as error:
        done.without_effect.append(f"{injection.kind}: {error}")
        say(f"{injection.kind}: without effect: {error}")
        return
    ended = time.monotonic()
    recovery = canary.recovery_seconds()
    done.injected.append(Injected(injection, began - run_began, ended - run_began, effect, recovery))
    if recovery is None:
        done.findings.append(Finding("work_goes_on", f"not after {injection.kind}: {effect}"))
    took = "never" if recovery is None else f"{recovery:.2f} s"
    say(f"{ended - run_began:7.1f} s  {injection.kind}: {effect}; work went on after {took}")
    time.sleep(injection.pause_seconds)


def _settle(stage: Stage, ledger: Ledger, tape: Tape) -> None:
    """Wait until nothing is under way; what does not come in time is for the oracle to tell."""

    def is_settled(engine: Engine) -> bool:
        snapshot = read_snapshot(engine)
        heard = {(one.subject, one.sequence) for one in list(tape.heard)}
        told = {(subject, number) for subject, numbers in snapshot.events.items() for number in numbers}
        asked = {ask.key for ask in ledger if ask.is_accepted}
        return (
            not snapshot.unsent
            and not snapshot.waiting
            and told <= heard
            and asked <= snapshot.requests.keys()
        )

    deadline = time.monotonic() + _SETTLE_SECONDS
    with stage.engine() as engine:
        while not is_settled(engine) and time.monotonic() < deadline:
            time.sleep(0.5)


def reconciled(stage: Stage) -> Sequence[str]:
    """Return what `willcall reconcile` finds."""
    done = stage.try_to_run("reconcile", "--json")
    return [f"{one['rule']} {one['subject']}: {one['detail']}" for one in json.loads(done.stdout)]


def _endings(stage: Stage) -> list[str]:
    return [
        f"{actor.name} ended by itself with code {code}"
        for actor in stage.actors.values()
        for code in actor.endings.values()
    ]
