"""What a new order is answered with, its event message, says the same as its rows, to the last byte."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import yaml
from sqlalchemy import Engine

from orders.catalogue.loading import load_catalogue
from orders.reading.outcomes import RequestRow, find_requests
from orders.reading.snapshots import Needs, Wanted, read_snapshot
from schemas.catalogue import Catalogue
from tests.factories import make_change, make_request, run
from tests.intakes import Intake
from tests.messages.record_orders import CATALOGUE, ORDERS
from willcall.kinds import UPDATE

LINE: Final = {"ticket_class_id": "standing", "quantity": 2}
KINDS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "notes for all": {"external_notes": ["For all."]},
    "extras": {"extras": {"acme": {"a": [1.50, None, {"b": "\u00e9"}]}}},
    "seats": {"line_items": [{"ticket_class_id": "stalls", "quantity": 2}]},
    "payments": {"payments": [{"type": "cash", "amount": "10.00"}, {"type": "check", "amount": "1"}]},
    "an address": {"billing_address": {"line_1": "1 Street", "city": "Paris", "country": "FR"}},
    "attendees": {"line_items": [{**LINE, "attendees": [{"first_name": "Ada"}, {"first_name": "Zo\u00eb"}]}]},
    "a fraud check": {"check_fraud": True},
    "amounts": {"shipping": "4.9", "service_fee": "2.50", "additional_expense": "0.1", "discount": "3"},
}


def outcomes_of(engine: Engine, *bodies: dict[str, Any], tenant: str = "demo") -> list[RequestRow]:
    requests = [make_request(body, tenant=tenant) for body in bodies]
    run(engine, *requests)
    with engine.connect() as connection:
        found = find_requests(connection, [one.request_id for one in requests])
    return [found[one.request_id] for one in requests if found[one.request_id].order_id is not None]


def body(**fields: Any) -> dict[str, Any]:
    return dict(make_request(**{"line_items": [LINE], **fields}).body)


def published(engine: Engine, outcomes: Sequence[RequestRow]) -> int:
    """Compare what is told of new orders with their rows; return how many were told of."""
    with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        now = datetime.now(UTC)
        new = read_snapshot(connection, [Wanted(outcomes, Needs.ORDER)], now=now)
        old = read_snapshot(connection, [Wanted(outcomes, Needs.ORDER | Needs.OLD)], now=now)
    assert len(new.orders) == len(old.orders) == len(outcomes)
    for id_, order in old.orders.items():
        assert order.published is None
        assert new.orders[id_].json() == order.json()
    return sum(one.published is not None for one in new.orders.values())


@pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS)
def test_a_new_order_is_told_as_its_rows_are(intake: Intake, fields: dict[str, Any]) -> None:
    outcomes = outcomes_of(intake.engine, body(**fields))

    assert published(intake.engine, outcomes) == 1


def test_the_recorded_orders_are_told_as_their_rows_are(intake: Intake) -> None:
    catalogue = Catalogue.model_validate(yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")))
    load_catalogue(intake.engine, catalogue, now=datetime.now(UTC))
    recorded = [json.loads(line) for line in ORDERS.read_bytes().splitlines()]
    count = shown = 0
    for start in range(0, len(recorded), 100):
        outcomes = outcomes_of(intake.engine, *recorded[start : start + 100], tenant="recorded")
        count += len(outcomes)
        shown += published(intake.engine, outcomes)

    assert count == len(recorded)
    assert shown > count / 2


def test_internal_notes_are_in_the_answer_and_not_told(intake: Intake) -> None:
    outcomes = outcomes_of(intake.engine, body(internal_notes=["Only for us."]))

    assert published(intake.engine, outcomes) == 0


def test_of_an_order_that_has_changed_the_rows_are_read(intake: Intake) -> None:
    outcomes = outcomes_of(intake.engine, body())
    run(intake.engine, make_change(UPDATE, order_id=str(outcomes[0].order_id), patch={"reference": "later"}))

    assert published(intake.engine, outcomes) == 0


def test_of_a_repeated_request_the_rows_are_read(intake: Intake) -> None:
    same = body(idempotency_key="told-and-repeated")
    outcomes = outcomes_of(intake.engine, same)
    repeated = outcomes_of(intake.engine, same)

    assert repeated[0].is_replay
    assert repeated[0].order_id == outcomes[0].order_id
    assert published(intake.engine, repeated) == 0
