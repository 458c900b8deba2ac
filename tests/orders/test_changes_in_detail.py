"""The rules of changes one by one: order of acceptance, refusals, seats, money, holds, the gate, history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.ids import new_id
from orders.catalogue.loading import load_catalogue
from orders.catalogue.ticket_codes import TicketKey, code_scope
from orders.process import process
from orders.reading.history import read_history
from orders.upkeep.expiry import end_late_holds, propose_expiries
from orders.upkeep.reconciliation import reconcile
from schemas.catalogue import Catalogue
from schemas.outcomes import Outcome
from schemas.requests import CANCEL, CHECK_IN, EXTEND, PAY, RELEASE, TAKE, UPDATE, Request
from tests.factories import (
    NOW,
    codes,
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    place,
    read,
    rows,
    run,
    scalar,
)


def _run_at(engine: Engine, now: datetime, *requests: Request) -> Sequence[Outcome]:
    with engine.begin() as connection:
        return process(connection, requests, now=now)


def _one(engine: Engine, kind: str, **body: Any) -> Outcome:
    (outcome,) = run(engine, make_change(kind, **body))
    return outcome


def _is_consistent(engine: Engine) -> bool:
    with engine.begin() as connection:
        return reconcile(connection, now=NOW) == []


def _load_with_settings(engine: Engine, **settings: Any) -> None:
    catalogue = {"tenant": "demo", "events": [make_event()], "settings": settings}
    load_catalogue(engine, Catalogue.model_validate(catalogue), now=NOW)


def _seats(order: dict[str, Any]) -> list[str]:
    return [ticket["seat"] for ticket in order["tickets"] if ticket["status"] != "voided"]


# The order of acceptance.


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
    assert _one(engine, PAY, order_id=str(order_id), type="cash").status == "processed"
    assert run(engine, update)[0].status == "processed"
    order = read(engine, order_id)
    assert (order["totals"]["total"], order["totals"]["balance"]) == ("46.50", "1.00")
    assert order["payment_status"] == "partially_paid"


def test_without_expected_version_the_last_one_wins_and_the_history_shows_it(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    for reference in ("a", "b"):
        _one(engine, UPDATE, order_id=str(order_id), patch={"reference": reference})
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
    first = _one(engine, UPDATE, order_id=str(order_id), expected_version=1, patch={"reference": "a"})
    late = _one(engine, UPDATE, order_id=str(order_id), expected_version=1, patch={"reference": "c"})
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
    outcome = _one(engine, kind, order_id=str(place(engine)), **more[kind], **words)

    assert set(codes(outcome)) == {"invalid"}


def test_a_version_that_never_comes_is_a_conflict_in_the_end(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    ahead = make_change(UPDATE, order_id=str(order_id), expected_version=9, patch={"reference": "x"})
    assert run(engine, ahead)[0].status == "waiting"
    (outcome,) = _run_at(engine, NOW + timedelta(minutes=1), ahead)
    assert codes(outcome) == ["version_conflict"]
    assert read(engine, order_id)["reference"] is None


# Refusals leave nothing behind.


def test_an_update_that_is_refused_half_way_leaves_nothing_to_its_neighbours(engine: Engine) -> None:
    classes = [make_ticket_class(capacity=3), make_seated_class(seats="1-5")]
    load(engine, make_event(ticket_classes=classes))
    standing = {"ticket_class_id": "standing", "quantity": 2}
    order_id = place(engine, line_items=[_seat("1", "2"), standing])
    other_id = place(engine, line_items=[_seat("3")])
    before = read(engine, order_id)
    # The seats are changed before the rest turns out to be sold out.
    lines = [_seat("4", "5"), standing | {"quantity": 4}]
    refused = make_change(
        UPDATE, order_id=str(order_id), patch={"reference": "x", "line_items": lines, "shipping": "9.00"}
    )
    neighbour = make_change(UPDATE, order_id=str(other_id), patch={"line_items": [_seat("4", "5")]})
    again = make_change(
        UPDATE, order_id=str(order_id), patch={"line_items": [_seat("2", "1"), standing | {"quantity": 3}]}
    )
    outcomes = run(engine, refused, neighbour, again)
    assert [codes(outcome) for outcome in outcomes] == [["sold_out"], [], []]
    after = read(engine, order_id)
    assert (after["version"], after["reference"], after["totals"]["shipping"]) == (2, None, "0.00")
    assert [one for one in after["tickets"] if one["seat"]] == [
        one for one in before["tickets"] if one["seat"]
    ]
    assert _seats(read(engine, other_id)) == ["4", "5"]
    assert rows(engine, "SELECT external_id, sold FROM ticket_classes ORDER BY 1") == [
        ("stalls", 4),
        ("standing", 3),
    ]
    assert rows(engine, "SELECT label FROM seats WHERE NOT is_taken") == [("3",)]
    assert _is_consistent(engine)


def test_an_order_refused_for_its_promo_code_takes_no_seat(engine: Engine) -> None:
    load(
        engine,
        make_event(
            ticket_classes=[make_seated_class(seats="1-4")],
            promo_codes=[{"code": "ONCE", "percent": "10", "max_uses": 1}],
        ),
    )
    outcomes = run(engine, *(make_request(ticket_class="stalls", promo_code="ONCE") for _ in range(2)))
    assert [codes(outcome) for outcome in outcomes] == [[], ["unknown_promo_code"]]
    assert rows(engine, "SELECT label FROM seats WHERE is_taken") == [("1",)]
    assert _is_consistent(engine)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"ticket_class_id": "stalls", "quantity": 2, "seats": ["1"]}, "invalid"),
        ({"ticket_class_id": "stalls", "quantity": 1, "seats": ["1", "2"]}, "invalid"),
        ({"ticket_class_id": "stalls", "quantity": 2, "seats": ["1", "1"]}, "seat_unavailable"),
        ({"ticket_class_id": "standing", "quantity": 1, "seats": ["1"]}, "invalid"),
        ({"ticket_class_id": "standing", "quantity": 1, "low_seat": "1"}, "invalid"),
        ({"ticket_class_id": "stalls", "quantity": 3, "low_seat": "A"}, "seat_unavailable"),
        ({"ticket_class_id": "stalls", "quantity": 2, "low_seat": "4"}, "seat_unavailable"),
    ],
)
def test_wished_seats_are_one_for_each_ticket(engine: Engine, item: dict[str, Any], code: str) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class(seats="1-4")]))
    order_id = place(engine, line_items=[_seat("3")])
    for outcome in (
        run(engine, make_request(line_items=[item]))[0],
        _one(engine, UPDATE, order_id=str(order_id), patch={"line_items": [item]}),
        _one(engine, TAKE, **item),
    ):
        assert codes(outcome) == [code]
    assert _is_consistent(engine)


def _seat(*labels: str) -> dict[str, Any]:
    return {"ticket_class_id": "stalls", "quantity": len(labels), "seats": list(labels)}


@pytest.mark.parametrize(
    "patch",
    [
        {"buyer": None},
        {"buyer": "Ada"},
        {"line_items": []},
        {"line_items": "standing"},
        {"line_items": [{"ticket_class_id": "standing", "quantity": 0}]},
        {"line_items": [{"ticket_class_id": "\x00", "quantity": 1}]},
        {"line_items": [{"ticket_class_id": "\ud800", "quantity": 1}]},
        {"line_items": [{"ticket_class_id": "stalls", "quantity": 1, "seats": ["\x00"]}]},
        {"line_items": [{"ticket_class_id": "stalls", "quantity": 1, "low_seat": "9" * 5_000}]},
        {"line_items": [{"ticket_class_id": "standing", "quantity": 2, "line_number": 7}]},
        {"line_items": [{"ticket_class_id": "stalls", "quantity": 2, "line_number": 1}]},
        {"shipping": 5.0},
        {"status": "refunded"},
    ],
)
def test_a_patch_that_makes_no_order_is_invalid(engine: Engine, patch: dict[str, Any]) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class(seats="1-4")]))
    order_id = place(engine)
    outcome = _one(engine, UPDATE, order_id=str(order_id), patch=patch)
    assert outcome.status == "rejected"
    assert set(codes(outcome)) <= {"invalid", "seat_unavailable"}
    assert read(engine, order_id)["version"] == 1


def test_a_patch_that_is_nested_too_deeply_is_refused(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    deep: Any = "x"
    for _ in range(900):
        deep = {"a": deep}
    outcome = _one(engine, UPDATE, order_id=str(order_id), patch={"buyer": deep})
    assert outcome.status == "rejected"
    assert set(codes(outcome)) == {"invalid"}


def test_an_unknown_class_and_a_price_that_may_not_be_set_are_refused(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    unknown = {"line_items": [{"ticket_class_id": "nowhere", "quantity": 1}]}
    assert codes(_one(engine, UPDATE, order_id=str(order_id), patch=unknown)) == ["unknown_ticket_class"]
    cheap = {"line_items": [{"ticket_class_id": "standing", "quantity": 1, "unit_price": "1.00"}]}
    request = make_change(UPDATE, order_id=str(order_id), patch=cheap, may_set_price=False)
    assert codes(run(engine, request)[0]) == ["price_mismatch"]
    assert _one(engine, UPDATE, order_id=str(order_id), patch=cheap).status == "processed"
    # What was agreed once may be said again by everybody.
    again = make_change(UPDATE, order_id=str(order_id), patch=cheap, may_set_price=False)
    assert run(engine, again)[0].status == "processed"
    assert read(engine, order_id)["totals"]["total"] == "1.00"


def test_a_line_grows_by_what_another_line_of_the_update_gives_back(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=4)]))
    item = {"ticket_class_id": "standing", "quantity": 2}
    order_id = place(engine, line_items=[item, item])
    lines = [item | {"line_number": 1, "quantity": 3}, item | {"line_number": 2, "quantity": 1}]
    assert _one(engine, UPDATE, order_id=str(order_id), patch={"line_items": lines}).status == "processed"
    assert [line["quantity"] for line in read(engine, order_id)["line_items"]] == [3, 1]
    assert _is_consistent(engine)


# Tickets and seats.


def test_a_rename_keeps_the_code_and_another_seat_has_another(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-6")]))
    order_id = place(engine, line_items=[_seat("1", "2")])
    before = read(engine, order_id)["tickets"]
    renamed = {"ticket_class_id": "stalls", "quantity": 2, "attendees": [{"first_name": "Cyd"}]}
    _one(engine, UPDATE, order_id=str(order_id), patch={"line_items": [renamed]})
    after = read(engine, order_id)["tickets"]
    assert [one["code"] for one in after] == [one["code"] for one in before]
    assert [one["attendee"] and one["attendee"]["first_name"] for one in after] == ["Cyd", None]

    assert _one(engine, UPDATE, order_id=str(order_id), patch={"line_items": [_seat("2", "5")]}).errors == ()
    tickets = {one["seat"]: one for one in read(engine, order_id)["tickets"]}
    assert {seat: one["status"] for seat, one in tickets.items()} == {
        "1": "voided",
        "2": "valid",
        "5": "valid",
    }
    assert tickets["2"]["code"] == before[1]["code"]
    assert tickets["5"]["code"] not in {one["code"] for one in before}
    assert rows(engine, "SELECT label FROM seats WHERE is_taken ORDER BY 1") == [("2",), ("5",)]
    told = rows(engine, "SELECT type FROM event_messages WHERE sequence > 2 ORDER BY sequence")
    assert told == [("order.updated",), ("ticket.voided",), ("ticket.issued",)]


def test_a_ticket_that_was_used_is_not_taken_away(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2)
    for ticket in read(engine, order_id)["tickets"]:
        _one(engine, CHECK_IN, ticket_id=str(ticket["id"]))
    last = ticket
    fewer = {"line_items": [{"ticket_class_id": "standing", "quantity": 1}]}
    for outcome in (
        _one(engine, UPDATE, order_id=str(order_id), patch=fewer),
        _one(engine, CANCEL, order_id=str(order_id)),
        _one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(last["id"])]),
    ):
        assert codes(outcome) == ["not_allowed_in_status"]
    assert scalar(engine, "SELECT sold FROM ticket_classes") == 2


@pytest.mark.parametrize("is_refunded", [False, True])
def test_a_cancelled_order_takes_no_update(engine: Engine, is_refunded: bool) -> None:
    load(engine)
    order_id = place(engine, payments=[{"type": "cash"}])
    _one(engine, CANCEL, order_id=str(order_id))
    if is_refunded:
        _one(engine, PAY, order_id=str(order_id), type="cash", is_refund=True)
    outcome = _one(engine, UPDATE, order_id=str(order_id), patch={"reference": "x"})
    assert codes(outcome) == ["not_allowed_in_status"]
    assert _one(engine, CANCEL, order_id=str(order_id)).status == "processed"
    status = "refunded" if is_refunded else "cancelled"
    assert read(engine, order_id)["status"] == status


# Partial cancels.


def test_a_given_tax_and_a_discount_shrink_with_the_tickets(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(price="10.00")]))
    order_id = place(engine, quantity=3, tax="1.00", discount="25.00", shipping="2.00")
    assert (
        _one(engine, CANCEL, order_id=str(order_id), lines=[{"line_number": 1, "quantity": 1}]).errors == ()
    )
    totals = read(engine, order_id)["totals"]
    # 1.00 × 20 / 30 = 0.67 and 25.00 × 20 / 30 = 16.67: each ticket keeps its share.
    assert (totals["subtotal"], totals["tax"], totals["discount"]) == ("20.00", "0.67", "16.67")
    assert totals["total"] == "6.00"


@pytest.mark.parametrize(
    ("promo_code", "discount"), [({"amount": "15.00"}, "10.00"), ({"percent": "50"}, "7.50")]
)
def test_a_partial_cancel_is_possible_whatever_was_taken_off(
    engine: Engine, promo_code: dict[str, str], discount: str
) -> None:
    load(
        engine,
        make_event(
            ticket_classes=[make_ticket_class(price="10.00")], promo_codes=[{"code": "PROMO"} | promo_code]
        ),
    )
    order_id = place(engine, quantity=2, promo_code="PROMO", discount="5.00")
    outcome = _one(engine, CANCEL, order_id=str(order_id), lines=[{"line_number": 1, "quantity": 1}])
    assert outcome.errors == ()
    assert read(engine, order_id)["totals"]["discount"] == discount
    # And it is an order like any other afterwards.
    assert _one(engine, UPDATE, order_id=str(order_id), patch={"reference": "x"}).errors == ()


def test_lines_of_the_promo_codes_event_can_be_cancelled(engine: Engine) -> None:
    concert = make_event(promo_codes=[{"code": "TEN", "percent": "10"}])
    load(engine, concert, make_event("opera", ticket_classes=[make_ticket_class("pit", price="10.00")]))
    items = [{"ticket_class_id": name, "quantity": 1} for name in ("standing", "pit")]
    order_id = place(engine, line_items=items, promo_code="TEN")
    assert _one(engine, CANCEL, order_id=str(order_id), lines=[{"line_number": 1}]).errors == ()
    assert read(engine, order_id)["totals"]["total"] == "10.00"
    assert _one(engine, UPDATE, order_id=str(order_id), patch={"shipping": "1.00"}).errors == ()


def test_cancelling_every_ticket_one_by_one_cancels_theread(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2)
    for ticket in read(engine, order_id)["tickets"]:
        for _ in range(2):
            outcome = _one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(ticket["id"])])
            assert outcome.status == "processed"
    order = read(engine, order_id)
    assert (order["status"], order["version"]) == ("cancelled", 3)
    assert scalar(engine, "SELECT sold FROM ticket_classes") == 0


def test_a_ticket_or_a_line_that_the_order_does_not_have_cannot_be_cancelled(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    assert codes(_one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(new_id())])) == [
        "unknown_ticket"
    ]
    for part in ({"line_number": 2}, {"line_number": 1, "quantity": 2}):
        assert codes(_one(engine, CANCEL, order_id=str(order_id), lines=[part])) == ["invalid"]


# Money.


def test_no_more_is_refunded_than_was_paid(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, payments=[{"type": "cash", "amount": "10.00"}])
    refund = {"order_id": str(order_id), "type": "cash", "is_refund": True}
    assert codes(_one(engine, PAY, **refund, amount="10.01")) == ["invalid"]
    assert codes(_one(engine, PAY, **refund)) == ["invalid"]  # nothing is owed to the buyer
    for _ in range(2):
        assert _one(engine, PAY, **refund, amount="6.00", status="pending").status == "processed"
    assert _one(engine, PAY, **refund, payment_number=2).status == "processed"
    assert codes(_one(engine, PAY, **refund, payment_number=3)) == ["invalid"]
    totals = read(engine, order_id)["totals"]
    assert (totals["paid"], totals["refunded"], totals["balance"]) == ("10.00", "6.00", "41.50")
    assert codes(_one(engine, PAY, **refund, amount="4.005")) == ["too_many_decimals"]
    assert _one(engine, PAY, **refund, amount="4.00").status == "processed"
    assert read(engine, order_id)["payment_status"] == "refunded"


def test_what_was_paid_for_a_cancelled_order_is_owed_back(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2, payments=[{"type": "cash"}])
    _one(engine, CANCEL, order_id=str(order_id))
    assert read(engine, order_id)["totals"]["balance"] == "-91.00"
    assert _one(engine, PAY, order_id=str(order_id), type="cash", is_refund=True).status == "processed"
    order = read(engine, order_id)
    assert (order["status"], order["payment_status"]) == ("refunded", "refunded")
    assert order["totals"]["balance"] == "0.00"


def test_a_pending_payment_counts_when_it_is_completed(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    _one(engine, PAY, order_id=str(order_id), type="check", status="pending")
    assert read(engine, order_id)["payment_status"] == "unpaid"
    wrong = {"type": "cash"}, {"type": "check", "amount": "1.00"}, {"type": "check", "is_refund": True}
    for words in wrong:
        assert codes(_one(engine, PAY, order_id=str(order_id), payment_number=1, **words)) == ["invalid"]
    for _ in range(2):
        assert _one(engine, PAY, order_id=str(order_id), type="check", payment_number=1).errors == ()
    order = read(engine, order_id)
    assert (order["payment_status"], order["version"], len(order["payments"])) == ("paid", 3, 1)


def test_a_credit_card_needs_a_gateway(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    created = run(engine, make_request(payments=[{"type": "credit_card"}]))[0]
    paid = _one(engine, PAY, order_id=str(order_id), type="credit_card")
    for outcome, field in ((created, "payments.0.type"), (paid, "type")):
        (rejection,) = outcome.errors
        assert (rejection.code, rejection.field) == ("invalid", field)
        assert "payment gateway" in rejection.message
    assert scalar(engine, "SELECT count(*) FROM payments") == 0


def test_what_is_not_paid_in_time_is_cancelled_where_the_tenant_says_so(engine: Engine) -> None:
    _load_with_settings(engine, cancels_unpaid=True)
    due = {"payment_due_at": (NOW + timedelta(hours=1)).isoformat()}
    unpaid = place(engine, **due)
    paid = place(engine, payments=[{"type": "cash"}], **due)
    not_due = place(engine)
    with engine.connect() as connection:
        assert propose_expiries(connection, now=NOW) == []
    later = NOW + timedelta(hours=1)
    for expected in (1, 0):  # once, however often the sweep comes
        with engine.begin() as connection:
            requests = propose_expiries(connection, now=later)
            process(connection, requests, now=later)
        assert len(requests) == expected
    assert [read(engine, one)["status"] for one in (unpaid, paid, not_due)] == [
        "cancelled",
        "placed",
        "placed",
    ]
    assert "not paid" in read(engine, unpaid)["cancellation"]["reason"]
    with engine.connect() as connection:
        assert read_history(connection, unpaid)[-1]["by"] == "schedule"


def test_what_is_not_paid_in_time_stays_where_the_tenant_does_not_say_so(engine: Engine) -> None:
    load(engine)
    place(engine, payment_due_at=NOW.isoformat())
    with engine.connect() as connection:
        assert propose_expiries(connection, now=NOW + timedelta(days=1)) == []


def test_tickets_are_issued_on_full_payment_where_the_tenant_says_so(engine: Engine) -> None:
    _load_with_settings(engine, issues_tickets="on_payment")
    order_id = place(engine, quantity=2)
    assert [one["code"] for one in read(engine, order_id)["tickets"]] == [None, None]
    _one(engine, PAY, order_id=str(order_id), type="cash", amount="45.50")
    assert [one["code"] for one in read(engine, order_id)["tickets"]] == [None, None]
    _one(engine, PAY, order_id=str(order_id), type="cash")
    tickets = [one["code"] for one in read(engine, order_id)["tickets"]]
    assert all(tickets)
    told = rows(engine, "SELECT type, count(*) FROM event_messages GROUP BY 1 ORDER BY 1")
    assert told == [("order.confirmed", 1), ("payment.recorded", 2), ("ticket.issued", 2)]
    # One more ticket is one that is not paid yet.
    more = {"line_items": [{"ticket_class_id": "standing", "quantity": 3}]}
    _one(engine, UPDATE, order_id=str(order_id), patch=more)
    assert [one["code"] for one in read(engine, order_id)["tickets"]] == [*tickets, None]
    assert all(one["code"] for one in read(engine, place(engine, payments=[{"type": "cash"}]))["tickets"])


# Holds.


def _take(engine: Engine, seconds: int | None = 60, **words: Any) -> str:
    until = {} if seconds is None else {"expires_at": (NOW + timedelta(seconds=seconds)).isoformat()}
    body: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 2, **until, **words}
    hold = make_change(TAKE, **body)
    assert run(engine, hold)[0].status == "processed"
    return str(hold.request_id)


def test_a_hold_expires_while_another_batch_buys(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-2")]))
    hold = _take(engine, ticket_class_id="stalls")
    late = NOW + timedelta(seconds=60)
    other, holder = _run_at(
        engine,
        late,
        make_request(ticket_class="stalls", quantity=2),
        make_request(line_items=[{"hold_id": hold}]),
    )
    assert (other.status, codes(holder)) == ("processed", ["hold_expired"])
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(2, 0)]
    assert rows(engine, "SELECT status FROM holds") == [("expired",)]
    assert _is_consistent(engine)


def test_a_hold_that_is_just_being_used_is_not_waited_for_when_it_expires(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=3)]))
    hold = _take(engine)
    with engine.begin() as other:
        other.execute(text("SELECT 1 FROM holds FOR UPDATE"))
        one, two = _run_at(engine, NOW + timedelta(seconds=60), make_request(), make_request())
    assert (one.status, codes(two)) == ("processed", ["sold_out"])
    with engine.begin() as connection:
        assert end_late_holds(connection, now=NOW + timedelta(seconds=60)) == 1
    assert rows(engine, "SELECT id::text, status FROM holds") == [(hold, "expired")]
    assert _is_consistent(engine)


def test_a_hold_is_released_once_however_often_that_is_asked(engine: Engine) -> None:
    load(engine)
    hold = _take(engine)
    for _ in range(2):
        assert _one(engine, RELEASE, hold_id=hold).status == "processed"
        assert rows(engine, "SELECT held FROM ticket_classes") == [(0,)]
    assert codes(_one(engine, RELEASE, hold_id=str(new_id()))) == ["hold_expired"]


def test_a_hold_is_extended_until_it_has_expired(engine: Engine) -> None:
    load(engine)
    hold = _take(engine)
    longer = {"hold_id": hold, "expires_at": (NOW + timedelta(seconds=120)).isoformat()}
    assert _one(engine, EXTEND, **longer).status == "processed"
    extend = make_change(EXTEND, hold_id=hold)
    (outcome,) = _run_at(engine, NOW + timedelta(seconds=120), extend)
    assert codes(outcome) == ["hold_expired"]
    assert rows(engine, "SELECT status, held FROM holds JOIN ticket_classes c ON true") == [("expired", 0)]


def test_a_hold_without_an_end_stays(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=2)]))
    hold = _take(engine, seconds=None)
    (outcome,) = _run_at(engine, NOW + timedelta(days=365), make_request())
    assert codes(outcome) == ["sold_out"]
    assert place(engine, line_items=[{"hold_id": hold}])


def test_an_order_with_a_hold_is_cancelled_in_the_same_batch(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_seated_class(seats="1-4")]))
    hold = _take(engine, ticket_class_id="stalls")
    create = make_request(line_items=[{"hold_id": hold}])
    cancel = make_change(CANCEL, order_key=create.body["idempotency_key"])
    assert [outcome.status for outcome in run(engine, create, cancel)] == ["processed", "processed"]
    assert rows(engine, "SELECT sold, held FROM ticket_classes") == [(0, 0)]
    assert _is_consistent(engine)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"ticket_class_id": "stalls"}, "invalid"),
        ({"quantity": 1}, "invalid"),
        ({"seats": ["1", "2"]}, "invalid"),
        ({"attendees": [{"first_name": "Ada"}] * 3}, "invalid"),
        ({"unit_price": "1.00"}, "price_mismatch"),
    ],
)
def test_a_line_does_not_contradict_its_hold(engine: Engine, words: dict[str, Any], code: str) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class(seats="1-4")]))
    hold = _take(engine)
    request = make_request(line_items=[{"hold_id": hold, **words}], may_set_price=False)
    assert codes(run(engine, request)[0]) == [code]
    assert rows(engine, "SELECT status FROM holds") == [("held",)]


def test_nobody_uses_the_hold_of_another_tenant(engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    hold = _take(engine)
    request = make_request(line_items=[{"hold_id": hold}], tenant="other")
    assert codes(run(engine, request)[0]) == ["hold_expired"]


# The gate.


def test_the_same_scan_once_more_is_no_second_use(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2)
    code = read(engine, order_id)["tickets"][0]["code"]
    for _ in range(2):
        assert _one(engine, CHECK_IN, code=code, nonce="gate 1, scan 7").status == "processed"
    used = _one(engine, CHECK_IN, code=code, nonce="gate 2, scan 1")
    assert codes(used) == ["already_checked_in"]
    assert NOW.isoformat()[:16] in used.errors[0].message
    order = read(engine, order_id)
    assert order["check_in"] == {"status": "partially_checked_in", "checked_in": 1, "tickets": 2}
    assert order["version"] == 2
    assert rows(engine, "SELECT type FROM event_messages WHERE sequence > 1") == [("ticket.checked_in",)]


def test_a_use_can_be_undone(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    code = read(engine, order_id)["tickets"][0]["code"]
    _one(engine, CHECK_IN, code=code)
    for _ in range(2):
        assert _one(engine, CHECK_IN, code=code, undo=True).status == "processed"
    order = read(engine, order_id)
    assert (order["check_in"]["status"], order["tickets"][0]["checked_in_at"]) == ("not_checked_in", None)
    assert _one(engine, CHECK_IN, code=code).status == "processed"


def test_the_gate_hears_why_a_ticket_is_not_good(engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    order_id = place(engine, quantity=2)
    first, second = read(engine, order_id)["tickets"]
    assert codes(_one(engine, CHECK_IN, code=first["code"], event_id="opera")) == ["wrong_event"]
    assert _one(engine, CHECK_IN, code=first["code"], event_id="concert").status == "processed"
    _one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(second["id"])])
    assert codes(_one(engine, CHECK_IN, code=second["code"])) == ["ticket_voided"]
    assert codes(_one(engine, CHECK_IN, code=second["code"], undo=True)) == ["ticket_voided"]
    assert codes(_one(engine, CHECK_IN, ticket_id=str(new_id()))) == ["unknown_ticket"]
    tampered = first["code"][:-4] + ("AAAA" if first["code"][-4:] != "AAAA" else "BBBB")
    for forged in (tampered, _signed_by_a_stranger(first["id"]), "no code", "ünïcode", ""):
        assert codes(_one(engine, CHECK_IN, code=forged)) == ["forged_ticket"]
    foreign = run(engine, make_request(tenant="other"))[0].order_id
    assert foreign is not None
    foreign_code = read(engine, foreign)["tickets"][0]["code"]
    assert codes(_one(engine, CHECK_IN, code=foreign_code)) == ["unknown_ticket"]


def _signed_by_a_stranger(ticket_id: UUID) -> str:
    scope = code_scope(event_id=new_id(), ticket_class_id=new_id(), valid_from=NOW, valid_until=NOW)
    return TicketKey.generate().sign(ticket_id.bytes, scope)


def test_a_ticket_of_a_cancelled_order_is_voided_at_the_gate(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    code = read(engine, order_id)["tickets"][0]["code"]
    _one(engine, CANCEL, order_id=str(order_id))
    assert codes(_one(engine, CHECK_IN, code=code)) == ["ticket_voided"]


# History.


def test_the_history_says_who_did_what_when_from_what_to_what(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, shipping="1.00")
    update = make_change(UPDATE, order_id=str(order_id), patch={"shipping": "2.50"})
    run(engine, update)
    _one(engine, PAY, order_id=str(order_id), type="cash")
    refused = _one(engine, UPDATE, order_id=str(order_id), patch={"shipping": "-1"})
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
