"""Commands that change orders and holds: what is sent, and what is not."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import Engine

from tests.factories import load, make_change, make_event, make_request, make_seated_class, run
from tests.intake.cli.conftest import OrdersQueue, Willcall
from willcall.kinds import CANCEL, TAKE, UPDATE


def _order(engine: Engine, **changes: Any) -> UUID:
    load(engine)
    outcome = run(engine, make_request(**changes))[0]
    assert outcome.order_id is not None
    return outcome.order_id


def _sent(orders_queue: OrdersQueue) -> tuple[str, dict[str, Any]]:
    (message,) = orders_queue.take()
    (request,) = orjson.loads(message.body)[1]["requests"]
    assert request.pop("tenant") == "demo"
    assert request.pop("by") == "command line"
    assert UUID(request.pop("request_id")).version == 7
    return message.task, request


def test_an_update_is_sent_for_the_tenant_of_the_order(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue, tmp_path: Path
) -> None:
    id_ = str(_order(engine))
    file = tmp_path / "patch.json"
    file.write_text('{"shipping": "5.00"}')

    by_id = willcall("orders", "update", id_, "--patch", '{"reference": null}', "--expected-version", 3)
    sent = _sent(orders_queue)
    number = willcall("orders", "show", id_, "--json").json["number"]
    by_number = willcall(
        "orders", "update", number, "--patch", f"@{file}", "--idempotency-key", "k", "--json"
    )

    assert by_id.code == 0
    assert by_id.out.startswith("Sent request ")
    assert sent == (
        "orders.update",
        {"order_id": id_, "patch": {"reference": None}, "expected_version": 3},
    )
    assert _sent(orders_queue) == (
        "orders.update",
        {"order_id": id_, "patch": {"shipping": "5.00"}, "idempotency_key": "k", "seen_version": 1},
    )
    assert by_number.json["status"] == "pending"


def test_a_cancellation_names_lines_and_tickets(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    id_, ticket = str(_order(engine)), str(uuid4())

    willcall("orders", "cancel", id_, "--reason", "rain", "--line", "1", "--line", "2:3", "--ticket", ticket)

    assert _sent(orders_queue) == (
        "orders.cancel",
        {
            "order_id": id_,
            "reason": "rain",
            "lines": [{"line_number": 1}, {"line_number": 2, "quantity": 3}],
            "ticket_ids": [ticket],
        },
    )
    willcall("orders", "cancel", id_)
    assert _sent(orders_queue) == ("orders.cancel", {"order_id": id_})


def test_a_payment_says_no_more_than_was_said(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    id_ = str(_order(engine))

    willcall("orders", "pay", id_, "--type", "cash")
    assert _sent(orders_queue) == ("payments.record", {"order_id": id_, "type": "cash"})
    willcall(
        "orders", "pay", id_, "--type", "check", "--amount", "4.50", "--refund", "--pending", "--payment", 2
    )
    assert _sent(orders_queue) == (
        "payments.record",
        {
            "order_id": id_,
            "type": "check",
            "amount": "4.50",
            "status": "pending",
            "is_refund": True,
            "payment_number": 2,
        },
    )


def test_a_hold_is_taken_extended_and_released(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    load(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=1)
    run(engine, hold)
    id_ = str(hold.request_id)

    willcall("holds", "take", "stalls", "--tenant", "demo", "--seat", "1", "--seat", "2", "--price", "9.00")
    assert _sent(orders_queue) == (
        "holds.take",
        {"ticket_class_id": "stalls", "seats": ["1", "2"], "unit_price": "9.00"},
    )
    willcall("holds", "extend", id_, "--until", "2099-01-01T00:00:00Z")
    assert _sent(orders_queue) == ("holds.extend", {"hold_id": id_, "expires_at": "2099-01-01T00:00:00Z"})
    willcall("holds", "release", id_)
    assert _sent(orders_queue) == ("holds.release", {"hold_id": id_})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["orders", "update", "999", "--patch", "{}"], "there is no order 999"),
        (["orders", "cancel", UUID(int=7)], f"there is no order {UUID(int=7)}"),
        (["orders", "pay", "NOSUCHCO", "--type", "cash"], "there is no order NOSUCHCO"),
        (["orders", "history", "999"], "there is no order 999"),
        (["orders", "update", "1", "--patch", "{"], "the patch is not valid JSON: the body is not JSON"),
        (["orders", "update", "1", "--patch", "[]"], "the patch must be a JSON object"),
        (
            ["orders", "update", "1", "--patch", '{"a": 1, "a": 2}'],
            "the patch is not valid JSON: the name 'a' is duplicate",
        ),
        (["orders", "update", "1", "--patch", "@/nowhere"], "/nowhere: No such file or directory"),
        (["orders", "cancel", "1", "--line", "one"], "one is not a line: write its number, or 1:2"),
        (["holds", "show", UUID(int=7)], f"there is no hold {UUID(int=7)}"),
        (["holds", "extend", UUID(int=7)], f"there is no hold {UUID(int=7)}"),
        (["holds", "release", "7"], "7 is not the id of a hold: use a UUID"),
        (["holds", "list", "--tenant", "nobody"], "there is no tenant nobody"),
        (["holds", "list", "--cursor", "§"], "the cursor is not one that a page gave"),
        (["tickets", "check-in", UUID(int=7)], f"there is no ticket {UUID(int=7)}"),
        (["tickets", "check-in", "hello"], "the code is forged: "),
        (
            ["submit", "-", "--kind", "orders.eat"],
            "orders.eat is not a kind of request; the kinds are holds.",
        ),
    ],
)
def test_what_cannot_be_sent_is_a_sentence(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue, words: list[Any], sentence: str
) -> None:
    ran = willcall(*words)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"willcall: {sentence}")
    assert ran.err.count("\n") == 1
    assert orders_queue.take() == []


def test_a_broker_that_is_away_is_a_sentence(
    willcall: Willcall, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = _order(engine)
    monkeypatch.setenv("WILLCALL_BROKER_URL", "redis://127.0.0.1:1/0")

    for words in (["orders", "cancel", id_], ["holds", "take", "standing", "--tenant", "demo"]):
        ran = willcall(*words)

        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("willcall: the broker redis://127.0.0.1:1/0 did not take the messages: ")
        assert ran.err.count("\n") == 1


def test_waiting_without_a_worker_ends_with_a_sentence(
    willcall: Willcall, engine: Engine, orders_queue: OrdersQueue
) -> None:
    ran = willcall("orders", "cancel", _order(engine), "--wait", "--timeout", 0.2)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("willcall: no outcome within 0.2 s; request ")


def test_files_of_any_kind_are_sent(willcall: Willcall, orders_queue: OrdersQueue) -> None:
    body = {"order_key": "shop-7", "patch": {"reference": "x"}}

    ran = willcall("submit", "-", "--kind", "orders.update", "--tenant", "demo", stdin=orjson.dumps(body))

    assert ran.code == 0
    assert _sent(orders_queue) == ("orders.update", body)


def test_the_history_is_shown(willcall: Willcall, engine: Engine) -> None:
    id_ = _order(engine)
    run(engine, make_change(UPDATE, order_id=str(id_), patch={"reference": "PO-2"}))
    run(engine, make_change(CANCEL, order_id=str(id_), reason="rain"))

    people, programs = willcall("orders", "history", id_), willcall("orders", "history", id_, "--json")

    assert people.code == 0
    lines = [line.split() for line in people.out.splitlines()]
    assert lines[0] == ["version", "at", "kind", "by", "field", "from", "to"]
    assert lines[1][2:] == ["orders.create"]
    assert lines[2][2:] == ["orders.update", "tester", "reference", "PO-2"]
    assert ["status", "placed", "cancelled"] in [line[-3:] for line in lines]
    assert [one["kind"] for one in programs.json["items"]] == [
        "orders.create",
        "orders.update",
        "orders.cancel",
    ]


def test_holds_are_listed_and_shown(willcall: Willcall, engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class()]))
    first = make_change(TAKE, ticket_class_id="stalls", seats=["3", "4"], expires_at="2026-05-04T12:01:00Z")
    second = make_change(TAKE, ticket_class_id="stalls", quantity=1)
    run(engine, first, second)
    ids = [str(second.request_id), str(first.request_id)]

    listed = willcall("holds", "list", "--tenant", "demo", "--json").json
    page = willcall("holds", "list", "--limit", 1, "--json").json
    rest = willcall("holds", "list", "--cursor", page["next_cursor"], "--json").json
    held = willcall("holds", "list", "--status", "held", "--json").json

    assert [one["id"] for one in listed["items"]] == ids
    assert [one["id"] for one in page["items"] + rest["items"]] == ids
    # The first one's time was over long ago.
    assert [one["id"] for one in held["items"]] == ids[:1]
    assert willcall("holds", "show", ids[1], "--json").json["status"] == "expired"
    shown = willcall("holds", "show", ids[0]).out
    assert "80.00" in shown
    assert "held" in shown
    assert ids[0] in willcall("holds", "list").out
    outcome = willcall("requests", "show", ids[0], "--json").json
    assert (outcome["status"], outcome["order_id"], outcome["hold_id"]) == ("processed", None, ids[0])
    assert f"hold     {ids[0]}" in willcall("requests", "show", ids[0]).out
