"""The page of metrics."""

from typing import Final

from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

from intake.monitoring import process_metrics
from intake.monitoring.backlog_metrics import show_backlog
from intake.monitoring.outbox_metrics import show_outbox
from intake.monitoring.sales_metrics import show_sales
from intake.requests import publish
from worker.broker.ages import show_ages
from worker.runtime import metrics

_PAGE: Final = """# Metrics

Prometheus metrics. The intake has them at `/metrics`, or on the port `WILLCALL_INTAKE_METRICS_PORT`; workers,
relay, documents and beat on the port `WILLCALL_WORKER_METRICS_PORT`. Each process has its own counts, which
the scraper adds up. [Operations](../operations.md) says what to watch, and which alerts and which dashboard
are made of them. A histogram has the series `_bucket`, `_sum` and `_count`. This page is made by
`make reference`; do not edit it.

| name | type | labels | meaning |
| --- | --- | --- | --- |
"""


def metrics_page() -> str:
    """Return the page, sorted by name."""
    rows = [(made.describe(), made._labelnames) for made in _made()]
    found = [(metric, labels) for described, labels in rows for metric in described]
    read = [*show_outbox(None), *show_backlog(None), *show_sales(None), show_ages(None)]
    found += [(metric, getattr(metric, "_labelnames", ())) for metric in read]
    return _PAGE + "".join(sorted(_row(metric, labels) for metric, labels in found))


def _made() -> list[MetricWrapperBase]:
    modules = (metrics, process_metrics, publish)
    # By identity: a module may import the metric of another.
    made = {id(one): one for module in modules for one in vars(module).values()}
    return [one for one in made.values() if isinstance(one, MetricWrapperBase)]


def _row(metric: Metric, labels: tuple[str, ...]) -> str:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    names = ", ".join(f"`{label}`" for label in labels)
    return f"| `{name}` | {metric.type} | {names} | {metric.documentation} |\n"
