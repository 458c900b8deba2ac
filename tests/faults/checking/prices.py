"""What tickets cost when they were sold, where the catalogue's prices change."""

import math
from collections.abc import Sequence

from tests.faults.checking.ledger import Ask, PriceChange
from tests.faults.checking.snapshot import Snapshot
from tests.faults.checking.tape import Heard
from tests.faults.system.catalogue import PRICES, REPRICED


def prices_sold_at(heard: Sequence[Heard], snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Return the changing prices that an order's first event message names, by its key and ticket class."""
    keys = {order["id"]: key for key, order in snapshot.orders.items()}
    return {
        keys[one.subject]: {
            line["ticket_class_id"]: line["unit_price"]
            for line in one.data.get("line_items", ())
            if line["ticket_class_id"] == REPRICED
        }
        for one in heard
        if one.type == "order.confirmed" and one.subject in keys
    }


def prices_between(changes: Sequence[PriceChange], name: str, ask: Ask) -> set[str]:
    """Return what a ticket may have cost at some moment between the question and its last answer."""
    until = ask.told[-1].at if ask.told else math.inf
    possible = {PRICES[name]}
    for change in changes:
        if change.ticket_class == name and change.began <= until:
            if change.ended <= ask.asked_at:
                possible.clear()
            possible.add(change.price)
    return possible
