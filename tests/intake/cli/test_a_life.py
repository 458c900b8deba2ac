"""The life of an order by commands, with a worker: every command waits for its outcome."""

from typing import Any

import pytest
from sqlalchemy import Engine

from tests.factories import load, make_request, run
from tests.intake.cli.conftest import Ran, Willcall

pytestmark = [pytest.mark.usefixtures("crew"), pytest.mark.xdist_group("crew")]


@pytest.fixture
def placed(willcall: Willcall, engine: Engine) -> dict[str, Any]:
    """Return an order of three tickets."""
    load(engine)
    outcome = run(engine, make_request(quantity=3))[0]
    words: dict[str, Any] = willcall("orders", "show", outcome.order_id, "--json").json
    return words


def _facts(ran: Ran) -> dict[str, str]:
    return {line.split()[0]: " ".join(line.split()[1:]) for line in ran.out.splitlines() if line.strip()}


def test_an_order_is_updated_paid_and_cancelled_in_part(willcall: Willcall, placed: dict[str, Any]) -> None:
    id_ = placed["id"]
    patch = '{"shipping": "5.00", "buyer": {"phone": "1"}}'

    updated = willcall("orders", "update", id_, "--patch", patch, "--expected-version", 1, "--wait")
    paid = willcall("orders", "pay", id_, "--type", "cash", "--wait")
    part = willcall("orders", "cancel", id_, "--line", "1:1", "--wait")
    refunded = willcall("orders", "pay", id_, "--type", "cash", "--refund", "--wait", "--json")

    assert [ran.code for ran in (updated, paid, part, refunded)] == [0] * 4
    assert (_facts(updated)["version"], _facts(updated)["total"]) == ("2", "141.50 USD")
    assert (_facts(paid)["payment"], _facts(paid)["balance"]) == ("paid", "0.00 USD")
    assert (_facts(part)["tickets"], _facts(part)["balance"]) == ("2", "-45.50 USD")
    assert (refunded.json["status"], refunded.json["order_id"]) == ("processed", id_)
    history = willcall("orders", "history", id_, "--json").json["items"]
    assert [one["by"] for one in history[1:]] == ["command line"] * 4


def test_a_rejection_is_printed_and_exits_with_1(willcall: Willcall, placed: dict[str, Any]) -> None:
    willcall("orders", "update", placed["id"], "--patch", '{"reference": "a"}', "--wait")
    words = [
        "orders",
        "update",
        placed["id"],
        "--patch",
        '{"reference": "b"}',
        "--expected-version",
        1,
        "--wait",
    ]

    people, programs = willcall(*words), willcall(*words, "--json")

    assert (people.code, programs.code) == (1, 1)
    assert people.out.startswith("rejected: version_conflict (expected_version): ")
    assert programs.json["errors"][0]["code"] == "version_conflict"


def test_a_hold_is_taken_extended_and_released(willcall: Willcall, placed: dict[str, Any]) -> None:
    words = ["holds", "take", "standing", "--tenant", "demo", "--quantity", 2, "--wait"]
    taken = willcall(*words, "--until", "2099-01-01T00:00:00Z", "--json")
    hold_id = taken.json["hold_id"]

    extended = willcall("holds", "extend", hold_id, "--wait")
    released = willcall("holds", "release", hold_id, "--wait")
    late = willcall("holds", "extend", hold_id, "--wait")
    too_many = willcall(*words[:-2], 5_000, "--wait")

    assert (taken.code, taken.json["request_id"]) == (0, hold_id)
    assert _facts(extended)["status"] == "held"
    assert _facts(released)["status"] == "released"
    assert late.code == too_many.code == 1
    assert late.out.startswith("rejected: hold_expired (hold_id): ")


def test_a_ticket_is_used_once_and_its_use_undone(willcall: Willcall, placed: dict[str, Any]) -> None:
    first, second = placed["tickets"][:2]

    used = willcall("tickets", "check-in", first["code"], "--event", "concert", "--nonce", "n")
    same = willcall("tickets", "check-in", first["code"], "--nonce", "n", "--json")
    again = willcall("tickets", "check-in", first["code"])
    wrong = willcall("tickets", "check-in", second["id"], "--event", "another")
    undone = willcall("tickets", "check-in", first["id"], "--undo", "--json")

    assert (used.code, _facts(used)["status"], _facts(used)["used"]) == (
        0, "checked_in", "1 of 3 tickets of the order",
    )  # fmt: skip
    assert (same.code, same.json["ticket"]["id"], same.json["check_in"]["checked_in"]) == (0, first["id"], 1)
    assert again.code == 1
    assert again.out.startswith("rejected: already_checked_in (code): the ticket was used at 20")
    assert wrong.out.startswith("rejected: wrong_event (ticket_id): ")
    assert (undone.code, undone.json["ticket"]["status"]) == (0, "valid")
