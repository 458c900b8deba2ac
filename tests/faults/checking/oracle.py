"""The oracle: do producers, the database and all event messages agree on what happened?

It knows nothing of the program: a ledger, a tape, a snapshot, and a model of a few lines.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from tests.faults.checking import stock_checks
from tests.faults.checking.evidence import CHECKS, Evidence, Finding, check, status_of
from tests.faults.checking.ledger import Ask
from tests.faults.checking.model import Expected
from tests.faults.checking.prices import prices_between, prices_sold_at
from tests.faults.checking.snapshot import Row
from tests.faults.system.catalogue import PRICES
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, UPDATE

__all__ = ["CHECKS", "MORE_CHECKS", "Evidence", "Finding", "find"]

MORE_CHECKS: Final = (stock_checks,)
"""The modules that add checks to those of this file."""

_CHANGES: Final = {UPDATE, CANCEL, PAY, CHECK_IN}


def find(evidence: Evidence) -> list[Finding]:
    """Return everything that should not be."""
    return [Finding(one.__name__, what) for one in CHECKS for what in one(evidence)]


@check
def every_accepted_request_has_one_outcome(evidence: Evidence) -> Iterator[str]:
    for ask in evidence.asks:
        if ask.is_accepted and ask.key not in evidence.snapshot.requests:
            yield f"lost: {ask.kind} {ask.key} of {ask.producer}, told {[one.status for one in ask.told]}"
        elif ask.outcome is None and ask.sendings:
            yield f"no outcome for its producer: {ask.kind} {ask.key} of {ask.producer}"
    for one in evidence.poisons:
        if not any(one.mark.encode() in bytes(row["message"]) for row in evidence.snapshot.dead):
            yield f"lost: a message that is no request, and no dead letter ({one.what}, {one.mark})"


@check
def outcomes_are_possible(evidence: Evidence) -> Iterator[str]:
    for ask in evidence.asks:
        row = evidence.snapshot.requests.get(ask.key)
        if row is not None and status_of(row) not in ask.may_end_as:
            yield f"{ask.kind} {ask.key} of {ask.producer} ended as {status_of(row)}: {row['errors']}"


@check
def what_was_told_stays_true(evidence: Evidence) -> Iterator[str]:
    for ask in evidence.asks:
        row = evidence.snapshot.requests.get(ask.key)
        if row is None or ask.outcome is None:
            continue
        if ask.outcome != status_of(row):
            yield f"{ask.kind} {ask.key}: told {ask.outcome}, the database says {status_of(row)}"
        if ask.order_id is not None and ask.order_id != row["order_id"]:
            yield f"{ask.kind} {ask.key}: told order {ask.order_id}, the database says {row['order_id']}"
        orders = [
            one.words
            for one in ask.told
            if ask.kind == CREATE and isinstance(one.words, dict) and "totals" in one.words
        ]
        others = {words["id"] for words in orders if "id" in words} - {row["order_id"]}
        if others:
            yield f"{ask.kind} {ask.key}: told other orders, {others}; it is {row['order_id']}"
        totals = {words["totals"]["total"] for words in orders}
        if len(totals) > 1:
            yield f"{ask.kind} {ask.key}: told several totals, {totals}"


@check
def nothing_exists_that_nobody_asked_for(evidence: Evidence) -> Iterator[str]:
    asked = {ask.key: ask for ask in evidence.asks}
    for key, row in evidence.snapshot.requests.items():
        if key not in asked:
            yield f"a request that nobody sent: {row['kind']} {key}"
        elif row["kind"] != asked[key].kind:
            yield f"a request of another kind: {row['kind']} {key}"
    for key in evidence.snapshot.orders:
        if key not in asked:
            yield f"an order that nobody asked for: {key}"


@check
def every_order_is_there_once(evidence: Evidence) -> Iterator[str]:
    for key in evidence.snapshot.doubled:
        yield f"doubled: two orders of {key}"
    for ask in evidence.asks:
        row = evidence.snapshot.requests.get(ask.key)
        if ask.kind == CREATE and row is not None:
            is_there = ask.key in evidence.snapshot.orders
            if is_there != (row["status"] == "processed"):
                yield f"{ask.key} is {row['status']}, and its order is {'' if is_there else 'not '}there"
        is_change = ask.kind in _CHANGES and row is not None and row["status"] == "processed"
        if is_change and ask.life not in evidence.snapshot.orders:
            yield f"{ask.kind} {ask.key} is processed, and its order is not there"


@check
def every_order_is_as_its_requests_say(evidence: Evidence) -> Iterator[str]:
    for life, expected in _expected(evidence).items():
        order = evidence.snapshot.orders.get(life)
        if order is not None:
            for difference in _differences(order, expected):
                yield f"order {life}: {difference}"


def _expected(evidence: Evidence) -> dict[str, Expected]:
    lives: defaultdict[str, list[Ask]] = defaultdict(list)
    for ask in evidence.asks:
        lives[ask.life].append(ask)
    found, sold_at = {}, prices_sold_at(evidence.heard, evidence.snapshot)
    for life, asks in lives.items():
        expected: Expected | None = None
        for ask in sorted(asks, key=lambda one: one.place):
            row = evidence.snapshot.requests.get(ask.key)
            is_done = row is not None and row["status"] == "processed"
            is_possible = expected is not None or ask.kind == CREATE
            if is_done and is_possible and ask.effect is not None:
                expected = ask.effect(expected)
        if expected is not None:
            found[life] = replace(expected, prices={**PRICES, **sold_at.get(life, {})})
    return found


def _differences(order: Row, expected: Expected) -> Iterator[str]:
    tickets = Counter(ticket["status"] for ticket in order["tickets"])
    lines = tuple((line["class"], line["quantity"]) for line in order["lines"] if line["quantity"])
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("status", order["status"], expected.status),
        ("lines", lines, expected.lines),
        ("total", order["total"], expected.total),
        ("paid", order["paid"], expected.paid),
        ("payments", _completed(order), expected.paid),
        ("valid tickets", tickets["valid"] + tickets["checked_in"], expected.tickets),
        ("voided tickets", tickets["voided"], expected.voided),
        ("checked in", tickets["checked_in"], expected.checked_in),
        ("buyer", order["buyer_email"], expected.email or order["buyer_email"]),
        ("version", order["version"], 1 + expected.changes),
    )
    for name, found, wanted in pairs:
        if found != wanted:
            yield f"{name} is {found}, and should be {wanted}"


@check
def every_order_is_sold_at_a_price_of_its_time(evidence: Evidence) -> Iterator[str]:
    asks = {ask.key: ask for ask in evidence.asks}
    for key, prices in prices_sold_at(evidence.heard, evidence.snapshot).items():
        for name, price in prices.items():
            possible = prices_between(evidence.prices, name, asks[key]) if key in asks else {price}
            if price not in possible:
                yield f"order {key} was sold at {price}, and class {name} cost {possible} then"


def _completed(order: Row) -> Decimal:
    amounts = (one["amount"] for one in order["payments"] if one["status"] == "completed")
    return sum(amounts, Decimal(0))


@check
def every_ticket_is_issued_once_and_verifies(evidence: Evidence) -> Iterator[str]:
    codes: Counter[str] = Counter()
    for key, order in evidence.snapshot.orders.items():
        for ticket in order["tickets"]:
            if ticket["code"] is not None:
                codes[ticket["code"]] += 1
                if evidence.ticket_of(ticket["code"]) != ticket["id"]:
                    yield f"the code of ticket {ticket['id']} of order {key} does not verify"
            elif ticket["status"] != "voided":
                yield f"ticket {ticket['id']} of order {key} has no code"
    for code, count in codes.items():
        if count > 1:
            yield f"doubled: {count} tickets have the code {code}"


@check
def every_event_has_left_in_order(evidence: Evidence) -> Iterator[str]:
    heard: defaultdict[str, list[int]] = defaultdict(list)
    contents: dict[str, Any] = {}
    for one in evidence.heard:
        if contents.setdefault(one.id, one.data) != one.data:
            yield f"event {one.id} came with two contents"
        if one.sequence not in heard[one.subject]:
            heard[one.subject].append(one.sequence)
    for subject, numbers in heard.items():
        if numbers != sorted(numbers):
            yield f"the events of {subject} came out of order: {numbers}"
    for subject, numbers in evidence.snapshot.events.items():
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"the events of {subject} have a gap: {numbers}"
        missing = set(numbers) - set(heard[subject])
        if missing:
            yield f"lost: events {sorted(missing)} of {subject} were written and never heard"
    for subject in heard.keys() - evidence.snapshot.events.keys():
        yield f"events of {subject} were heard, and are not in the database"
    if evidence.snapshot.unsent:
        yield f"{evidence.snapshot.unsent} events are still in the outbox"


@check
def every_order_was_told_of(evidence: Evidence) -> Iterator[str]:
    confirmed: Counter[str] = Counter()
    rejected: set[str] = set()
    seen: set[str] = set()
    for one in evidence.heard:
        if one.id not in seen:
            seen.add(one.id)
            confirmed[one.subject] += one.type == "order.confirmed"
            if one.type == "order.rejected":
                rejected.add(one.subject)
    for key, order in evidence.snapshot.orders.items():
        if confirmed[order["id"]] != 1:
            yield f"order {key} was confirmed {confirmed[order['id']]} times"
        numbers = evidence.snapshot.events.get(order["id"], [])
        if order["last_sequence"] != len(numbers):
            yield f"order {key} says {order['last_sequence']} events, and there are {len(numbers)}"
    for key, row in evidence.snapshot.requests.items():
        if row["status"] == "rejected" and row["kind"] == CREATE and row["id"] not in rejected:
            yield f"the rejection of {key} was not told"


@check
def nothing_is_left_over(evidence: Evidence) -> Iterator[str]:
    for row in evidence.snapshot.waiting:
        yield f"request {row['request_id']} still waits: {row['last_error']}"
    marks = [one.mark.encode() for one in evidence.poisons]
    for row in evidence.snapshot.dead:
        if row["reason"] and any(mark in bytes(row["message"]) for mark in marks):
            continue
        yield f"a dead letter: {row['kind']} {row['reason']}"
    for one in evidence.discrepancies:
        yield f"reconciliation finds: {one}"
