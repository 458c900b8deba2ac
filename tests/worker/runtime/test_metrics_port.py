"""The port of a process's metrics."""

import logging
import socket

import pytest

from worker.runtime.metrics import serve_metrics


def test_a_port_that_is_taken_is_told_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken, caplog.at_level(logging.ERROR):
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        serve_metrics("127.0.0.1", taken.getsockname()[1])

    assert "give each process on a host its own WILLCALL_WORKER_METRICS_PORT" in caplog.text
