"""What `willcall doctor` looks at: each check is a name and a sentence, good or bad."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from celery import Celery
from kombu import Connection as BrokerConnection
from sqlalchemy import Connection, func, select

from db.engine import make_engine
from db.health import other_schema, read_only
from db.migrate import newest_revision
from db.tables import outbox
from intake.commands.failures import sentence_of
from intake.commands.output import counted
from tasks.breaker import TELL_TROUBLE
from worker.broker_safety import Finding, check_broker
from worker.depths import depth_of
from worker.queues import ORDERS, OUTBOX, is_amqp, transport_options
from worker.settings import Settings

_OLDEST_POSTGRES: Final = 14

_MOST_LAG_SECONDS: Final = 60.0
"""How old the oldest unsent event message may be; a relay is woken at once, and sweeps every few seconds."""

_PING_SECONDS: Final = 2.0


def run_checks(settings: Settings) -> list[Finding]:
    """Run all checks; what cannot be reached is one bad finding, and what depends on it is left out."""
    findings = [_settings(settings)]
    findings += _guarded("database", _database(settings))
    findings += _guarded("broker", _broker(settings))
    return findings


def _guarded(check: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    try:
        yield from findings
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        yield Finding(check, False, sentence)


def _settings(settings: Settings) -> Finding:
    database = "set" if settings.database_url else f"embedded, in {settings.home.resolve()}"
    broker = "set" if settings.broker_url else f"embedded, in {settings.home.resolve()}"
    return Finding("settings", True, f"they are valid; database: {database}; broker: {broker}")


def _database(settings: Settings) -> Iterator[Finding]:
    engine = make_engine(settings.database(), pool_size=1)
    try:
        with engine.connect() as connection:
            yield Finding("database", True, "it answers")
            yield _postgres_version(connection)
            yield _writable(connection)
            schema = _schema(connection)
            yield schema
            if schema.is_ok:
                yield _outbox(connection)
    finally:
        engine.dispose()


def _postgres_version(connection: Connection) -> Finding:
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    is_ok = number >= _OLDEST_POSTGRES
    advice = "" if is_ok else f"; {_OLDEST_POSTGRES} or later is needed"
    return Finding("PostgreSQL version", is_ok, f"it is {number}{advice}")


def _schema(connection: Connection) -> Finding:
    trouble = other_schema(connection)
    return Finding("schema", trouble is None, trouble or f"it is {newest_revision()}, the newest")


def _writable(connection: Connection) -> Finding:
    trouble = read_only(connection)
    return Finding("writing", trouble is None, trouble or "it takes changes")


def _outbox(connection: Connection) -> Finding:
    query = select(func.count(), func.min(outbox.c.created_at))
    count, oldest = connection.execute(query).one()
    if not count:
        return Finding("outbox", True, "every event message is sent")
    lag = (datetime.now(UTC) - oldest).total_seconds()
    is_ok = lag <= _MOST_LAG_SECONDS
    advice = "" if is_ok else ": is a relay running? `willcall up`, or `willcall serve relay`"
    return Finding(
        "outbox", is_ok, f"unsent: {counted(count, 'event message')}, the oldest for {lag:.0f} s{advice}"
    )


def _broker(settings: Settings) -> Iterator[Finding]:
    url = settings.broker()
    options = transport_options(settings, url)
    with BrokerConnection(url, transport_options=options, connect_timeout=5) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
        yield Finding("broker", True, f"{'RabbitMQ' if is_amqp(url) else 'Redis or Valkey'} answers")
        for queue in (ORDERS, OUTBOX):
            yield Finding(
                f"queue {queue}", True, f"waiting: {counted(depth_of(connection, queue).waiting, 'message')}"
            )
        yield from check_broker(connection)  # after them, as it sends a message itself
    yield _workers(url, options)


def _workers(url: str, options: dict[str, Any]) -> Finding:
    with Celery(broker=url, broker_transport_options=options, set_as_current=False) as app:
        answers = app.control.broadcast(TELL_TROUBLE, reply=True, timeout=_PING_SECONDS) or []
    troubles = {name: answer["trouble"] for one in answers for name, answer in one.items()}
    if not troubles:
        return Finding(
            "workers", False, "none answers: run `willcall up`, or `willcall serve worker` and `relay`"
        )
    waiting = "; ".join(f"{name} waits: {trouble}" for name, trouble in sorted(troubles.items()) if trouble)
    answering = f"{len(troubles)} answer: {', '.join(sorted(troubles))}"
    return Finding("workers", not waiting, waiting or answering)
