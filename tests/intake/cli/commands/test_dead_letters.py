"""`willcall dead-letters`."""

import json
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import Engine

from orders.recovery.dead_letters import DeadLetter, bury, list_dead_letters
from tasks.orders import process_messages
from tests.factories import NOW, load, make_body, scalar
from tests.intake.cli.conftest import OrdersQueue, Willcall
from tests.task_resources import fresh_resources
from willcall.kinds import CREATE

__all__ = ["fresh_resources"]


def _bury(engine: Engine, message: bytes, kind: str = CREATE, **words: Any) -> str:
    with engine.begin() as connection:
        bury(connection, [DeadLetter(kind, message, "it was hopeless", **words)], NOW)
        return str(list_dead_letters(connection, 1)[0].id)


def _request(**words: Any) -> bytes:
    return orjson.dumps(make_body() | {"tenant": "demo", "request_id": str(uuid4())} | words)


def test_dead_letters_are_listed_and_shown_with_their_message(willcall: Willcall, engine: Engine) -> None:
    first = _bury(engine, b"\xffnonsense", tenant="demo")
    second = _bury(engine, b"{}", details="Traceback: …")

    listed = willcall("dead-letters", "list", "--json").json
    shown = willcall("dead-letters", "show", first, "--json").json

    assert [one["id"] for one in listed] == [second, first]
    assert (listed[1]["reason"], listed[1]["tenant"]) == ("it was hopeless", "demo")
    assert shown["message"] == "\\xffnonsense"
    assert "Traceback: …" in willcall("dead-letters", "show", second).out
    assert "it was hopeless" in willcall("dead-letters", "list").out


def test_a_replayed_request_becomes_an_order(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    id_ = _bury(engine, _request())
    load(engine)

    ran = willcall("dead-letters", "replay", id_, "--json")

    assert (ran.code, ran.json) == (0, {"replayed": [id_]})
    assert willcall("dead-letters", "list", "--json").json == []
    report = process_messages(orders_queue.take())
    assert [outcome.status for outcome in report.outcomes] == ["processed"]


def test_a_replayed_message_has_all_its_requests(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    load(engine)
    requests = [orjson.loads(_request()) for _ in range(3)]
    id_ = _bury(engine, orjson.dumps([[], {"requests": requests}, {}]))

    willcall("dead-letters", "replay", id_)

    report = process_messages(orders_queue.take())
    assert [outcome.status for outcome in report.outcomes] == ["processed"] * 3


def test_a_message_that_nobody_can_read_comes_back_as_it_was(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    id_ = _bury(engine, b"\xff\x00 nonsense")

    assert willcall("dead-letters", "replay", id_).code == 0

    (message,) = orders_queue.take()
    assert message.body == b"\xff\x00 nonsense"
    assert process_messages([message]).dead == 1
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 1


def test_a_request_with_a_lone_surrogate_is_replayed_as_one_request(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    load(engine)
    words = json.loads(_request()) | {"reference": "\ud800"}
    id_ = _bury(engine, json.dumps(words).encode())

    willcall("dead-letters", "replay", id_)

    report = process_messages(orders_queue.take())
    assert [error.field for error in report.outcomes[0].errors] == ["reference"]


def test_all_dead_letters_are_replayed_in_the_order_of_their_deaths(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    bodies = [_request(reference=str(number)) for number in range(3)]
    ids = [_bury(engine, body) for body in bodies]

    ran = willcall("dead-letters", "replay", "--all", "--json")

    assert ran.json == {"replayed": ids}
    assert [request["reference"] for request in orders_queue.take_requests()] == ["0", "1", "2"]


def test_a_dead_letter_stays_when_the_broker_does_not_confirm(
    willcall: Willcall, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = _bury(engine, _request())
    monkeypatch.setenv("WILLCALL_BROKER_URL", "amqp://someone:secret@127.0.0.1:1//")

    ran = willcall("dead-letters", "replay", id_)

    assert ran.code == 1
    assert ran.err.startswith(
        "willcall: the broker amqp://someone:**@127.0.0.1:1// did not take the messages"
    )
    assert ran.err.count("\n") == 1
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 1


def test_a_dead_letter_that_is_not_there_stops_the_others(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    id_, missing = _bury(engine, _request()), str(uuid4())

    for command in ("replay", "discard"):
        ran = willcall("dead-letters", command, id_, missing)
        assert (ran.code, ran.err) == (1, f"willcall: there is no dead letter {missing}\n")

    assert orders_queue.take() == []
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 1


def test_a_discarded_dead_letter_is_gone(willcall: Willcall, engine: Engine) -> None:
    id_, other = _bury(engine, b"1"), _bury(engine, b"2")

    ran = willcall("dead-letters", "discard", id_)

    assert (ran.code, ran.out) == (0, "Discarded: 1 dead letter.\n")
    assert [one["id"] for one in willcall("dead-letters", "list", "--json").json] == [other]


def test_replay_wants_ids_or_all_and_not_both(willcall: Willcall) -> None:
    assert willcall("dead-letters", "replay").code == 2
    assert willcall("dead-letters", "replay", str(uuid4()), "--all").code == 2
