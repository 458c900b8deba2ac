"""Changes that come out of order, and the versions that they expect."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from orders.reading.history import read_history
from schemas.requests import Request
from tests.factories import NOW, codes, load, make_change, place, read, run
from tests.orders.processing import process_one, run_at
from willcall.kinds import CANCEL, PAY, UPDATE


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_an_older_update_that_comes_late_ends_as_if_it_had_come_in_order(
    engine: Engine, is_one_batch: bool
) -> None:
    load(engine)
    order_id = place(engine)
    patches: list[dict[str, Any]] = [
        {"reference": "first", "shipping": "1.00", "buyer": {"phone": "1", "company": "First"}},
        {"reference": "second", "buyer": {"phone": None}},
        {"shipping": "3.00"},
    ]
    updates = [make_change(UPDATE, order_id=str(order_id), patch=patch) for patch in patches]
    batches = [updates[::-1]] if is_one_batch else [[one] for one in updates[::-1]]
    for batch in batches:
        assert {outcome.status for outcome in run(engine, *batch)} == {"processed"}
    order = read(engine, order_id)
    assert (order["reference"], order["totals"]["shipping"]) == ("second", "3.00")
    assert (order["buyer"]["phone"], order["buyer"]["company"]) == (None, "First")
    assert order["version"] == 4


def test_an_older_update_comes_late_after_a_payment_too(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    update = make_change(UPDATE, order_id=str(order_id), patch={"shipping": "1.00"})
    assert process_one(engine, PAY, order_id=str(order_id), type="cash").status == "processed"
    assert run(engine, update)[0].status == "processed"
    order = read(engine, order_id)
    assert (order["totals"]["total"], order["totals"]["balance"]) == ("46.50", "1.00")
    assert order["payment_status"] == "partially_paid"


def test_without_expected_version_the_last_one_wins_and_the_history_shows_it(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    for reference in ("a", "b"):
        process_one(engine, UPDATE, order_id=str(order_id), patch={"reference": reference})
    with engine.connect() as connection:
        history = read_history(connection, order_id)
    assert [one["changes"] for one in history[1:]] == [
        [{"field": "reference", "from": None, "to": "a"}],
        [{"field": "reference", "from": "a", "to": "b"}],
    ]


def test_an_update_of_an_old_version_is_a_conflict_and_one_of_a_future_version_waits(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    ahead = make_change(UPDATE, order_id=str(order_id), expected_version=2, patch={"reference": "b"})
    assert run(engine, ahead)[0].status == "waiting"
    first = process_one(engine, UPDATE, order_id=str(order_id), expected_version=1, patch={"reference": "a"})
    late = process_one(engine, UPDATE, order_id=str(order_id), expected_version=1, patch={"reference": "c"})
    assert (first.status, codes(late)) == ("processed", ["version_conflict"])
    assert run(engine, ahead)[0].status == "processed"
    order = read(engine, order_id)
    assert (order["reference"], order["version"]) == ("b", 3)


def test_one_of_several_versions_is_enough_and_decided_when_the_request_is(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)

    def change(versions: list[int], reference: str) -> Request:
        patch = {"reference": reference}
        return make_change(UPDATE, order_id=str(order_id), expected_versions=versions, patch=patch)

    ahead = change([3, 9], "c")
    assert run(engine, ahead)[0].status == "waiting"
    for versions, reference in (([1, 2], "a"), ([2, 1], "b")):
        assert run(engine, change(versions, reference))[0].status == "processed"
    (behind,) = run(engine, change([1, 2], "d"))
    assert codes(behind) == ["version_conflict"]
    assert behind.errors[0].field == "expected_versions"
    assert run(engine, ahead)[0].status == "processed"
    order = read(engine, order_id)
    assert (order["reference"], order["version"]) == ("c", 4)


@pytest.mark.parametrize("kind", [UPDATE, CANCEL, PAY])
@pytest.mark.parametrize(
    "words",
    [
        {"expected_versions": []},
        {"expected_versions": [0]},
        {"expected_versions": ["1"]},
        {"expected_versions": 1},
        {"expected_versions": [1] * 1_001},
        {"expected_versions": [1, 2], "expected_version": 1},
    ],
)
def test_malformed_versions_are_refused(engine: Engine, kind: str, words: dict[str, Any]) -> None:
    load(engine)
    more: dict[str, dict[str, Any]] = {UPDATE: {"patch": {}}, CANCEL: {}, PAY: {"type": "cash"}}
    outcome = process_one(engine, kind, order_id=str(place(engine)), **more[kind], **words)

    assert set(codes(outcome)) == {"invalid"}


def test_a_version_that_never_comes_is_a_conflict_in_the_end(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    ahead = make_change(UPDATE, order_id=str(order_id), expected_version=9, patch={"reference": "x"})
    assert run(engine, ahead)[0].status == "waiting"
    (outcome,) = run_at(engine, NOW + timedelta(minutes=1), ahead)
    assert codes(outcome) == ["version_conflict"]
    assert read(engine, order_id)["reference"] is None


def test_the_history_says_who_did_what_when_from_what_to_what(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, shipping="1.00")
    update = make_change(UPDATE, order_id=str(order_id), patch={"shipping": "2.50"})
    run(engine, update)
    process_one(engine, PAY, order_id=str(order_id), type="cash")
    refused = process_one(engine, UPDATE, order_id=str(order_id), patch={"shipping": "-1"})
    assert codes(refused) == ["invalid"]
    with engine.connect() as connection:
        created, updated, paid = read_history(connection, order_id)
    assert (created["version"], created["kind"], created["changes"]) == (1, "orders.create", [])
    assert (updated["version"], updated["kind"], updated["by"]) == (2, "orders.update", "tester")
    assert (updated["request_id"], updated["at"]) == (update.request_id, NOW)
    assert updated["changes"] == [
        {"field": "totals.shipping", "from": "1.00", "to": "2.50"},
        {"field": "totals.total", "from": "46.50", "to": "48.00"},
        {"field": "totals.balance", "from": "46.50", "to": "48.00"},
    ]
    assert {change["field"] for change in paid["changes"]} >= {"payment_status", "totals.paid", "payments.0"}
