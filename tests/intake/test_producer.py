"""A Python program sends requests with three lines."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from tests.intakes import Intake
from willcall.kinds import CHECK_IN, CREATE, KINDS, TAKE
from willcall.packing import MAX_BYTES, outgoing, pack
from willcall.producer import NotConfirmed, Producer
from willcall.weights import weight_of
from worker.runtime.settings import Settings


def numbered(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"reference": str(number), **fields} for number in range(count)]


def test_requests_arrive_in_messages_of_a_hundred(intake: Intake) -> None:
    with Producer(intake.settings.broker(), intake.settings) as producer:
        ids = producer.send(numbered(250), tenant="demo")

    messages = intake.take_messages()
    arrived = [request for message in messages for request in message.payload[1]["requests"]]
    assert [message.headers["willcall_requests"] for message in messages] == [100, 100, 50]
    assert messages[1].headers["kwargsrepr"] == f"requests=100 first={ids[100]}"
    assert [UUID(request["request_id"]) for request in arrived] == ids
    assert arrived[7] == {"reference": "7", "tenant": "demo", "request_id": str(ids[7])}
    assert all(id_.version == 7 for id_ in ids)


def test_prices_may_be_held_to_the_catalogue(intake: Intake) -> None:
    with Producer(intake.settings.broker(), intake.settings) as producer:
        producer.send(numbered(1), tenant="demo", may_set_price=False)

    assert intake.take_requests()[0]["may_set_price"] is False


def test_a_request_that_has_an_id_keeps_it(intake: Intake) -> None:
    id_ = uuid4()
    with Producer(intake.settings.broker(), intake.settings) as producer:
        ids = producer.send([{"request_id": id_}, {"request_id": str(id_)}], tenant="demo")
        no_ids: list[Any] = ["mine", "", 7, [], f" {id_}"]
        for malformed in no_ids:
            with pytest.raises(ValueError, match="is not a UUID"):
                producer.send([{"request_id": malformed}], tenant="demo")

    assert ids == [id_, id_]
    assert [request["request_id"] for request in intake.take_requests()] == [str(id_)] * 2


def test_a_decimal_travels_as_a_string_and_a_lone_surrogate_as_it_is(intake: Intake) -> None:
    with Producer(intake.settings.broker(), intake.settings) as producer:
        producer.send([{"shipping": Decimal("5.00"), "reference": "\ud800", "n": 2**70}], tenant="demo")
        with pytest.raises(TypeError):
            producer.send([{"shipping": object()}], tenant="demo")

    [request] = intake.take_requests()
    assert (request["shipping"], request["reference"], request["n"]) == ("5.00", "\ud800", 2**70)


def test_nothing_to_send_is_sent_without_a_word(intake: Intake) -> None:
    with Producer(intake.settings.broker(), intake.settings) as producer:
        assert producer.send([], tenant="demo") == []


def test_a_message_is_bounded_unless_one_request_is_larger() -> None:
    sizes = [1_000] * 500 + [300_000] + [200_000] * 2
    requests = [outgoing("orders.create", {"reference": "x" * size}, tenant="demo") for size in sizes]

    messages = pack(requests, max_requests=500)

    assert sum(message.headers["willcall_requests"] for message in messages) == len(sizes)
    large = [message for message in messages if len(message.body) > MAX_BYTES + 2_000]
    assert [message.headers["willcall_requests"] for message in large] == [1]
    assert len(messages) == 6


def test_a_message_is_of_one_kind_and_the_order_is_kept() -> None:
    kinds = ["orders.create", "orders.create", "orders.update", "orders.create"]
    messages = pack([outgoing(kind, {}, tenant="demo") for kind in kinds], max_requests=500)

    assert [message.headers["task"] for message in messages] == [
        "orders.create",
        "orders.update",
        "orders.create",
    ]


def _sizes(kind: str, body: dict[str, Any]) -> list[int]:
    """Return how many of 250 such requests are in each message."""
    messages = pack([outgoing(kind, body, tenant="demo") for _ in range(250)])
    return [len(orjson.loads(message.body)[1]["requests"]) for message in messages]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_message_holds_fewer_changes_of_what_may_be_large(kind: str) -> None:
    is_small = kind in {CREATE, TAKE, CHECK_IN}
    assert _sizes(kind, {}) == ([100, 100, 50] if is_small else [20] * 12 + [10])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (TAKE, {"quantity": 32}),
        (TAKE, {"seats": [str(number) for number in range(32)]}),
        (TAKE, {"quantity": 32, "seats": [str(number) for number in range(32)]}),
        (CHECK_IN, {"undo": True}),
    ],
)
def test_what_is_larger_than_others_of_its_kind_has_fewer_in_a_message(
    kind: str, body: dict[str, Any]
) -> None:
    assert _sizes(kind, body) == [20] * 12 + [10]


@pytest.mark.parametrize(
    "body",
    [
        {"line_items": [{"quantity": 600}, {"quantity": 200}]},
        {"orders": [{"items": [{"quantity": 800}]}]},
        {"ticketItems": {"a": {"quantity": 800}}},
    ],
)
def test_orders_of_many_tickets_share_a_message_with_few_others(body: dict[str, Any]) -> None:
    messages = pack([outgoing("orders.create", body, tenant="demo") for _ in range(3)])

    assert [message.headers["willcall_requests"] for message in messages] == [101] * 3


NO_QUANTITIES: list[Any] = [-5, 0, "7", True, None, 10**30, [], {}, 1.5]


@pytest.mark.parametrize(
    "body",
    [
        *({"quantity": value} for value in NO_QUANTITIES),
        {"line_items": "x"},
        {"a": [[[[{"b": {}}]]]]},
        {"many": [{}] * 100_000},
        {"seats": "1-1000"},
        {"seats": {}},
    ],
)
def test_what_makes_no_sense_weighs_as_little_as_a_small_order(body: dict[str, Any]) -> None:
    assert weight_of("orders.create", body) == 1


def test_without_a_broker_nothing_is_confirmed(intake: Intake) -> None:
    settings = Settings(broker_url="redis://127.0.0.1:1/0")

    with Producer(settings.broker(), settings) as producer, pytest.raises(NotConfirmed):
        producer.send(numbered(1), tenant="demo")
