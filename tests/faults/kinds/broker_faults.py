"""Brokers that die, stand still, or refuse."""

from collections.abc import Iterator
from random import Random

from tests.faults.kinds.kind import kind, seen
from tests.faults.system.actors import gone
from tests.faults.system.stage import BROKERS, RABBITMQ, VALKEY, Stage
from tests.faults.system.valkey import Valkey
from tests.processes import is_stopped, pause, resume
from tests.rabbitmq import RabbitMQ


def _single(stage: Stage) -> Valkey | RabbitMQ:
    assert isinstance(stage.broker, Valkey | RabbitMQ)
    return stage.broker


@kind("the broker is killed", brokers=BROKERS, lasts=(0.2, 2), weight=3)
def _killed(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _single(stage)
    assert broker.process is not None
    pid = broker.process.pid
    broker.kill()
    yield seen(lambda: gone(pid), f"process {pid} of the broker is gone")
    broker.start()


@kind("the broker is restarted in good order", brokers=BROKERS, lasts=(0.0, 1.0), weight=1)
def _restarted(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _single(stage)
    assert broker.process is not None
    pid = broker.process.pid
    if isinstance(broker, Valkey):
        broker.stop()
    else:
        broker.end()
    yield seen(lambda: gone(pid), f"process {pid} of the broker has ended")
    broker.start()


def _stopped(stage: Stage, rng: Random) -> Iterator[str]:
    broker = _single(stage)
    pids = broker.pids()
    pause(*pids)
    yield seen(lambda: all(map(is_stopped, pids)), f"processes {pids} of the broker are stopped")
    resume(*pids)


kind("the broker is stopped", brokers=BROKERS, weight=3)(_stopped)
kind("the broker is stopped for longer than timeouts", brokers=BROKERS, lasts=(11, 13), weight=1)(_stopped)


@kind("the broker's memory is full", brokers=(VALKEY,), lasts=(0.5, 2))
def _full_valkey(stage: Stage, rng: Random) -> Iterator[str]:
    assert isinstance(stage.broker, Valkey)
    stage.broker.ask("CONFIG", "SET", "maxmemory", "1")
    yield seen(lambda: _refuses(stage), "the broker refuses writes: its memory is full")
    stage.broker.ask("CONFIG", "SET", "maxmemory", "0")


def _refuses(stage: Stage) -> bool:
    import redis

    assert isinstance(stage.broker, Valkey)
    try:
        stage.broker.ask("SET", "harness", "x" * 100)
    except redis.ResponseError as error:
        return "OOM" in str(error) or "maxmemory" in str(error)
    return False


@kind("the broker's memory alarm is on", brokers=(RABBITMQ,), lasts=(0.5, 2))
def _full_rabbitmq(stage: Stage, rng: Random) -> Iterator[str]:
    assert isinstance(stage.broker, RabbitMQ)
    stage.broker.ctl("set_vm_memory_high_watermark", "absolute", "1")
    try:
        yield seen(lambda: _alarms(stage) != "[]", "the broker has an alarm and blocks publishers")
    finally:
        stage.broker.ctl("set_vm_memory_high_watermark", "0.4")


def _alarms(stage: Stage) -> str:
    assert isinstance(stage.broker, RabbitMQ)
    return stage.broker.ctl("--silent", "eval", "rabbit_alarm:get_alarms().").strip()
