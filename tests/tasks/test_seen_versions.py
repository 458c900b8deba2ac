"""The version that an order had at a request's acceptance travels with the request, and not in its body."""

import json
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from orders.recovery.requests_json import request_from_json, request_json
from orders.steps.validate import body_hash
from schemas.requests import Request
from tasks.messages import QueueMessage, parse
from tasks.orders import process_messages
from tests.factories import load, place, read
from willcall.kinds import UPDATE
from willcall.packing import outgoing

BODY = {"order_id": "01890a5d-ac96-774b-bcce-b302099a8057", "patch": {"reference": "x"}}


def _message(body: dict[str, Any]) -> QueueMessage:
    content = [[], {"requests": [{"tenant": "demo"} | body]}, {}]
    return QueueMessage(UPDATE, "m", json.dumps(content).encode())


def _parsed(**fields: Any) -> Request:
    (request,) = parse(_message(BODY | fields)).requests
    return request


@pytest.mark.parametrize("version", [1, 7, 2**31 - 1])
def test_a_version_is_beside_the_body(version: int) -> None:
    request = _parsed(seen_version=version)

    assert (request.seen_version, request.mistakes) == (version, ())
    assert request.body == BODY
    assert body_hash(request.body) == body_hash(_parsed().body)


@pytest.mark.parametrize("fields", [{}, {"seen_version": None}])
def test_a_version_may_be_left_out(fields: dict[str, Any]) -> None:
    request = _parsed(**fields)

    assert (request.seen_version, request.mistakes) == (None, ())


@pytest.mark.parametrize("given", [0, -1, 2**31, 2**70, True, False, 1.0, 1.5, "1", "", [], [1], {}])
def test_what_is_no_version_is_refused(engine: Engine, given: object) -> None:
    load(engine)
    id_ = place(engine, reference="before")
    body = BODY | {"order_id": str(id_), "seen_version": given}

    (outcome,) = process_messages([_message(body)]).outcomes

    assert [(one.code, one.field) for one in outcome.errors] == [("invalid", "seen_version")]
    assert outcome.errors[0].message == "seen_version must be an integer from 1 to 2147483647"
    assert read(engine, id_)["reference"] == "before"


def test_everything_that_is_malformed_is_told_at_once() -> None:
    request = _parsed(seen_version=0, request_id="mine", dialect="acme")

    assert [one.field for one in request.mistakes][:2] == ["request_id", "seen_version"]
    assert "orderItems" in [one.field for one in request.mistakes]
    assert request.seen_version is None


@pytest.mark.parametrize("version", [None, 3])
def test_a_request_that_is_kept_keeps_its_version(version: int | None) -> None:
    request = _parsed(seen_version=version)

    kept = request_from_json(UPDATE, request_json(request))

    assert kept == request


@pytest.mark.parametrize("version", [None, 3])
def test_what_the_intake_writes_is_what_the_worker_reads(version: int | None) -> None:
    sent = outgoing(UPDATE, BODY, tenant="demo", seen_version=version)

    (request,) = parse(_message(orjson.loads(sent.json))).requests

    assert (request.request_id, request.seen_version) == (sent.request_id, version)
    assert request.body == BODY


def test_a_version_goes_with_words_in_a_dialect() -> None:
    words = {
        "id": BODY["order_id"],
        "email": "ada@example.com",
        "orderItems": [{"ticketingTypeId": "standing", "quantity": 1}],
    }
    (request,) = parse(_message(words | {"dialect": "acme", "seen_version": 3})).requests

    assert (request.seen_version, request.mistakes) == (3, ())
    assert "seen_version" not in request.body
