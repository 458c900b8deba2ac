"""The oracle finds each thing that should not be, and nothing where all is well."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest

from tests.faults.checking.ledger import Ask, PriceChange, Told
from tests.faults.checking.made_evidence import (
    NOW,
    ORDER,
    PAID,
    REFUSED,
    asks,
    evidence,
    heard,
    order,
    snapshot,
    ticket,
)
from tests.faults.checking.oracle import CHECKS, Evidence, find
from tests.faults.checking.snapshot import Row, Snapshot
from tests.faults.checking.tape import Heard
from tests.faults.system.catalogue import PROMO_CODES, REPRICED, SCARCE, SEATED, STANDING
from willcall.kinds import CANCEL, CREATE


def of_order(**changes: object) -> Evidence:
    return evidence(snapshot=snapshot(orders={"key-1": order(**changes)}))


def of_request(key: str, **changes: object) -> Evidence:
    requests = snapshot().requests
    return evidence(snapshot=snapshot(requests=requests | {key: requests[key] | changes}))


def without(key: str) -> Snapshot:
    return snapshot(requests={name: row for name, row in snapshot().requests.items() if name != key})


def of_classes(**changes: Row) -> Evidence:
    classes = [row | changes.get(f"of_{row['external_id']}", {}) for row in snapshot().classes]
    return evidence(snapshot=snapshot(classes=classes))


def heard_more(*more: Heard) -> Evidence:
    return evidence(heard=[*heard(0, 1, 2), *more])


def told_again(ask: Ask, words: object) -> list[Told]:
    return [*ask.told, Told(4.0, 200, words)]


def hold(until: int, **changes: object) -> Row:
    """Return a hold that ends so many seconds after the snapshot."""
    row: Row = {"id": "hold-1", "class": SEATED, "quantity": 4, "status": "held"}
    return row | {"expires_at": NOW + timedelta(seconds=until)} | changes


def of_promo_code(orders: dict[str, Row] | None = None, **changes: object) -> Evidence:
    (row,) = snapshot().promo_codes
    made = snapshot(promo_codes=[row | changes])
    return evidence(snapshot=made if orders is None else replace(made, orders=orders))


def of_tickets(*tickets: Row) -> Evidence:
    return of_order(tickets=list(tickets))


def sold_at(price: str) -> list[Heard]:
    """Return the event messages of an order of the class whose price changes."""
    confirmed, *others = heard(0, 1, 2)
    line = {"ticket_class_id": REPRICED, "unit_price": price}
    return [replace(confirmed, data={"line_items": [line]}), *others]


FOUND: Final = (
    # check, what it has to say, evidence
    ("every_accepted_request_has_one_outcome", "lost:", evidence(snapshot=without(PAID))),
    ("every_accepted_request_has_one_outcome", "no outcome", evidence(asks=asks(2, outcome=None))),
    ("outcomes_are_possible", "ended as sold_out", evidence(asks=asks(1, may_end_as=frozenset()))),
    (
        "outcomes_are_possible",
        "ended as invalid",
        of_request(REFUSED, errors=[{"code": "invalid"}]),
    ),
    ("what_was_told_stays_true", "told sold_out", evidence(asks=asks(0, outcome="sold_out"))),
    ("what_was_told_stays_true", "told order other", evidence(asks=asks(0, order_id="other"))),
    (
        "what_was_told_stays_true",
        "several totals",
        evidence(asks=asks(0, told=told_again(asks(0)[0], {"totals": {"total": "91.00"}}))),
    ),
    ("nothing_exists_that_nobody_asked_for", "that nobody sent", evidence(asks=asks(0)[:2])),
    ("nothing_exists_that_nobody_asked_for", "another kind", of_request(PAID, kind=CANCEL)),
    (
        "nothing_exists_that_nobody_asked_for",
        "an order that nobody",
        evidence(snapshot=snapshot(orders={"key-1": order(), "key-9": order(tickets=[])})),
    ),
    ("every_order_is_there_once", "doubled:", evidence(snapshot=snapshot(doubled=["key-1"]))),
    ("every_order_is_there_once", "key-1 is processed", evidence(snapshot=snapshot(orders={}))),
    ("every_order_is_there_once", f"{PAID} is processed", evidence(snapshot=snapshot(orders={}))),
    (
        "every_order_is_there_once",
        "is rejected",
        of_request("key-1", status="rejected", errors=[{"code": "x"}]),
    ),
    ("every_order_is_as_its_requests_say", "status is", of_order(status="cancelled")),
    ("every_order_is_as_its_requests_say", "lines is", of_order(lines=[{"class": STANDING, "quantity": 1}])),
    ("every_order_is_as_its_requests_say", "total is", of_order(total=Decimal("92.01"))),
    ("every_order_is_as_its_requests_say", "paid is", of_order(paid=Decimal("91.99"))),
    ("every_order_is_as_its_requests_say", "payments is", of_order(payments=[])),
    ("every_order_is_as_its_requests_say", "valid tickets is 1", of_tickets(ticket(1))),
    (
        "every_order_is_as_its_requests_say",
        "voided tickets is 1",
        of_tickets(ticket(1), ticket(2), ticket(3, status="voided")),
    ),
    (
        "every_order_is_as_its_requests_say",
        "checked in is 1",
        of_tickets(ticket(1), ticket(2, status="checked_in")),
    ),
    ("every_order_is_as_its_requests_say", "buyer is", of_order(buyer_email="late@example.com")),
    ("every_order_is_as_its_requests_say", "version is 3", of_order(version=3)),
    ("every_order_is_sold_at_a_price_of_its_time", "sold at 19.99", evidence(heard=sold_at("19.99"))),
    (
        "every_order_is_sold_at_a_price_of_its_time",
        "sold at 20.00",
        evidence(
            heard=sold_at("20.00"),
            asks=asks(0, asked_at=0.5),
            prices=[PriceChange(REPRICED, "21.00", 0.1, 0.2)],
        ),
    ),
    (
        "nothing_is_oversold_and_the_inventory_adds_up",
        "oversold: 2 tickets",
        of_classes(of_1={"capacity": 1}),
    ),
    ("nothing_is_oversold_and_the_inventory_adds_up", "says 3 sold", of_classes(of_1={"sold": 3})),
    ("nothing_is_oversold_and_the_inventory_adds_up", "1 held", of_classes(of_3={"held": 1})),
    (
        "nothing_is_oversold_and_the_inventory_adds_up",
        "seat seat-1 has 2",
        of_tickets(ticket(1, seat_id="seat-1"), ticket(2, seat_id="seat-1")),
    ),
    (
        "nobody_is_refused_while_something_is_left",
        f"3 tickets of class {SCARCE} are left",
        of_classes(of_4={"capacity": 3}),
    ),
    ("promo_codes_are_used_as_often_as_they_may", "0 orders have it", of_promo_code(used=1)),
    ("promo_codes_are_used_as_often_as_they_may", "used 0 times", of_order(promo_code=PROMO_CODES[0])),
    (
        "promo_codes_are_used_as_often_as_they_may",
        "oversold: 1 orders",
        of_promo_code(max_uses=0, orders={"key-1": order(promo_code=PROMO_CODES[0])}),
    ),
    ("holds_end_in_time", "was over at", evidence(snapshot=snapshot(holds=[hold(until=-31)]))),
    (
        "every_ticket_is_issued_once_and_verifies",
        "does not verify",
        of_tickets(ticket(1), ticket(2, code="of another")),
    ),
    ("every_ticket_is_issued_once_and_verifies", "has no code", of_tickets(ticket(1), ticket(2, code=None))),
    (
        "every_ticket_is_issued_once_and_verifies",
        "2 tickets have the code",
        of_tickets(ticket(1), ticket(2, code="code-1")),
    ),
    (
        "every_event_has_left_in_order",
        "two contents",
        heard_more(replace(heard(0)[0], data={"line_items": []})),
    ),
    ("every_event_has_left_in_order", "out of order", evidence(heard=heard(2, 1, 0))),
    ("every_event_has_left_in_order", "a gap", evidence(snapshot=snapshot(events={ORDER: [1, 3]}))),
    ("every_event_has_left_in_order", "never heard", evidence(heard=heard(0, 1))),
    (
        "every_event_has_left_in_order",
        "not in the database",
        heard_more(replace(heard(1)[0], id="x", subject="x")),
    ),
    ("every_event_has_left_in_order", "in the outbox", evidence(snapshot=snapshot(unsent=1))),
    ("every_order_was_told_of", "confirmed 0 times", evidence(heard=heard(1, 2))),
    ("every_order_was_told_of", "confirmed 2 times", heard_more(replace(heard(0)[0], id="order-1/3"))),
    ("every_order_was_told_of", "says 3 events", of_order(last_sequence=3)),
    ("every_order_was_told_of", f"rejection of {REFUSED}", evidence(heard=heard(0, 2))),
    (
        "nothing_is_left_over",
        "still waits",
        evidence(snapshot=snapshot(waiting=[{"request_id": "x", "last_error": "y"}])),
    ),
    (
        "nothing_is_left_over",
        "a dead letter",
        evidence(snapshot=snapshot(dead=[{"kind": CREATE, "message": b"{}", "reason": "a bug"}])),
    ),
    ("nothing_is_left_over", "reconciliation finds", evidence(discrepancies=["a difference"])),
)

FINE: Final = {
    "all": evidence(),
    "not accepted": evidence(
        asks=asks(2, told=[Told(1.0, "503")], outcome=None, sendings=0),
        snapshot=snapshot(
            requests=without(PAID).requests, orders={"key-1": order(paid=Decimal(0), payments=[], version=1)}
        ),
    ),
    "told twice": evidence(asks=asks(0, told=told_again(asks(0)[0], {"totals": {"total": "92.00"}}))),
    "heard twice": heard_more(*heard(0, 2)),
    "voided in another's seat": evidence(
        snapshot=snapshot(
            orders={"key-1": order(tickets=[ticket(1, seat_id="s"), ticket(2)])},
        )
    ),
    "a hold that is over since a moment": evidence(snapshot=snapshot(holds=[hold(until=-29, quantity=0)])),
    "a hold that was over in time": evidence(snapshot=snapshot(holds=[hold(until=-31, status="expired")])),
    "held": evidence(
        snapshot=snapshot(
            holds=[hold(until=1)],
            classes=[
                row | ({"held": 4} if row["external_id"] == SEATED else {}) for row in snapshot().classes
            ],
        )
    ),
}


@pytest.mark.parametrize(("check", "words", "made"), FOUND, ids=[f"{one[0]}: {one[1]}" for one in FOUND])
def test_a_check_finds_what_should_not_be(check: str, words: str, made: Evidence) -> None:
    found = [finding.what for finding in find(made) if finding.check == check]

    assert any(words in one for one in found), find(made)


@pytest.mark.parametrize("name", FINE)
def test_nothing_is_found_where_all_is_well(name: str) -> None:
    assert find(FINE[name]) == []


def test_each_check_has_something_to_find() -> None:
    assert {check.__name__ for check in CHECKS} == {check for check, _, _ in FOUND}


@pytest.mark.parametrize(
    ("price", "changes"),
    [
        pytest.param("20.00", [], id="the first price"),
        pytest.param(
            "20.00", [PriceChange(REPRICED, "9.00", 5.0, 6.0)], id="the price before a later change"
        ),
        pytest.param(
            "9.00", [PriceChange(REPRICED, "9.00", 0.1, 0.2)], id="the price since an earlier change"
        ),
        pytest.param(
            "20.00", [PriceChange(REPRICED, "9.00", 0.1, 1.0)], id="the price before a change meanwhile"
        ),
        pytest.param("9.00", [PriceChange(REPRICED, "9.00", 0.1)], id="a price that may have been loaded"),
    ],
)
def test_an_order_is_sold_at_any_price_of_its_time(price: str, changes: list[PriceChange]) -> None:
    made = evidence(heard=sold_at(price), asks=asks(0, asked_at=0.5), prices=changes)

    found = {finding.check for finding in find(made)}

    assert "every_order_is_sold_at_a_price_of_its_time" not in found
