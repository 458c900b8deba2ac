"""A value that kombu's JSON wraps is the text that it stands for: one request, whoever wrote it."""

import time as clock
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from kombu.utils import json as kombu_json
from sqlalchemy import Engine

from orders.steps.validate import body_hash
from schemas.requests import Request
from tasks.messages import QueueMessage, parse
from tasks.orders import TASKS, process_messages
from tests.factories import load, make_body, rows, scalar
from willcall.kinds import CREATE, UPDATE

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def _message(*bodies: Any, kind: str = CREATE, id: str = "m") -> QueueMessage:
    """Return a message as a Celery client writes it."""
    content = kombu_json.dumps([[], {"requests": list(bodies)}, {}])
    return QueueMessage(kind, id, content.encode())


def _parsed(**fields: Any) -> Request:
    (request,) = parse(_message({"tenant": "demo"} | fields)).requests
    return request


def _wrapped(type_: Any, value: Any) -> dict[str, Any]:
    return {"__type__": type_, "__value__": value}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UUID(ID), ID),
        (Decimal("45.50"), "45.50"),
        (Decimal("0.00"), "0.00"),
        (Decimal("1E+2"), "100"),
        (Decimal("100.00").normalize(), "100"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("1E+999999"), "1E+999999"),
        (Decimal("NaN"), "NaN"),
        (datetime(2027, 4, 1, 12, 15, tzinfo=UTC), "2027-04-01T12:15:00+00:00"),
        (
            datetime(2027, 4, 1, 12, 15, 0, 500, timezone(timedelta(hours=2))),
            "2027-04-01T12:15:00.000500+02:00",
        ),
        (datetime(2027, 4, 1, 12, 15), "2027-04-01T12:15:00"),  # noqa: DTZ001 - without a zone on purpose
        (date(2027, 4, 1), "2027-04-01"),
        (time(12, 15), "12:15:00"),
        (b"PO-1", "PO-1"),
        ("Zoë".encode(), "Zoë"),
    ],
)
def test_what_kombu_wraps_is_its_text(value: object, text: str) -> None:
    wrapped = _parsed(reference=value, extras={"list": [[value], {"deep": value}]})
    plain = _parsed(reference=text, extras={"list": [[text], {"deep": text}]})

    assert wrapped.body == plain.body
    assert body_hash(wrapped.body) == body_hash(plain.body)
    assert wrapped.mistakes == ()


def test_the_envelope_is_unwrapped_as_well() -> None:
    request = _parsed(tenant=b"demo", request_id=UUID(ID), by=b"till 3", dialect=b"canonical")

    assert (request.tenant, request.request_id, request.by) == ("demo", UUID(ID), "till 3")
    assert (dict(request.body), request.mistakes) == ({}, ())


def test_a_request_with_wrapped_values_is_the_same_as_one_with_text(engine: Engine) -> None:
    load(engine)
    key = UUID(ID)
    written = make_body(idempotency_key=str(key), shipping="5.00", payment_due_at="2027-04-01T12:00:00+00:00")
    wrapped = written | {
        "idempotency_key": key,
        "shipping": Decimal("5.00"),
        "payment_due_at": datetime(2027, 4, 1, 12, tzinfo=UTC),
    }

    messages = [
        _message({"tenant": "demo"} | body, id=id)
        for id, body in (("a", written), ("b", wrapped), ("c", wrapped))
    ]
    outcomes = process_messages(messages).outcomes

    assert {outcome.status for outcome in outcomes} == {"processed"}
    assert len({outcome.order_id for outcome in outcomes}) == 1
    assert rows(engine, "SELECT idempotency_key, shipping FROM orders") == [(ID, Decimal("5.00"))]


def test_an_order_is_named_by_a_wrapped_id(engine: Engine) -> None:
    load(engine)
    (created,) = process_messages([_message({"tenant": "demo"} | make_body())]).outcomes
    update = {"tenant": "demo", "order_id": created.order_id, "patch": {"shipping": Decimal("4.00")}}

    (outcome,) = process_messages([_message(update, kind=UPDATE, id="u")]).outcomes

    assert outcome.status == "processed", outcome.errors
    assert scalar(engine, "SELECT shipping FROM orders") == Decimal("4.00")


