"""Prometheus metrics; every process has its own counts, which the scraper adds up.

Intake processes that share a port count together; `multiprocess_mode` says how their gauges are combined.
"""

import logging
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, start_http_server

log = logging.getLogger(__name__)

REQUESTS: Final = Counter(
    "willcall_requests_total", "Requests processed, by kind and outcome.", ["kind", "outcome"]
)
REJECTIONS: Final = Counter(
    "willcall_rejections_total", "Requests rejected, by kind and by the first code of each.", ["kind", "code"]
)
RETRIES: Final = Counter(
    "willcall_retries_total",
    "Delayed requests decided again, by result; failed: delayed once more; dead: given up.",
    ["result"],
)
BATCHES: Final = Counter("willcall_batches_total", "Batches committed.")
BATCH_REQUESTS: Final = Histogram(
    "willcall_batch_requests",
    "Requests in a committed batch.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
BATCH_SECONDS: Final = Histogram(
    "willcall_batch_seconds",
    "Duration of a batch, from its first read to its commit.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BATCH_STEP_SECONDS: Final = Histogram(
    "willcall_batch_step_seconds",
    "Duration of each step of a committed batch; `load` includes the waits for locks.",
    ["step"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
BATCH_RETRIES: Final = Counter(
    "willcall_batch_retries_total", "Failed attempts at batches that the database could not take."
)
REDELIVERED: Final = Counter(
    "willcall_redelivered_messages_total", "Messages processed that the broker had delivered before."
)
SPLITS: Final = Counter("willcall_batch_splits_total", "Batches that failed and were split.")
DEAD_LETTERS: Final = Counter("willcall_dead_letters_total", "Dead letters written.")
BREAKER_OPEN: Final = Gauge(
    "willcall_breaker_open",
    "1 while this process takes no work because of this part, such as the database.",
    ["part"],
    multiprocess_mode="livemax",
)
POOL_LIMIT: Final = Gauge(
    "willcall_pool_connections_limit",
    "Connections to the database that a pool may open, by pool.",
    ["pool"],
    multiprocess_mode="livesum",
)
POOL_IN_USE: Final = Gauge(
    "willcall_pool_connections_in_use",
    "Connections of a pool in use, by pool.",
    ["pool"],
    multiprocess_mode="livesum",
)
POOL_WAITING: Final = Gauge(
    "willcall_pool_waiting",
    "Callers that wait for a connection of a pool, by pool.",
    ["pool"],
    multiprocess_mode="livesum",
)
EVENTS_SENT: Final = Counter("willcall_events_sent_total", "Event messages confirmed by the broker.")
TICKS: Final = Counter("willcall_ticks_sent_total", "Scheduled tasks that beat has sent, by task.", ["task"])
DISCREPANCIES: Final = Counter("willcall_discrepancies_total", "Discrepancies found, by rule.", ["rule"])
DOCUMENT_SECONDS: Final = Histogram(
    "willcall_document_seconds",
    "Duration of rendering a document.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
PUBLISHED: Final = Counter(
    "willcall_intake_requests_total", "Requests accepted by the intake, by result.", ["result"]
)
REFUSED: Final = Counter(
    "willcall_intake_refused_total",
    "Calls and connections that the intake refused before a route saw them, by status.",
    ["status"],
)
LIMITED: Final = Counter(
    "willcall_limited_total",
    "Calls refused because an address, a key, a tenant or all together exceeded a limit, by limit.",
    ["limit"],
)
QUEUE_MESSAGES: Final = Gauge(
    "willcall_queue_messages",
    "Messages in a queue that no worker has taken yet, read once a second; NaN: the broker does not answer.",
    ["queue"],
    multiprocess_mode="livemostrecent",
)
CALLS: Final = Counter(
    "willcall_intake_calls_total",
    "Calls answered by the intake, by method, route and status; status 0: the client had disconnected.",
    ["method", "route", "status"],
)
CALL_SECONDS: Final = Histogram(
    "willcall_intake_call_seconds",
    "Duration of a call, from its headers to the end of its answer, by method and route.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
NOT_SHOWN: Final = Counter(
    "willcall_orders_not_shown_total", "Orders left out of an answer as they could not be shown.", ["dialect"]
)

JOB_RUNS: Final = Counter(
    "willcall_job_runs_total",
    "Runs of a scheduled job that this process has ended: ok, failed, or skipped as another still ran.",
    ["task", "result"],
)
JOB_IDLE_SECONDS: Final = Gauge(
    "willcall_job_idle_seconds",
    "Seconds since this process last got a scheduled job from a beat; since its start before the first.",
    ["task"],
)
JOB_LATE_AFTER_SECONDS: Final = Gauge(
    "willcall_job_late_after_seconds", "Seconds without a run after which a scheduled job is late.", ["task"]
)

STALE_READS: Final = Counter(
    "willcall_stale_reads_total",
    "Lists read while a standby is set, by the server read, and why it was not the standby.",
    ["server", "reason"],
)
STANDBY_LAG: Final = Gauge(
    "willcall_standby_lag_seconds",
    "Maximum age of the data on the standby for reading; +Inf: it is not read; 0: none is set.",
    multiprocess_mode="livemax",
)


def serve_metrics(host: str, port: int) -> None:
    """Serve `GET /metrics` on the port, in a thread of its own; do nothing for port 0.

    If another process has the port, the log says so: orders are processed without metrics, too.
    """
    if not port:
        return
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        log.error(
            "this process has no metrics: give each process on a host its own WILLCALL_WORKER_METRICS_PORT",
            extra={"port": port, "error": str(error)},
        )
