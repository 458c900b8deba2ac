"""Checks of what is sold, held and used up."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tests.faults.checking.evidence import Evidence, check, status_of
from tests.faults.system.catalogue import RUSHED, SCARCE

_ALL_SCARCE: Final = {SCARCE, *RUSHED}

_LATE: Final = timedelta(seconds=30)
"""How long a hold may be over before it must have given back what it held; a sweep comes each second."""


@check
def nothing_is_oversold_and_the_inventory_adds_up(evidence: Evidence) -> Iterator[str]:
    sold: Counter[str] = Counter()
    seats: Counter[str] = Counter()
    for order in evidence.snapshot.orders.values():
        for ticket in order["tickets"]:
            if ticket["status"] != "voided":
                sold[ticket["class"]] += 1
                if ticket["seat_id"]:
                    seats[ticket["seat_id"]] += 1
    held: Counter[str] = Counter()
    for hold in evidence.snapshot.holds:
        if hold["status"] == "held":
            held[hold["class"]] += hold["quantity"]
    for one in evidence.snapshot.classes:
        name = one["external_id"]
        if sold[name] + held[name] > one["capacity"]:
            yield f"oversold: {sold[name]} tickets of class {name} with {one['capacity']}"
        if (one["sold"], one["held"]) != (sold[name], held[name]):
            yield (
                f"class {name} says {one['sold']} sold and {one['held']} held;"
                f" there are {sold[name]} and {held[name]}"
            )
    for seat, count in seats.items():
        if count > 1:
            yield f"oversold: seat {seat} has {count} valid tickets"


@check
def nobody_is_refused_while_something_is_left(evidence: Evidence) -> Iterator[str]:
    fewest: dict[str, int] = {}
    for ask in evidence.asks:
        row = evidence.snapshot.requests.get(ask.key)
        if row is not None and status_of(row) == "sold_out":
            line, *others = ask.body["line_items"]
            name = line.get("ticket_class_id")
            if not others and name in _ALL_SCARCE:
                fewest[name] = min(line["quantity"], fewest.get(name, line["quantity"]))
    for one in evidence.snapshot.classes:
        name, left = one["external_id"], one["capacity"] - one["sold"]
        if fewest.get(name, left + 1) <= left:
            yield f"{left} tickets of class {name} are left, and someone who wanted as few was refused"


@check
def promo_codes_are_used_as_often_as_they_may(evidence: Evidence) -> Iterator[str]:
    used = Counter(
        order["promo_code"] for order in evidence.snapshot.orders.values() if order["status"] == "placed"
    )
    for one in evidence.snapshot.promo_codes:
        count = used[one["code"]]
        if one["used"] != count:
            yield f"promo code {one['code']} was used {one['used']} times, it says; {count} orders have it"
        if count > one["max_uses"]:
            yield f"oversold: {count} orders have promo code {one['code']}, which {one['max_uses']} may use"


@check
def holds_end_in_time(evidence: Evidence) -> Iterator[str]:
    for hold in evidence.snapshot.holds:
        until = hold["expires_at"]
        if hold["status"] == "held" and until is not None and evidence.snapshot.now - until > _LATE:
            yield f"hold {hold['id']} was over at {until}, and still holds {hold['quantity']}"
