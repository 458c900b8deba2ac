"""One id leads through the logs: from the caller over the intake to what a worker says of the request."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import Engine

from intake.auth.keys import create_key
from tests.brokers import Broker
from tests.factories import load, make_body
from tests.intakes import serving
from tests.processes import PATIENCE_SECONDS, Process, wait_until
from tests.rabbitmq import free_port


def _told(worker: Process, message: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in worker.output().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") == message]


def test_what_a_worker_says_of_a_request_names_its_call(broker: Broker, engine: Engine) -> None:
    load(engine)
    with engine.begin() as connection:
        key = create_key(connection, "demo", ["orders.create"], datetime.now(UTC)).key
    call, other = f"call-{uuid4()}", f"call-{uuid4()}"
    worker = broker.worker()
    settings = broker.settings.model_copy(update={"intake_port": free_port()})
    with serving(settings):
        for id_, body in ((call, [make_body(), make_body()]), (other, make_body())):
            answer = httpx.post(
                f"http://127.0.0.1:{settings.intake_port}/v1/orders",
                json=body,
                headers={"authorization": f"Bearer {key}", "x-request-id": id_, "prefer": "wait=30"},
                timeout=PATIENCE_SECONDS,
            )
            assert answer.status_code in (200, 201), answer.text

    def told() -> list[str]:
        return [one["call_id"] for line in _told(worker, "batch committed") for one in line["requests"]]

    wait_until(lambda: len(told()) == 3, what="lines of three requests")
    assert sorted(told()) == sorted([call, call, other])
