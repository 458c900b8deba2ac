"""What the tests of single rules do with one request at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from orders.process import process
from orders.upkeep.reconciliation import reconcile
from schemas.outcomes import Outcome
from schemas.requests import Request
from tests.factories import NOW, make_change, run


def run_at(engine: Engine, now: datetime, *requests: Request) -> Sequence[Outcome]:
    with engine.begin() as connection:
        return process(connection, requests, now=now)


def process_one(engine: Engine, kind: str, **body: Any) -> Outcome:
    (outcome,) = run(engine, make_change(kind, **body))
    return outcome


def is_consistent(engine: Engine) -> bool:
    with engine.begin() as connection:
        return reconcile(connection, now=NOW) == []


def seats_of(order: dict[str, Any]) -> list[str]:
    return [ticket["seat"] for ticket in order["tickets"] if ticket["status"] != "voided"]


def seat_wish(*labels: str) -> dict[str, Any]:
    return {"ticket_class_id": "stalls", "quantity": len(labels), "seats": list(labels)}
