"""No request of 1 MiB costs a worker more than half a second or 100 MB, whatever is in it.

The worst that each kind can be made to do: long lists, many lines, seats by the thousand, and lists of what
is malformed, of which each item could be told. Who finds a worse one adds it here.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import Engine

from schemas.json import JsonObject
from tasks.messages import QueueMessage
from tasks.orders import process_messages
from tests.factories import codes, load, make_event, make_seated_class, make_ticket_class, place
from tests.steps import million_steps
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, TAKE, UPDATE

MAX_BYTES: Final = 1024 * 1024
MAX_MEMORY: Final = 100_000_000
BUDGET: Final = 10.0
"""Half a second where `million_steps` takes 50 ms: a slower machine has more time."""

Make = Callable[[JsonObject], tuple[str, JsonObject]]

SEATED: Final = {"ticket_class_id": "stalls", "quantity": 1_000}
LABELS: Final = ["z" * 190 + str(number) for number in range(4_500)]
ATTENDEE: Final = {"first_name": "x" * 150, "last_name": "y" * 150, "email": "ada@example.com"}


def _line(quantity: int = 1, **words: Any) -> JsonObject:
    return {"ticket_class_id": "standing", "quantity": quantity} | words


def _create(**words: Any) -> Make:
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
    return lambda _: (CREATE, {"buyer": buyer, "line_items": [_line()]} | words)


def _update(patch: JsonObject, which: str = "small") -> Make:
    return lambda ids: (UPDATE, {"order_id": ids[which], "patch": patch})


def _on(kind: str, which: str = "big", **words: Any) -> Make:
    return lambda ids: (kind, {"order_id": ids[which]} | words)


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


WORST: Final[dict[str, Make]] = {
    "a thousand tickets": _create(line_items=[_line(1_000)]),
    "a hundred lines": _create(line_items=[_line(10)] * 100),
    "twelve thousand lines": _create(line_items=[_line()] * 12_000),
    "seats of a hundred lines": _create(line_items=[SEATED | {"low_seat": "1"}] * 100),
    "seats from a long number": _create(line_items=[SEATED | {"low_seat": "9" * 200}]),
    "seats from a long name": _create(line_items=[SEATED | {"low_seat": "x" * 200}]),
    "long seats": _create(line_items=[SEATED | {"seats": LABELS[:1_000]}]),
    "too many seats": _create(line_items=[SEATED | {"seats": LABELS}]),
    "seats that are none": _create(line_items=[SEATED | {"seats": list(range(150_000))}]),
    "attendees": _create(line_items=[_line(1_000, attendees=[ATTENDEE] * 1_000)]),
    "attendees that are none": _create(line_items=[_line(1_000, attendees=[0] * 400_000)]),
    "lines that are none": _create(line_items=[0] * 400_000),
    "notes": _create(internal_notes=["n" * 5_000] * 100, external_notes=["n" * 5_000] * 90),
    "notes that are none": _create(internal_notes=[0] * 400_000),
    "payments": _create(payments=[{"type": "cash", "amount": "0.01"}] * 100),
    "unknown fields": _create(**{f"f{number}": number for number in range(55_000)}),
    "deep extras": _create(extras={"acme": _deep(90)}),
    "a long key": _create(idempotency_key="k" * 1_000_000),
    "a patch of an order that is not there": _update(
        {"line_items": [SEATED | {"low_seat": "1"}] * 9_000}, "nowhere"
    ),
    "a patch by a key of no order": lambda _: (
        UPDATE,
        {"order_key": "none", "patch": {"line_items": [SEATED | {"low_seat": "1"}] * 9_000}},
    ),
    "a patch of many lines": _update({"line_items": [_line(10)] * 100}),
    "a patch of seats": _update({"line_items": [SEATED | {"low_seat": "1"}]}),
    "a patch of seats that are none": _update({"line_items": [SEATED | {"seats": list(range(150_000))}]}),
    "a patch of unknown fields": _update({f"f{number}": number for number in range(55_000)}),
    "a patch of extras": _update({"extras": {"acme": {str(number): number for number in range(60_000)}}}),
    "a phone in a large order": _update({"buyer": {"phone": "1"}}, "big"),
    "new names in a large order": _update(
        {"line_items": [_line(1_000, line_number=1, attendees=[ATTENDEE] * 1_000)]}, "big"
    ),
    "tickets that are not there": _update(
        {"line_items": [_line(1_000, line_number=1, ticket_ids=[str(uuid4()) for _ in range(1_000)])]}, "big"
    ),
    "other seats for half a house": _update(
        {"line_items": [SEATED | {"line_number": 1, "low_seat": "3000"}]}, "seated"
    ),
    "cancelled tickets": _on(CANCEL, ticket_ids=[str(uuid4()) for _ in range(1_000)]),
    "too many cancelled tickets": _on(CANCEL, ticket_ids=[str(uuid4()) for _ in range(25_000)]),
    "cancelled tickets that are none": _on(CANCEL, ticket_ids=[0] * 400_000),
    "a large order cancelled": _on(CANCEL),
    "a payment with a long reference": _on(PAY, type="cash", reference="r" * 1_000_000),
    "seats on hold": lambda _: (TAKE, {"ticket_class_id": "stalls", "seats": LABELS}),
    "seats on hold that are none": lambda _: (TAKE, {"ticket_class_id": "stalls", "seats": [0] * 400_000}),
    "many seats on hold": lambda _: (TAKE, SEATED | {"low_seat": "1"}),
    "a long code": lambda _: (CHECK_IN, {"code": "A" * 1_000_000}),
    "a deep body": lambda _: (CHECK_IN, _deep(200)),
    "an order of Zoho's": lambda _: (
        CREATE,
        {"dialect": "zoho_backstage", "tickets": [{"ticket_class_id": "standing"}] * 30_000},
    ),
    "an order of ACME's": lambda _: (CREATE, {"dialect": "acme", "orderItems": [0] * 400_000}),
    "an order of Ticket Evolution's": lambda _: (
        CREATE,
        {"dialect": "ticket_evolution", "items": [{"quantity": 1_000, "low_seat": "1"}] * 25_000},
    ),
}


@pytest.fixture
def ids(engine: Engine) -> JsonObject:
    classes = [make_ticket_class(capacity=100_000), make_seated_class(seats="1-9000")]
    load(engine, make_event(ticket_classes=classes))
    seats = [{"ticket_class_id": "stalls", "quantity": 500}]
    return {
        "small": str(place(engine)),
        "big": str(place(engine, quantity=1_000)),
        "seated": str(place(engine, line_items=seats)),
        "nowhere": str(uuid4()),
    }


@pytest.mark.parametrize("name", WORST)
def test_it_costs_little(engine: Engine, ids: JsonObject, name: str) -> None:
    kind, words = WORST[name](ids)
    message = _message(kind, words)
    assert len(message.body) <= MAX_BYTES + 1_000
    process_messages([_message(CREATE, _create()(ids)[1])])  # what is made once is made

    tracemalloc.start()
    report = process_messages([message])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert report.dead + report.delayed == 0
    assert [codes(outcome) for outcome in report.outcomes]
    assert most < MAX_MEMORY
    # Measured without what follows each allocation; the same request under another key.
    again = _message(kind, words)
    gc.collect()  # or what all other tests have left may be searched within it
    began = time.thread_time()  # other threads of this process serve other tests
    process_messages([again])
    assert time.thread_time() - began < BUDGET * million_steps()


def _message(kind: str, words: JsonObject) -> QueueMessage:
    request = {"idempotency_key": uuid4().hex} | words | {"tenant": "demo"}
    return QueueMessage(kind, uuid4().hex, orjson.dumps([[], {"requests": [request]}, {}]))
