"""The systems that are compared: Willcall, and the same work on Celery, dramatiq and huey."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from benchmarks.loads.orders import TENANT
from benchmarks.running.crew import CELERY_READY, Bodies, System
from benchmarks.running.database import Database
from benchmarks.sizes import Sizes
from db.sealing import secret_keys
from willcall.kinds import CREATE
from willcall.messages import Message, task_message
from willcall.packing import outgoing, pack
from willcall.producer import Producer
from willcall.publishing import Publisher
from willcall.queues import is_amqp
from worker.runtime.settings import Settings

TEXTBOOK_QUEUE: Final = "textbook"
TEXTBOOK_TASK: Final = "textbook.create_order"

_GROUP: Final = 500
"""Messages that share one wait for the broker's confirms."""

# What a worker needs no time for: `willcall serve` starts its workers in the same way.
_ALONE: Final = ("--without-mingle", "--without-gossip")


def settings_of(database: Database, broker_url: str, **changes: Any) -> Settings:
    """Return Willcall's settings for these servers."""
    return Settings(**{"database_url": database.url, "broker_url": broker_url, **changes})


def environment_of(database: Database, broker_url: str) -> dict[str, str]:
    """Return the same settings for a process."""
    return {
        "WILLCALL_DATABASE_URL": database.url,
        "WILLCALL_BROKER_URL": broker_url,
        # What this process has sealed, the others open.
        "WILLCALL_SECRET_KEY": ",".join(key.hex() for key in secret_keys()),
        "WILLCALL_MAX_TICKETS": "10000",  # some runs need large orders
    }


def worker_command(name: str, queues: str = "orders,maintenance", concurrency: int = 2) -> list[str]:
    """Return the arguments of `python -m` that run one process of Willcall's workers."""
    pool = ("--pool", "threads", "--concurrency", str(concurrency))
    return ["celery", "-A", "worker.app", "worker", "-Q", queues, *pool, "--hostname", f"{name}@%h", *_ALONE]


def willcall(database: Database, broker_url: str, sizes: Sizes) -> System:
    """Return Willcall; one worker is one process."""
    settings = settings_of(database, broker_url)
    return System(
        name="willcall",
        database=database,
        commands=lambda workers: [worker_command(f"worker-{number}") for number in range(workers)],
        environment=environment_of(database, broker_url),
        publish=lambda orders, per_message: send_orders(settings, orders, per_message),
        messages=single_messages,
        broker_url=broker_url,
        ready=CELERY_READY,
        ready_words=lambda workers: workers,
        workers=sizes.our_processes,
        warm_up=2_000,
    )


def send_orders(settings: Settings, orders: Bodies, per_message: int) -> None:
    """Publish orders, 100 in a message as the producer packs them, or fewer."""
    send_requests(settings, CREATE, orders, per_message)


def send_requests(settings: Settings, kind: str, requests: Bodies, per_message: int) -> None:
    """Publish requests of one kind, 100 in a message as the producer packs them, or fewer."""
    if per_message == 100:
        with Producer(settings.broker(), settings) as producer:
            producer.send(requests, tenant=TENANT, kind=kind)
    else:
        send(settings, packed(kind, requests, per_message))


def single_messages(orders: Bodies) -> list[Message]:
    """Return the messages that the producer makes of orders which come one by one."""
    return packed(CREATE, orders, 1)


def packed(kind: str, requests: Bodies, per_message: int, tenant: str = TENANT) -> list[Message]:
    """Return the producer's messages with this many requests of one kind in each."""
    ready = (outgoing(kind, request, tenant=tenant, request_id=request["request_id"]) for request in requests)
    return pack(ready, max_requests=per_message)


def send(settings: Settings, messages: Sequence[Message]) -> None:
    """Publish messages with confirms."""
    with Publisher(settings.broker(), settings) as publisher:
        for start in range(0, len(messages), _GROUP):
            publisher.publish(messages[start : start + _GROUP])


def textbook_celery(database: Database, broker_url: str, sizes: Sizes) -> System:
    """Return the baseline; one worker is one process of the prefork pool."""
    if not is_amqp(broker_url):
        broker_url += "?virtual_host=1"
    settings = settings_of(database, broker_url)

    def command(workers: int) -> list[str]:
        pool = ("--pool", "prefork", "--concurrency", str(workers))
        app = ("celery", "-A", "benchmarks.compared.textbook_celery", "worker")
        return [*app, *pool, *_ALONE, "--without-heartbeat", "--loglevel", "WARNING"]

    return System(
        name="textbook on Celery",
        database=database,
        commands=lambda workers: [command(workers)],
        environment=_peer_environment(database, broker_url),
        publish=lambda orders, _: send(settings, textbook_messages(orders)),
        messages=textbook_messages,
        broker_url=broker_url,
        ready="the textbook's worker is ready",
        ready_words=lambda _: 1,
        workers=sizes.peer_workers,
        warm_up=60,
    )


def textbook_messages(orders: Bodies) -> list[Message]:
    """Return the baseline's messages, one an order."""
    return [
        task_message(
            TEXTBOOK_TASK, orjson.dumps({"request": order}), queue=TEXTBOOK_QUEUE, summary="…", requests=1
        )
        for order in orders
    ]


def dramatiq(database: Database, broker_url: str, sizes: Sizes) -> System:
    """Return the baseline's work on dramatiq: two processes, the workers are their threads."""
    from benchmarks.compared import textbook_dramatiq  # here: the peers are installed only to be measured

    program = ["dramatiq", "benchmarks.compared.textbook_dramatiq:set_up", "--processes", "2"]
    return System(
        name="dramatiq",
        database=database,
        commands=lambda workers: [[*program, "--threads", str(workers // 2)]],
        environment=_peer_environment(database, broker_url),
        publish=lambda orders, _: textbook_dramatiq.publish(broker_url, orders),
        broker_url=broker_url,
        ready="Worker process is ready for action.",
        ready_words=lambda _: 2,
        workers=sizes.peer_workers,
        warm_up=60,
    )


def huey(database: Database, broker_url: str, sizes: Sizes) -> System:
    """Return the baseline's work on huey; one worker is one process."""
    from benchmarks.compared import textbook_huey  # here: the peers are installed only to be measured

    url = broker_url.replace("redis+socket://", "unix://") + "?db=2"
    program = ["huey.bin.huey_consumer", "benchmarks.compared.textbook_huey.huey", "--worker-type", "process"]
    options = ["--no-periodic", "--quiet"]
    return System(
        name="huey",
        database=database,
        commands=lambda workers: [[*program, "--workers", str(workers), *options]],
        environment=_peer_environment(database, url),
        publish=lambda orders, _: textbook_huey.publish(url, orders),
        broker_url=url,
        ready="one of huey's workers is ready",
        ready_words=lambda workers: workers,
        workers=sizes.peer_workers,
        warm_up=60,
    )


def _peer_environment(database: Database, broker_url: str) -> Mapping[str, str]:
    return {"BENCHMARKS_DATABASE_URL": database.url, "BENCHMARKS_BROKER_URL": broker_url}
