"""The usual metrics: of this process, or the sums of all that share its port."""

import os
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Gauge
from prometheus_client.multiprocess import MultiProcessCollector

PROCESSES: Final = Gauge(
    "willcall_intake_processes", "Intake processes that serve this port.", multiprocess_mode="livesum"
)


def usual_metrics() -> CollectorRegistry:
    """Return what holds the metrics that are counted as things happen.

    Reading those of several processes reads their files, which takes milliseconds: not for the event loop.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry
