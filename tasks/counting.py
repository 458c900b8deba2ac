"""What a committed batch leaves in the metrics and in the log."""

import logging
from typing import Final

from schemas.outcomes import Outcome
from tasks.report import Report
from worker.runtime import metrics

log = logging.getLogger("tasks.orders")

LOGGED: Final = 5
"""Requests of a batch whose ids its log line shows; at the level DEBUG the others have lines of their own."""


def count_batch(report: Report, seconds: float) -> None:
    """Count a committed batch in the metrics, and log it."""
    for (kind, status, code), count in report.counts.items():
        count_outcomes(kind, status, code, count)
    for step, its_seconds in report.laps.seconds.items():
        metrics.BATCH_STEP_SECONDS.labels(step).observe(its_seconds)
    metrics.DEAD_LETTERS.inc(report.dead)
    metrics.BATCHES.inc()
    metrics.BATCH_SECONDS.observe(seconds)
    metrics.BATCH_REQUESTS.observe(len(report.outcomes))
    log.info(
        "batch committed",
        extra={
            "outcomes": report.summary,
            "seconds": round(seconds, 4),
            "requests": [_ids(outcome, report) for outcome in report.outcomes[:LOGGED]],
        },
    )
    if log.isEnabledFor(logging.DEBUG):
        for outcome in report.outcomes[LOGGED:]:
            log.debug("request processed", extra=_ids(outcome, report))


def count_outcomes(kind: str, status: str, code: str, count: int = 1) -> None:
    """Count requests of a kind with the same outcome, and the code of their rejection, if there is one."""
    metrics.REQUESTS.labels(kind, status).inc(count)
    if code:
        metrics.REJECTIONS.labels(kind, code).inc(count)


def _ids(outcome: Outcome, report: Report) -> dict[str, object]:
    """Return the fields of an outcome for logs: ids and codes, no data of the buyer."""
    ids: dict[str, object] = {
        "request_id": str(outcome.request_id),
        "order_id": outcome.order_id and str(outcome.order_id),
        "status": outcome.status,
        "codes": [rejection.code for rejection in outcome.errors],
        "call_id": report.calls.get(outcome.request_id),
    }
    if report.traces:
        ids["trace_id"] = report.traces.get(outcome.request_id)
    return ids
