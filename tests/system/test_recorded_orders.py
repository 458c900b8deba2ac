"""The recorded set through the real queue: every total equal to the independent computation."""

import json
from typing import Any

import orjson
import yaml
from sqlalchemy import Engine

from orders.catalogue.loading import load_catalogue
from orders.reading.order_reading import OrderFilter, list_orders
from schemas.catalogue import Catalogue
from tests.brokers import Broker
from tests.factories import NOW, scalar
from tests.messages.expected import expected_lines, expected_totals
from tests.processes import ROOT, wait_until
from willcall.messages import task_message
from willcall.queues import ORDERS

MESSAGES = ROOT / "tests" / "messages"


def test_the_recorded_orders_cost_what_an_independent_computation_says(
    broker: Broker, engine: Engine
) -> None:
    catalogue: dict[str, Any] = yaml.safe_load((MESSAGES / "recorded_catalogue.yaml").read_text())
    lines = (MESSAGES / "recorded_orders.jsonl").read_text().splitlines()
    requests = {request["idempotency_key"]: request for request in map(json.loads, lines)}
    assert len(requests) == 830
    loadable = Catalogue.model_validate_json(json.dumps(catalogue, default=str), strict=False)
    load_catalogue(engine, loadable, now=NOW)
    broker.worker()
    bodies = [{**request, "tenant": catalogue["tenant"]} for request in requests.values()]
    broker.publisher().publish(
        [
            task_message(
                "orders.create",
                orjson.dumps({"requests": bodies[start : start + 83]}),
                queue=ORDERS,
                summary="…",
                requests=83,
            )
            for start in range(0, 830, 83)
        ]
    )
    wait_until(lambda: scalar(engine, "SELECT count(*) FROM requests") == 830, what="830 outcomes")
    assert scalar(engine, "SELECT count(*) FROM orders") == 830
    for order in _orders(engine):
        request = requests[order["idempotency_key"]]
        assert order["totals"] == expected_totals(request, catalogue)
        told = [
            {name: line[name] for name in ("unit_price", "amount", "tax", "rounding")}
            for line in order["line_items"]
        ]
        assert told == expected_lines(request, catalogue)
        assert len(order["tickets"]) == sum(item["quantity"] for item in request["line_items"])


def _orders(engine: Engine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    with engine.connect() as connection:
        while True:
            page, cursor = list_orders(connection, OrderFilter(), cursor=cursor, limit=200)
            found += page
            if cursor is None:
                return found
