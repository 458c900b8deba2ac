"""The Celery app: `celery -A worker.app worker`, `beat` and `flower`."""

import gc
from functools import cached_property
from typing import Any, Final

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init

from tasks.job_metrics import watch_jobs
from willcall.queues import DOCUMENTS, MAINTENANCE, OUTBOX, is_amqp, queues, transport_options
from worker.batching import BulkOrders
from worker.broker.amqp.heartbeats import HEARTBEAT_SECONDS
from worker.broker.redis.channel import use_safe_channels
from worker.relay_watch import WatchRelay
from worker.runtime.logs import set_up_logs
from worker.runtime.metrics import BREAKER_OPEN, serve_metrics
from worker.runtime.settings import get_settings
from worker.runtime.tracing import set_up_tracing
from worker.schedule import beat_schedule
from worker.watchdog import Watchdog

_ANSWER_SECONDS: Final = 4.0
"""As for those who take orders: on a half-open connection each call waits so long, one after the other."""


class App(Celery):
    """A Celery app with its own beat, whose workers do not show the arguments of tasks."""

    task_cls = "worker.quiet_tasks:QuietTask"
    amqp_cls = "worker.broker.node_amqp:NodeAMQP"

    @cached_property
    def Beat(self) -> Any:
        return self.subclass_with_self("worker.schedule:Beat")


def make_app() -> Celery:
    """Return the app, with a reason for each option that is not Celery's default."""
    settings = get_settings()
    broker_url = settings.broker()
    use_safe_channels()
    app = App("willcall", broker=broker_url, include=["tasks.orders", "tasks.relay", "tasks.maintenance"])
    app.conf.update(
        task_queues=queues(broker_url),
        task_default_queue=MAINTENANCE,
        task_routes={
            "outbox.relay": {"queue": OUTBOX},
            "outbox.sweep": {"queue": OUTBOX},
            "documents.render": {"queue": DOCUMENTS},
        },
        task_create_missing_queue_type="quorum" if is_amqp(broker_url) else "classic",
        broker_transport_options=transport_options(settings, broker_url) | _timeouts(broker_url),
        # RabbitMQ detects a lost consumer when it misses two or three heartbeats. Until then it keeps the
        # consumer's messages and its exclusive queue for commands, without which it cannot connect again.
        # The loop that sends heartbeats never waits for a task.
        broker_heartbeat=HEARTBEAT_SECONDS,
        # Results are rows: nobody reads Celery's.
        task_ignore_result=True,
        # A message is acknowledged when its work is done, and returned when its process dies.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A long reconciliation must not keep a retry waiting behind it.
        worker_prefetch_multiplier=1,
        # JSON only: unpickling a message would execute its sender's code.
        accept_content=["json"],
        # Flower needs task events.
        worker_send_task_events=True,
        # Our own logs are JSON.
        worker_hijack_root_logger=False,
        # Retry without limit when the broker is away, at start and later.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # Retry after a deleted queue or a lost permission as after a broken connection. By default Celery
        # considers it unrecoverable and ends the worker.
        broker_channel_error_retry=True,
        worker_consumer="worker.patient_consumer:PatientConsumer",
        # A task that runs while the broker is away finishes its work; its effect is a transaction.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # One process, threads: psycopg and kombu do not survive a fork, and the bulk consumer is a
        # thread next to the pool. To use more processes, start more workers.
        worker_pool="threads",
        worker_concurrency=2,
        beat_scheduler="worker.schedule:TickScheduler",
        beat_schedule=beat_schedule(settings),
        # Maximum seconds between two looks of beat at its schedule.
        beat_max_loop_interval=5,
        timezone="UTC",
    )
    app.steps["worker"].update((BulkOrders, WatchRelay, Watchdog))
    return app


def _timeouts(broker_url: str) -> dict[str, float]:
    """Return the timeouts of Celery's own calls; by default kombu and py-amqp wait without limit."""
    if not is_amqp(broker_url):
        return {"socket_timeout": _ANSWER_SECONDS}
    if broker_url.startswith("amqps"):
        return {}  # py-amqp sets them on the socket below TLS, which treats them as errors
    return {"read_timeout": _ANSWER_SECONDS, "write_timeout": _ANSWER_SECONDS}


@setup_logging.connect
def _on_setup_logging(**_: Any) -> None:
    set_up_logs(get_settings())


@worker_init.connect
def _on_worker_init(sender: Any, **_: Any) -> None:
    settings = get_settings()
    set_up_tracing(settings, "willcall-worker")
    watch_jobs(settings, sender.app.amqp.queues.consume_from)
    BREAKER_OPEN.labels("database").set(0)  # shown from the start, as alerts read it
    serve_metrics(settings.metrics_host, settings.worker_metrics_port)
    # A batch allocates a hundred thousand objects and frees them all at its end, as it makes no cycles
    # (orders/journal.py): a search for cycles finds none and costs a tenth of the time. What is loaded by
    # now is never freed.
    gc.collect()
    gc.freeze()
    gc.set_threshold(300_000, 20, 20)


@beat_init.connect
def _on_beat_init(**_: Any) -> None:
    settings = get_settings()
    serve_metrics(settings.metrics_host, settings.worker_metrics_port)


app = make_app()
