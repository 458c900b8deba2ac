"""The requests that follow an order do what they are counted for."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from benchmarks.loads import requests
from benchmarks.loads.orders import TENANT, make_orders
from benchmarks.running.database import Database, Stalled, prepare
from schemas.requests import ENVELOPE_FIELDS, Request
from tests.factories import rows, run, scalar
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, RELEASE, TAKE, UPDATE


@pytest.fixture
def database(engine: Engine) -> Iterator[Database]:
    """A database with the catalogue of the benchmarks and four of their orders."""
    database = Database(engine.url.render_as_string(hide_password=False))
    prepare(database)
    process(engine, CREATE, make_orders(4))
    yield database
    database.engine.dispose()


def process(engine: Engine, kind: str, bodies: Sequence[dict[str, Any]]) -> None:
    """Process requests as they travel, and see all of them processed."""
    envelopes = [
        Request(
            kind,
            UUID(body["request_id"]),
            TENANT,
            may_set_price=True,
            body={name: value for name, value in body.items() if name not in ENVELOPE_FIELDS},
        )
        for body in bodies
    ]
    assert [outcome.errors for outcome in run(engine, *envelopes)] == [()] * len(bodies)


def test_half_of_the_updates_change_the_phone_and_half_the_line(engine: Engine, database: Database) -> None:
    process(engine, UPDATE, requests.updates(database))
    changed = "SELECT count(*) FROM orders WHERE buyer_phone LIKE '+33 6%'"
    assert scalar(engine, changed) == 2
    assert sorted(rows(engine, "SELECT quantity FROM order_lines")) == [(1,), (1,), (2,), (2,)]
    assert scalar(engine, "SELECT count(*) FROM tickets WHERE attendee_email IS NOT NULL") == 6
    assert scalar(engine, "SELECT min(version) FROM orders") == 2


def test_payments_leave_no_balance(engine: Engine, database: Database) -> None:
    process(engine, PAY, requests.payments(database))
    assert scalar(engine, "SELECT count(*) FROM orders WHERE payment_status = 'paid' AND paid = total") == 4


def test_scans_use_every_ticket(engine: Engine, database: Database) -> None:
    process(engine, CHECK_IN, requests.check_ins(database))
    assert rows(engine, "SELECT status, count(*) FROM tickets GROUP BY 1") == [("checked_in", 4)]


def test_cancellations_end_every_order(engine: Engine, database: Database) -> None:
    process(engine, CANCEL, requests.cancellations(database))
    assert scalar(engine, "SELECT count(*) FROM orders WHERE status = 'cancelled'") == 4
    assert scalar(engine, "SELECT sum(sold) FROM ticket_classes") == 0


def test_every_hold_is_taken_and_released(engine: Engine, database: Database) -> None:
    process(engine, TAKE, requests.holds(database))
    assert scalar(engine, "SELECT sum(held) FROM ticket_classes") == 4
    process(engine, RELEASE, requests.releases(database))
    assert scalar(engine, "SELECT sum(held) FROM ticket_classes") == 0
    assert rows(engine, "SELECT status, count(*) FROM holds GROUP BY 1") == [("released", 4)]


def test_a_rejected_request_ends_a_measurement(engine: Engine, database: Database) -> None:
    after = database.last_request()
    bodies = requests.cancellations(database)
    process(engine, CANCEL, bodies)
    database.wait_for_requests(after, len(bodies))
    late = [body | {"patch": {"reference": "late"}} for body in requests.payments(database)]
    run(engine, *(Request(UPDATE, UUID(body["request_id"]), TENANT, True, body) for body in late))
    with pytest.raises(Stalled, match="4 of 8 requests were rejected"):
        database.wait_for_requests(after, 8)