@pytest.mark.parametrize("bytes_", [b"\xff\xfe", "Zoë".encode("latin-1"), b"\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_refused_by_their_field(engine: Engine, bytes_: bytes) -> None:
    load(engine)
    body = make_body() | {"tenant": "demo"}
    body["line_items"][0]["attendees"] = [{"first_name": bytes_}]

    (outcome,) = process_messages([_message(body)]).outcomes

    assert outcome.status == "rejected"
    assert [(one.code, one.field, one.message) for one in outcome.errors] == [
        ("invalid", "line_items.0.attendees.0.first_name", "the bytes are not valid UTF-8 text")
    ]


def test_text_that_a_client_wrote_in_base64_is_text() -> None:
    assert _parsed(reference=_wrapped("base64", "UE8tMQ==")).body == {"reference": "PO-1"}


@pytest.mark.parametrize(
    "value",
    [
        _wrapped("path", "x"),
        _wrapped("set", ["x"]),
        _wrapped(None, "x"),
        _wrapped(["uuid"], "x"),
        _wrapped("uuid", ID),
        _wrapped("uuid", {"hex": "mine"}),
        _wrapped("uuid", {"hex": 7}),
        _wrapped("uuid", {"hex": ID.replace("-", ""), "version": 4}),
        _wrapped("decimal", 45.5),
        _wrapped("decimal", "much"),
        _wrapped("datetime", "tomorrow"),
        _wrapped("datetime", 7),
        _wrapped("date", None),
        _wrapped("time", "noon"),
        _wrapped("bytes", 7),
        _wrapped("base64", "no base64"),
        _wrapped("base64", "é"),
        _wrapped("decimal", "1") | {"more": 1},
        {"__type__": "decimal"},
        {"__value__": "1"},
        {},
    ],
    ids=str,
)
def test_what_only_looks_wrapped_stays_as_it_is(value: dict[str, Any]) -> None:
    request = _parsed(reference=value, extras={"acme": [value]})

    assert request.body == {"reference": value, "extras": {"acme": [value]}}
    assert request.mistakes == ()


def test_a_request_that_itself_looks_wrapped_is_a_request_with_unknown_fields(engine: Engine) -> None:
    load(engine)

    (outcome,) = process_messages([_message({"tenant": "demo"} | _wrapped("bytes", "x"))]).outcomes
    report = process_messages([_message(_wrapped("bytes", "x"), id="n")])

    assert {"__type__", "__value__"} <= {one.field for one in outcome.errors}
    assert [one.status for one in report.outcomes] == ["dead"]  # it names no tenant


@pytest.mark.parametrize("levels", [10, 240, 500, 900])
def test_a_wrapped_value_is_found_at_any_depth(engine: Engine, levels: int) -> None:
    load(engine)
    deep = b"[" * levels + b'{"__type__": "decimal", "__value__": "1.50"}' + b"]" * levels
    request = orjson.dumps({"tenant": "demo"} | make_body())[:-1] + b', "reference": ' + deep + b"}"
    message = QueueMessage(CREATE, "m", b'[[], {"requests": [' + request + b"]}, {}]")

    found = parse(message).requests[0].body["reference"]
    (outcome,) = process_messages([message]).outcomes

    for _ in range(levels):
        (found,) = found
    assert found == "1.50"
    assert [one.field for one in outcome.errors] == ["reference"]


def test_many_values_deep_inside_cost_no_more_than_many_values() -> None:
    many = b", ".join([b'[{"__type__": "base64", "__value__": "/w=="}]'] * 50_000)
    deep = b'{"a": ' + b"[" * 900 + many + b"]" * 900 + b"}"
    started = clock.monotonic()

    (request,) = parse(QueueMessage(CREATE, "m", b'[[], {"requests": [' + deep + b"]}, {}]")).requests

    assert clock.monotonic() - started < 5
    assert len(request.mistakes) == 20


def test_a_stock_celery_worker_takes_what_its_kombu_has_unwrapped(engine: Engine) -> None:
    load(engine)
    body = make_body(idempotency_key=UUID(ID), shipping=Decimal("5.00")) | {"tenant": "demo"}
    body["reference"] = b"PO-1"
    kwargs = kombu_json.loads(kombu_json.dumps({"requests": [body]}))

    TASKS[CREATE].apply(kwargs=kwargs, task_id="stock").get()

    assert rows(engine, "SELECT idempotency_key, shipping, reference FROM orders") == [
        (ID, Decimal("5.00"), "PO-1")
    ]
    text = body | {"idempotency_key": ID, "shipping": "5.00", "reference": "PO-1"}
    (again,) = process_messages([_message(text)]).outcomes
    assert again.status == "processed"
    assert scalar(engine, "SELECT count(*) FROM orders") == 1
