"""`willcall demo`: it says the truth, and can be run again."""

import json
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.ids import new_id
from intake.demo.dialects import Spoken
from intake.demo.life import EVENTS
from intake.demo.play import Played
from intake.demo.sample import Expected, Sample, samples
from intake.demo.verdict import differences
from schemas.outcomes import RejectionCode
from tests.intake.cli.conftest import WILLCALL, environment
from tests.processes import PATIENCE_SECONDS

# What `orders.create` alone cannot be rejected for.
OF_OTHER_REQUESTS = {
    "version_conflict",
    "not_allowed_in_status",
    "unknown_ticket",
    "forged_ticket",
    "wrong_event",
    "already_checked_in",
    "ticket_voided",
    "not_issued",
}

# What needs another tenant's settings, or an order of an earlier run.
NOT_SHOWN = {"declined", "unknown_order"}


def _demo(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [WILLCALL, "demo", *words],
        env=environment(WILLCALL_HOME=home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.xdist_group("serving")
def test_the_demo_ends_as_expected_also_the_second_time(home: Path, engine: Engine) -> None:
    people, programs = _demo(home), _demo(home, "--json")

    assert people.returncode == 0, people.stdout + people.stderr
    assert people.stdout.splitlines()[-1].strip() == "Everything is as expected."
    assert "102.78 USD" in people.stdout
    assert programs.returncode == 0, programs.stdout + programs.stderr
    words: dict[str, Any] = json.loads(programs.stdout)
    assert words["is_as_expected"] is True
    assert words["events"] == {
        "order.confirmed": len(words["orders"]),
        "order.rejected": len(words["rejected"]),
    }
    spoken = {one["dialect"]: one for one in words["dialects"]}
    assert set(spoken) == {"zoho_backstage", "ticket_evolution", "acme"}
    assert {one["shown_in"] for one in spoken.values()} == {"ticket_evolution", "acme", "eventbookings"}
    assert spoken["zoho_backstage"]["order"]["total"] == "108.29"
    assert words["orders"][0]["number"] > len(words["orders"]), "the first run has sold too"
    assert programs.stderr == ""


def test_every_rejection_of_a_new_order_is_in_the_demo() -> None:
    shown = {sample.expected.code for sample in samples("run") if sample.expected.code}

    assert shown == set(get_args(RejectionCode)) - OF_OTHER_REQUESTS - NOT_SHOWN


def test_two_runs_share_no_idempotency_key() -> None:
    first, second = ({sample.request["idempotency_key"] for sample in samples(run)} for run in ("1", "2"))

    assert first.isdisjoint(second)


def _played(expected: Expected) -> Played:
    """Return a play of one request that became an order for 10.00 with one ticket."""
    request_id, order_id = new_id(), new_id()
    totals = {"total": "10.00"}
    return Played(
        run="run",
        samples=[Sample("an order", "key", {}, expected)],
        request_ids=[request_id],
        outcomes={
            request_id: {
                "request_id": request_id, "status": "processed", "order_id": order_id, "errors": (),
            }
        },
        orders={order_id: {"number": 1, "totals": totals, "tickets": [{}], "payment_status": "unpaid"}},
        events=[{"type": "order.confirmed", "subject": str(order_id), "data": {"totals": totals}}],
        verified_code="code",
        life_events=[{"type": kind} for kind in EVENTS],
    )  # fmt: skip


GOOD = Expected("processed", total="10.00", tickets=1, payment_status="unpaid")


def test_a_play_that_is_as_expected_has_no_differences() -> None:
    assert differences(_played(GOOD)) == []


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        (replace(GOOD, total="11.00"), "the total is 10.00, not 11.00"),
        (replace(GOOD, tickets=2), "it has 1 tickets, not 2"),
        (replace(GOOD, payment_status="paid"), "it is unpaid, not paid"),
        (Expected("rejected", code="sold_out"), "it is processed, not rejected"),
    ],
)
def test_the_demo_tells_how_an_order_differs(expected: Expected, sentence: str) -> None:
    (difference,) = differences(_played(expected))

    assert difference.startswith(f"an order: {sentence}")


def test_the_demo_tells_another_reason_for_a_rejection() -> None:
    played = _played(Expected("rejected", code="sold_out", field="line_items.0.quantity"))
    (id_,) = played.request_ids
    played.outcomes[id_] |= {
        "status": "rejected",
        "order_id": None,
        "errors": [{"code": "invalid", "field": None}],
    }
    played.orders, played.events = {}, [{"type": "order.rejected", "subject": str(id_)}]

    assert differences(played) == [
        "an order: it was rejected for invalid of None, not for sold_out of line_items.0.quantity"
    ]


def test_the_demo_tells_of_event_messages_that_are_missing_doubled_or_wrong() -> None:
    missing, doubled, wrong = _played(GOOD), _played(GOOD), _played(GOOD)
    missing.events = []
    doubled.events *= 2
    wrong.events = [wrong.events[0] | {"data": {"totals": {"total": "9.00"}}}]

    assert "was not seen (1)" in differences(missing)[0]
    assert "was seen and not expected (1)" in differences(doubled)[0]
    assert "has other totals than the order" in differences(wrong)[0]


def test_the_demo_tells_of_a_request_that_got_a_second_order() -> None:
    played = _played(replace(GOOD, same_order_as="first"))
    first: UUID = uuid4()
    played.samples = [Sample("the first", "first", {}, GOOD), *played.samples]
    played.request_ids = [first, *played.request_ids]
    (order,) = played.orders.values()
    other = uuid4()
    played.orders[other] = order
    played.outcomes[first] = {"request_id": first, "status": "processed", "order_id": other, "errors": ()}
    played.events.append(played.events[0] | {"subject": str(other)})

    assert differences(played) == ["an order: it has an order of its own"]


def test_the_demo_tells_of_an_order_that_costs_something_else_in_another_dialect() -> None:
    played = _played(GOOD)
    outcome = {"status": "processed", "order_id": uuid4(), "errors": ()}
    spoken = Spoken(
        "a sample", "acme", "zoho_backstage", Decimal(10), outcome, Decimal("10.00"), Decimal("9.99")
    )
    played.dialects = [replace(spoken, total_elsewhere=Decimal(10)), spoken]

    assert differences(played) == ["a sample: it costs 10.00 in acme and 9.99 in zoho_backstage, not 10"]


def test_the_demo_tells_of_a_dialect_that_was_not_understood() -> None:
    played = _played(GOOD)
    outcome = {"status": "rejected", "order_id": None, "errors": ["no such field"]}
    played.dialects = [Spoken("a sample", "acme", "zoho_backstage", Decimal(10), outcome)]

    assert differences(played) == ["a sample: it is rejected: ['no such field']"]
