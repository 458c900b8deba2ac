"""Real event messages are as their JSON schemas say, and the AsyncAPI document is one."""

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from sqlalchemy import Engine, text

from docs.generate.pages import FOLDER
from orders.outbox import FIRST, claim_unsent
from orders.upkeep.reconciliation import reconcile
from schemas.events import ENVELOPE_BYTES, MAX_EVENT_BYTES, EventType
from tests.factories import (
    NOW,
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    place,
    read,
    run,
)
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE

TYPES = get_args(EventType)
SCHEMAS: dict[str, Any] = {name: json.loads((FOLDER / f"events/{name}.json").read_text()) for name in TYPES}
ASYNCAPI: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def sold(engine: Engine) -> Engine:
    """Return a database whose outbox has event messages of every type."""
    load(engine, make_event(), make_event("play", ticket_classes=[make_seated_class()]))
    plain = place(
        engine,
        quantity=3,
        internal_notes=["no"],
        external_notes=["yes"],
        extras={"acme": {"a": 1}},
        billing_address={"name": "Ada", "city": "Paris"},
        payments=[{"type": "cash", "amount": "1.00"}],
        check_fraud=True,
    )
    seated = place(engine, ticket_class="stalls", quantity=2, reference="PO-1")
    attendees = [{"first_name": "Ada", "last_name": "Example", "email": None}]
    lines = [{"line_number": 1, "ticket_class_id": "standing", "quantity": 2, "attendees": attendees}]
    run(engine, make_change(UPDATE, order_id=str(plain), patch={"line_items": lines}))
    more = [{"line_number": 1, "ticket_class_id": "standing", "quantity": 4}]
    run(engine, make_change(UPDATE, order_id=str(plain), patch={"line_items": more}))
    code = next(one["code"] for one in read(engine, plain)["tickets"] if one["status"] == "valid")
    run(
        engine,
        make_change(PAY, order_id=str(plain), type="cash"),
        make_change(CHECK_IN, code=code),
        make_change(CANCEL, order_id=str(seated), reason="rain"),
        make_request(ticket_class="none"),
        make_request(quantity=100_000, may_set_price=False),
    )
    with engine.begin() as connection:
        connection.execute(text("UPDATE orders SET paid = paid + 1 WHERE reference = 'PO-1'"))
        assert reconcile(connection, now=NOW)
    return engine


def _messages(engine: Engine, max_event_bytes: int = MAX_EVENT_BYTES) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        claimed = claim_unsent(connection, after=FIRST, limit=500, max_event_bytes=max_event_bytes)
    return [json.loads(one.body) for one in claimed]


def test_messages_of_every_type_are_as_their_schemas_say(sold: Engine) -> None:
    messages = _messages(sold)
    assert {message["type"] for message in messages} == set(TYPES)
    for message in messages:
        # A shortened one would allow more.
        assert "left_out" not in message["data"]
        _validate(message)


@pytest.mark.parametrize("data_bytes", [2_500, 2_000, 1_500, 1_200])
def test_shortened_messages_are_as_their_schemas_say(sold: Engine, data_bytes: int) -> None:
    messages = _messages(sold, ENVELOPE_BYTES + data_bytes)
    assert any("left_out" in message["data"] for message in messages)
    for message in messages:
        _validate(message)


def test_a_message_with_a_wrong_field_is_refused(sold: Engine) -> None:
    for message in _messages(sold):
        for wrong in (message | {"surprise": 1}, message | {"data": message["data"] | {"surprise": 1}}):
            with pytest.raises(jsonschema.ValidationError):
                _validate(wrong)


def test_asyncapi_document_is_valid() -> None:
    official = json.loads((DATA / "asyncapi-3.0.0.json").read_text())
    jsonschema.Draft7Validator(official).validate(ASYNCAPI)
    broken = ASYNCAPI | {"operations": {"send": {"action": "shout"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(official).validate(broken)


def test_asyncapi_document_lists_every_type_and_its_references_exist() -> None:
    assert list(ASYNCAPI["channels"]) == list(TYPES)
    for name in TYPES:
        jsonschema.Draft7Validator.check_schema(SCHEMAS[name])
        assert (FOLDER / ASYNCAPI["components"]["messages"][name]["payload"]["$ref"]).is_file()
        (said,) = ASYNCAPI["operations"][f"send.{name}"]["messages"]
        assert _at(said["$ref"]) == {"$ref": f"#/components/messages/{name}"}


def _at(reference: str) -> Any:
    found: Any = ASYNCAPI
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _validate(message: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(
        SCHEMAS[message["type"]], format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
    )
    validator.validate(message)
