"""A request is known by the id that its producer gave to it, or it is refused: never by another one."""

import json
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import Engine, text

from db.ids import new_id
from intake.requests.replay_letters import message_of
from orders.recovery.dead_letters import find_dead_letters
from orders.recovery.requests_json import request_from_json, request_json
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks.maintenance import retry
from tasks.messages import QueueMessage, parse
from tasks.orders import process_messages
from tests.factories import load, make_body, rows, scalar
from willcall.kinds import CREATE

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
SENTENCE = "request_id must be a UUID, as a string; leave it out to have one generated"


def _message(*bodies: dict[str, Any], id: str = "m") -> QueueMessage:
    requests = [{"tenant": "demo", **body} for body in bodies]
    return QueueMessage(CREATE, id, orjson.dumps([[], {"requests": requests}, {}]))


def _keyless(**fields: Any) -> dict[str, Any]:
    body = make_body() | fields
    del body["idempotency_key"]
    return body


def _parsed(**fields: Any) -> Request:
    (request,) = parse(_message(make_body() | fields)).requests
    return request


def _processed(*bodies: dict[str, Any]) -> list[Outcome]:
    return process_messages([_message(*bodies)]).outcomes


def _errors(outcome: Outcome) -> list[tuple[str, str | None, str]]:
    return [(one.code, one.field, one.message) for one in outcome.errors]


MALFORMED = [
    "mine",
    "",
    " ",
    f" {ID}",
    f"{ID}\n",
    ID[:-1],
    ID + "0",
    "{" + ID,
    ID + "}",
    ID.replace("-", "", 1),
    "-" * 4 + ID.replace("-", ""),
    "0x" + "1" * 30,
    "1_" * 16,
    "٠" * 32,
    "\x00",
    7,
    0,
    1.5,
    True,
    False,
    [],
    [ID],
    {},
    {"hex": ID},
]


@pytest.mark.parametrize("given", MALFORMED)
def test_an_id_that_is_no_uuid_is_refused_and_nothing_is_made(engine: Engine, given: object) -> None:
    load(engine)

    (outcome,) = _processed(make_body(request_id=given))

    assert outcome.status == "rejected"
    assert _errors(outcome) == [("invalid", "request_id", SENTENCE)]
    assert scalar(engine, "SELECT count(*) FROM orders") == 0
    # It is found under the id that a request without one would have, and told to the world.
    assert outcome.request_id == _parsed().request_id
    assert rows(engine, "SELECT status FROM requests WHERE id = :id", id=outcome.request_id) == [
        ("rejected",)
    ]
    assert rows(engine, "SELECT subject FROM outbox") == [(outcome.request_id,)]


@pytest.mark.parametrize("fields", [{}, {"request_id": None}])
def test_an_id_that_is_left_out_is_derived_from_the_message(fields: dict[str, Any]) -> None:
    first, again = (_parsed(**fields) for _ in range(2))

    assert first.request_id == again.request_id
    assert first.request_id.version == 5
    assert first.mistakes == ()


@pytest.mark.parametrize(
    "given",
    [ID, ID.upper(), "{" + ID + "}", f"urn:uuid:{ID}", f"URN:UUID:{ID.upper()}", ID.replace("-", "")],
)
def test_every_usual_form_of_a_uuid_is_the_same_id(given: str) -> None:
    request = _parsed(request_id=given)

    assert (request.request_id, request.mistakes) == (UUID(ID), ())


@pytest.mark.parametrize("given", [UUID(int=0), UUID(int=2**128 - 1), uuid4(), new_id()])
def test_every_uuid_is_an_id_also_the_ones_that_stand_for_nothing(given: UUID) -> None:
    request = _parsed(request_id=str(given))

    assert (request.request_id, request.mistakes) == (given, ())


def test_one_id_in_two_forms_is_one_request(engine: Engine) -> None:
    load(engine)
    body = _keyless()

    first, again = _processed(body | {"request_id": ID}, body | {"request_id": "{" + ID.upper() + "}"})

    assert (first.status, first.order_id) == (again.status, again.order_id)
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_one_id_with_two_bodies_in_one_message_is_a_conflict(engine: Engine) -> None:
    load(engine)

    first, other = _processed(
        _keyless(request_id=ID, reference="a"), _keyless(request_id=ID.upper(), reference="b")
    )

    assert first.status == "processed"
    assert [code for code, _, _ in _errors(other)] == ["idempotency_conflict"]
    assert rows(engine, "SELECT reference FROM orders") == [("a",)]


