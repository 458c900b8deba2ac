"""The checks of `willcall doctor`: each is a name and a sentence, good or bad."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import redis
from kombu import Connection as BrokerConnection
from sqlalchemy import Connection, func, select

from db.bulk import driver_connection
from db.engine import make_engine
from db.health import read_only, schema_difference
from db.pooler import is_through_pooler
from db.revisions import newest_revision
from db.sealed_rows import count_unreadable
from db.sealing import SecretsUnreadable
from db.tables import dead_letters
from intake.cli.checks.certificate_checks import check_certificates
from intake.cli.checks.clock_checks import check_broker_clock, check_database_clock
from intake.cli.checks.node_checks import check_nodes
from intake.cli.checks.standby_checks import check_standby
from intake.cli.checks.system_checks import check_system
from intake.cli.checks.work_checks import check_work
from intake.cli.failures import sentence_of
from intake.cli.output import counted
from intake.monitoring.workers import ask_workers
from intake.reads.pools import open_pools
from orders.outbox import unsent
from orders.recovery.event_letters import EVENT_MESSAGE
from willcall.connections import open_connection
from willcall.queues import DOCUMENTS, ORDERS, OUTBOX, is_amqp
from worker.broker.depths import depth_of, depth_of_orders
from worker.broker.safety import Finding, check_broker
from worker.runtime.secret_key import SecretKeyUnusable
from worker.runtime.settings import Settings

_OLDEST_POSTGRES: Final = 14

_MOST_LAG_SECONDS: Final = 60.0
"""Maximum age of the oldest unsent event message. A relay is woken at once, and sweeps every few seconds."""

_RELAY_ADVICE: Final = (
    "no relay makes progress. Start one (`willcall up`, or `willcall serve relay`); "
    "the log of a running relay says why it waits"
)

_PING_SECONDS: Final = 2.0

_BROKER_SECONDS: Final = 5.0


def run_checks(settings: Settings) -> list[Finding]:
    """Run all checks; an unreachable server is one bad finding, and checks that depend on it are left out."""
    return [
        _settings(settings),
        *check_system(settings),
        *run_database_checks(settings),
        *run_broker_checks(settings),
        *check_certificates(settings),
    ]


def run_database_checks(settings: Settings) -> list[Finding]:
    """Run the checks of the database, and of the standby that serves lists."""
    return list(_guarded("database", _database(settings)))


def run_broker_checks(settings: Settings) -> list[Finding]:
    """Run the checks of the broker."""
    return list(_guarded("broker", _broker(settings)))


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
    engine = make_engine(settings.database(), pool_size=2)
    try:
        with engine.connect() as connection:
            pooler = is_through_pooler(driver_connection(connection))
            yield Finding("database", True, "it answers" + (", through a pooler" if pooler else ""))
            yield _postgres_version(connection)
            yield check_database_clock(connection)
            yield _writable(connection)
            yield _connections(connection, settings)
            yield from check_standby(settings, engine)
            schema = _schema(connection)
            yield schema
            if schema.is_ok:
                yield _secrets(connection)
                yield _outbox(connection)
                yield _refused_events(connection)
                yield from check_work(connection, settings)
    finally:
        engine.dispose()


def _postgres_version(connection: Connection) -> Finding:
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    major, minor = divmod(number, 10_000)
    is_ok = major >= _OLDEST_POSTGRES
    advice = "" if is_ok else f"; {_OLDEST_POSTGRES} or later is needed: `pg_upgrade`"
    return Finding("PostgreSQL version", is_ok, f"it is {major}.{minor}{advice}")


def _connections(connection: Connection, settings: Settings) -> Finding:
    allowed, reserved = (
        int(connection.exec_driver_sql(f"SHOW {name}").scalar_one())
        for name in ("max_connections", "superuser_reserved_connections")
    )
    pools = open_pools(settings.database())
    most = settings.intake_processes * pools.most_connections
    pools.close()
    sentence = f"the server allows {allowed - reserved}; an intake with these settings opens up to {most}"
    if most <= allowed - reserved or is_through_pooler(driver_connection(connection)):
        return Finding("connections", True, sentence)
    advice = "raise the server's max_connections, lower WILLCALL_INTAKE_PROCESSES, or use a pooler"
    return Finding("connections", False, f"{sentence}: {advice}")


def _schema(connection: Connection) -> Finding:
    trouble = schema_difference(connection)
    return Finding("schema", trouble is None, trouble or f"it is {newest_revision()}, the newest")


def _secrets(connection: Connection) -> Finding:
    try:
        shut, count = count_unreadable(connection)
    except SecretKeyUnusable as error:
        return Finding("secrets", False, str(error))
    sentence = f"of {counted(count, 'secret')} {shut} cannot be decrypted: {SecretsUnreadable()}"
    return Finding("secrets", not shut, sentence if shut else "the secret key decrypts them")


def _writable(connection: Connection) -> Finding:
    trouble = read_only(connection)
    return Finding("writing", trouble is None, trouble or "it accepts writes")


def _outbox(connection: Connection) -> Finding:
    found = unsent(connection)
    if not found.count:
        return Finding("outbox", True, "every event message is sent")
    is_ok = found.age_seconds <= _MOST_LAG_SECONDS
    advice = "" if is_ok else f": {_RELAY_ADVICE}"
    message = f"unsent: {counted(found.count, 'event message')}, the oldest for {found.age_seconds:.0f} s"
    return Finding("outbox", is_ok, message + advice)


def _refused_events(connection: Connection) -> Finding:
    query = select(func.count()).select_from(dead_letters).where(dead_letters.c.kind == EVENT_MESSAGE)
    count = connection.execute(query).scalar_one()
    if not count:
        return Finding("refused event messages", True, "none is a dead letter")
    message = f"the broker refused {counted(count, 'event message')}: see `willcall dead-letters list`"
    return Finding("refused event messages", False, message)


def _broker(settings: Settings) -> Iterator[Finding]:
    url = settings.broker()
    yield from check_nodes(settings)  # First: they may explain why the broker does not answer.
    with open_connection(url, settings, seconds=_BROKER_SECONDS) as connection:
        yield Finding("broker", True, f"{_broker_version(connection)} answers")
        yield check_broker_clock(connection)
        orders = sum(depth_of_orders(connection).values())
        for queue, waiting in ((ORDERS, orders), (OUTBOX, depth_of(connection, OUTBOX).waiting)):
            yield Finding(f"queue {queue}", True, f"waiting: {counted(waiting, 'message')}")
        yield from check_broker(connection)  # after the queues, as it sends a message itself
        answers = _ask_workers(connection)
        yield _workers(answers)
        yield _breaker(answers)
        yield _documents(answers)


def _broker_version(connection: BrokerConnection) -> str:
    if is_amqp(connection.as_uri()):
        return f"RabbitMQ {connection.connection.server_properties.get('version', '')}".rstrip()
    try:
        server = connection.default_channel.client.info("server")
    except redis.ResponseError:  # a user without permission to ask
        return "Redis or Valkey"
    if "valkey_version" in server:
        return f"Valkey {server['valkey_version']}"
    return f"Redis {server.get('redis_version', '')}".rstrip()


def _ask_workers(connection: BrokerConnection) -> dict[str, dict[str, Any]]:
    """Return the report of each running worker, by its name."""
    answers: dict[str, dict[str, Any]] = {}

    def ask() -> None:
        with suppress(Exception):  # the broker may be gone by now
            answers.update(ask_workers(connection, _PING_SECONDS))

    # In a thread of its own, which is not joined: with a silent broker, Celery retries the send forever.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PING_SECONDS + _BROKER_SECONDS)
    return dict(answers)


def _workers(answers: Mapping[str, Mapping[str, Any]]) -> Finding:
    troubles = {name: answer["trouble"] for name, answer in answers.items()}
    if not troubles:
        return Finding(
            "workers", False, "none answers: run `willcall up`, or `willcall serve worker` and `relay`"
        )
    waiting = "; ".join(f"{name} waits: {trouble}" for name, trouble in sorted(troubles.items()) if trouble)
    answering = f"{len(troubles)} answer: {', '.join(sorted(troubles))}"
    return Finding("workers", not waiting, waiting or answering)


def _breaker(answers: Mapping[str, Mapping[str, Any]]) -> Finding:
    waiting = sorted(name for name, answer in answers.items() if answer["trouble"])
    if not waiting:
        return Finding("breaker", True, "no answering worker waits for the database")
    advice = "fix what `workers` reports; work in hand is retried automatically"
    return Finding("breaker", False, f"open in {', '.join(waiting)}: {advice}")


def _documents(answers: Mapping[str, Mapping[str, Any]]) -> Finding:
    # A worker of the previous version does not report its queues.
    makers = sorted(name for name, answer in answers.items() if DOCUMENTS in answer.get("queues", ()))
    if not makers:
        advice = "run `willcall up`, or `willcall serve documents`"
        return Finding("documents", False, f"no process renders PDFs: {advice}")
    return Finding("documents", True, f"rendered by {', '.join(makers)}")
