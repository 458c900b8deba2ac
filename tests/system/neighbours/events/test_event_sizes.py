"""No event message is larger than its bound, whatever the request was; what is left out is named."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from sqlalchemy import Engine

from orders.outbox import FIRST, ClaimedMessage, add_messages, claim_unsent, mark_sent
from orders.process import process
from orders.rows import MessageRow
from orders.upkeep.reconciliation import reconcile
from schemas.events import LEAST_MAX_EVENT_BYTES, MAX_EVENT_BYTES
from schemas.requests import Request
from tests.factories import NOW, load, make_change, make_event, make_request, make_ticket_class, rows, scalar
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, UPDATE

WIDE: Final = "\x01"
"""A character that JSON writes with six bytes: the widest that there is."""

PEOPLE: Final = {"first_name": WIDE * 200, "last_name": WIDE * 200, "email": "ada@example.com"}
LINES: Final = [f"class-{number}-{WIDE * 50}" for number in range(100)]


def _load(engine: Engine) -> None:
    classes = [make_ticket_class(name, capacity=100_000) for name in ("standing", *LINES)]
    load(engine, make_event(ticket_classes=classes))


def _process(engine: Engine, *requests: Request, most: int = LEAST_MAX_EVENT_BYTES) -> list[UUID]:
    with engine.begin() as connection:
        outcomes = process(connection, requests, now=NOW, max_tickets=10_000, max_event_bytes=most)
    assert all(outcome.status != "dead" for outcome in outcomes), outcomes
    return [outcome.order_id or outcome.request_id for outcome in outcomes]


def _sent(engine: Engine, **changes: Any) -> list[tuple[ClaimedMessage, dict[str, Any]]]:
    """Take everything out of the outbox as the relay does; return it with what it says."""
    found = []
    with engine.begin() as connection:
        while claimed := claim_unsent(connection, after=FIRST, limit=500, **changes):
            mark_sent(connection, claimed)
            found += [(message, json.loads(message.body)) for message in claimed]
    return found


def _create(**body: Any) -> Request:
    return make_request(**body)


BUYER: Final = {**PEOPLE, "company": WIDE * 200, "phone": WIDE * 200}
ADDRESS: Final = dict.fromkeys(
    ("name", "line_1", "line_2", "city", "state", "country", "postal_code"), WIDE * 200
)

LARGE: Final[Mapping[str, Mapping[str, Any]]] = {
    "ten thousand tickets": {
        "line_items": [{"ticket_class_id": name, "quantity": 1_000} for name in LINES[:10]]
    },
    "a hundred lines": {"line_items": [{"ticket_class_id": name, "quantity": 100} for name in LINES]},
    "attendees": {
        "line_items": [{"ticket_class_id": "standing", "quantity": 1_000, "attendees": [PEOPLE] * 1_000}]
    },
    "notes": {"external_notes": [WIDE * 5_000] * 100},
    "extras": {"extras": {"acme": {"a": "x" * 65_000}}},
    "long names": {"buyer": BUYER, "billing_address": ADDRESS, "reference": WIDE * 200},
    "payments": {"payments": [{"type": "cash", "amount": "0.01"}] * 100},
    "everything": {
        "line_items": [
            {"ticket_class_id": name, "quantity": 10, "attendees": [PEOPLE] * 10} for name in LINES
        ],
        "external_notes": [WIDE * 5_000] * 100,
        "extras": {"acme": {"a": "x" * 65_000}},
        "buyer": BUYER,
        "billing_address": ADDRESS,
        "reference": WIDE * 200,
        "payments": [{"type": "cash", "amount": "0.01"}] * 100,
    },
}


@pytest.mark.parametrize("most", [LEAST_MAX_EVENT_BYTES, MAX_EVENT_BYTES])
@pytest.mark.parametrize("name", LARGE)
def test_no_event_of_an_order_is_too_large_all_its_life(name: str, most: int, engine: Engine) -> None:
    _load(engine)
    (order,) = _process(engine, _create(**LARGE[name]), most=most)
    assert scalar(engine, "SELECT count(*) FROM orders") == 1
    ticket = scalar(engine, "SELECT id FROM tickets ORDER BY id LIMIT 1")
    changes = [
        make_change(UPDATE, order_id=str(order), patch={"reference": "other"}),
        make_change(PAY, order_id=str(order), type="cash", amount="0.01", reference=WIDE * 200),
        make_change(CHECK_IN, ticket_id=str(ticket)),
        make_change(CHECK_IN, ticket_id=str(ticket), undo=True),
        make_change(UPDATE, order_id=str(order), patch={"idempotency_key": "no"}),
        make_change(CANCEL, order_id=str(order), ticket_ids=[str(ticket)], reason=WIDE * 5_000),
    ]
    for change in changes:
        _process(engine, change, most=most)

    stored = scalar(engine, "SELECT max(octet_length(data::text)) FROM event_messages")
    sizes = rows(
        engine,
        "SELECT count(*) FROM outbox JOIN event_messages m USING (subject, sequence) "
        "WHERE bytes <> octet_length(m.data::text)",
    )
    sent = _sent(engine, max_event_bytes=most)

    assert stored <= most
    assert sizes == [(0,)]
    types = {event["type"] for _, event in sent}
    assert {"order.confirmed", "order.updated", "order.rejected", "payment.recorded"} <= types
    for message, event in sent:
        assert len(message.body) <= most, event["type"]
        _check_envelope(message, event)


def _check_envelope(message: ClaimedMessage, event: dict[str, Any]) -> None:
    """The message says where the rest is if it leaves something out, and only then."""
    read = from_http_event(HTTPMessage({"content-type": "application/cloudevents+json"}, message.body))
    left_out = event["data"].get("left_out", [])
    assert bool(left_out) == ("dataref" in event)
    for path in left_out:
        assert path.partition(".")[2] or path not in event["data"]
    if left_out and event["type"].startswith("order.") and event["type"] != "order.rejected":
        assert read.get_extension("dataref") == f"/v1/orders/{message.subject}"
        assert event["data"]["totals"]["total"]
        assert event["data"]["id"] == str(message.subject)


def test_an_order_with_too_many_tickets_is_told_with_their_counts(engine: Engine) -> None:
    _load(engine)
    (order,) = _process(engine, _create(**LARGE["ten thousand tickets"]), most=MAX_EVENT_BYTES)

    [(_, event)] = _sent(engine, public_url="https://tickets.example.com/")

    data = event["data"]
    assert data["left_out"] == ["tickets", "line_items.attendees"]
    assert data["check_in"] == {"status": "not_checked_in", "checked_in": 0, "tickets": 10_000}
    counts = {"valid": 1_000, "checked_in": 0, "voided": 0, "issued": 1_000}
    assert data["ticket_counts"] == dict.fromkeys(LINES[:10], counts)
    assert [line["quantity"] for line in data["line_items"]] == [1_000] * 10
    assert event["dataref"] == f"https://tickets.example.com/v1/orders/{order}"


def test_an_ordinary_order_is_told_whole(engine: Engine) -> None:
    _load(engine)
    _process(engine, _create(line_items=[{"ticket_class_id": "standing", "quantity": 1_000}]), most=2**20)

    [(_, event)] = _sent(engine)

    assert len(event["data"]["tickets"]) == 1_000
    assert "left_out" not in event["data"]
    assert "dataref" not in event


def test_reconciliation_finds_nothing_wrong_with_what_is_told_in_counts(engine: Engine) -> None:
    _load(engine)
    orders = _process(engine, *(_create(**body) for body in LARGE.values()))
    for order in orders:
        _process(engine, make_change(UPDATE, order_id=str(order), patch={"reference": "other"}))
    _sent(engine)

    with engine.begin() as connection:
        assert reconcile(connection, now=NOW) == []
        connection.exec_driver_sql(
            "UPDATE tickets SET code = NULL WHERE id = (SELECT min(id::text)::uuid FROM tickets)"
        )
        found = reconcile(connection, now=NOW)
    assert [one.rule for one in found] == ["ticket_without_code"]


def test_a_rejection_with_endless_sentences_is_told_with_their_beginnings(engine: Engine) -> None:
    _load(engine)
    errors = [{"code": "invalid", "field": "a" * 64, "message": WIDE * 20_000}] * 20
    _add(engine, "order.rejected", {"request_id": str(uuid4()), "kind": CREATE, "errors": errors})

    [(message, event)] = _sent(engine, max_event_bytes=LEAST_MAX_EVENT_BYTES)

    assert len(message.body) <= LEAST_MAX_EVENT_BYTES
    assert event["data"]["left_out"] == ["errors.message"]
    assert [error["code"] for error in event["data"]["errors"]] == ["invalid"] * 20
    assert event["dataref"] == f"/v1/requests/{message.subject}"


def test_whatever_else_is_large_leaves_that_out(engine: Engine) -> None:
    _load(engine)
    _add(engine, "reconciliation.discrepancy_found", {"rule": "some_rule", "detail": WIDE * 1_000_000})

    [(message, event)] = _sent(engine)

    assert len(message.body) <= MAX_EVENT_BYTES
    assert event["data"] == {"left_out": ["detail"], "rule": "some_rule"}


def test_what_was_stored_when_larger_ones_were_allowed_is_sent_shorter(engine: Engine) -> None:
    _load(engine)
    _process(engine, _create(**LARGE["attendees"]), most=2**30)
    assert scalar(engine, "SELECT bytes FROM outbox") > MAX_EVENT_BYTES

    [(message, event)] = _sent(engine)

    assert len(message.body) <= MAX_EVENT_BYTES
    assert event["data"]["left_out"] == ["tickets", "line_items.attendees"]


def _add(engine: Engine, type_: str, data: dict[str, Any], count: int = 1) -> None:
    tenant = str(scalar(engine, "SELECT id FROM tenants"))
    text = orjson.dumps(data).decode()
    with engine.begin() as connection:
        messages = [MessageRow(str(uuid4()), 1, tenant, type_, text, datetime.now(UTC)) for _ in range(count)]
        add_messages(connection, messages)


def test_a_group_is_bounded_in_bytes_and_the_largest_one_comes_alone(engine: Engine) -> None:
    _load(engine)
    _add(engine, "order.updated", {"text": "x" * 100_000}, 30)
    _add(engine, "order.updated", {"text": "x" * 900_000}, 3)
    _add(engine, "order.updated", {}, 100)

    groups = []
    with engine.begin() as connection:
        while claimed := claim_unsent(connection, after=FIRST, limit=50, max_bytes=500_000):
            groups.append([len(message.body) for message in claimed])
            mark_sent(connection, claimed)

    assert sum(map(len, groups)) == 133
    for group in groups:
        assert len(group) <= 50
        assert sum(group) <= 500_000 + 1_000 * len(group) or len(group) == 1