def test_one_id_under_two_keys_in_one_message_makes_one_order(engine: Engine) -> None:
    load(engine)

    first, other = _processed(make_body(request_id=ID), make_body(request_id=ID))

    assert first.status == "processed"
    assert other.status != "processed"
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_malformed_ids_of_one_message_are_refused_each_for_itself(engine: Engine) -> None:
    load(engine)
    bodies = [
        _keyless(request_id="mine", reference="a"),
        _keyless(request_id="mine", reference="b"),
        _keyless(),
    ]

    outcomes = _processed(*bodies)
    again = _processed(*bodies)

    assert [outcome.status for outcome in outcomes] == ["rejected", "rejected", "processed"]
    assert len({outcome.request_id for outcome in outcomes}) == 3
    assert [outcome.request_id for outcome in again] == [outcome.request_id for outcome in outcomes]
    assert scalar(engine, "SELECT count(*) FROM requests") == 3
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_the_mistakes_of_a_dialect_are_told_as_well() -> None:
    request = _parsed(request_id="mine", dialect="acme", email=5)

    assert request.mistakes[0].field == "request_id"
    assert {"email", "orderItems"} <= {one.field for one in request.mistakes}


def test_a_request_in_a_dialect_is_refused_for_its_id_alone() -> None:
    words = {"email": "ada@example.com", "orderItems": [{"ticketingTypeId": "standing", "quantity": 1}]}
    request = parse(_message(words | {"dialect": "acme", "request_id": "mine"})).requests[0]

    assert [one.field for one in request.mistakes] == ["request_id"]
    assert request.body["line_items"]


def test_a_request_that_is_kept_stays_refused() -> None:
    request = _parsed(request_id="mine", dialect="acme")

    kept = request_from_json(CREATE, request_json(request))

    assert (kept.request_id, kept.mistakes) == (request.request_id, request.mistakes)
    assert dict(kept.body) == dict(request.body)


def test_a_dead_letter_with_a_malformed_id_makes_no_order_when_it_is_replayed(engine: Engine) -> None:
    assert process_messages([_message(make_body(request_id="mine"))]).outcomes[0].status == "dead"
    load(engine)  # the tenant was missing
    with engine.begin() as connection:
        (id_,) = connection.scalars(text("SELECT id FROM dead_letters"))
        (stored,) = find_dead_letters(connection, [id_])

    (outcome,) = process_messages([QueueMessage(CREATE, "another", message_of(stored.letter).body)]).outcomes

    assert _errors(outcome) == [("invalid", "request_id", SENTENCE)]
    assert outcome.request_id == stored.letter.request_id
    assert scalar(engine, "SELECT count(*) FROM orders") == 0


def test_a_retried_request_with_a_malformed_id_stays_refused(engine: Engine) -> None:
    load(engine)
    request = _parsed(request_id="mine")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO delayed_requests"
                " (request_id, kind, request, attempts, last_error, next_attempt_at)"
                " VALUES (:id, :kind, :request, 1, '', now())"
            ),
            {"id": request.request_id, "kind": CREATE, "request": request_json(request)},
        )

    assert retry() == 1

    assert rows(engine, "SELECT id, status FROM requests") == [(request.request_id, "rejected")]


@pytest.mark.parametrize(
    "given",
    [
        5,
        "x",
        {},
        [5],
        [{"code": "invalid"}],
        [{"code": "none", "field": None, "message": "x"}],
        [{"code": "invalid", "field": "\ud800", "message": "x"}],
    ],
)
def test_mistakes_that_are_none_of_ours_are_refused_by_their_name(given: object) -> None:
    body = json.dumps([[], {"requests": [{"tenant": "demo", **make_body(), "mistakes": given}]}, {}]).encode()
    (request,) = parse(QueueMessage(CREATE, "m", body)).requests

    assert [(one.code, one.field) for one in request.mistakes] == [("invalid", "mistakes")]
