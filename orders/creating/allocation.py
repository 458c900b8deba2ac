"""Who gets the tickets: under the locks of the stock, in the order of the requests.

A request is served whole or rejected.
"""

from collections import Counter
from collections.abc import Sequence

from orders.draft import Draft
from orders.errors import RejectedRequest
from orders.inventory.seating import Seat, check_wish, wished_labels
from orders.inventory.signatures import check_quantity
from orders.inventory.stock import Needs, Stock
from orders.money.pricing import PricedOrder


def needs_of(drafts: Sequence[Draft]) -> Needs:
    """Return what has to be locked before the drafts can be served."""
    needs = Needs()
    for draft in drafts:
        order, priced = draft.order, _priced(draft)
        assert order is not None  # noqa: S101 - the path has validated it
        if priced.promo_code is not None:
            needs.promo_codes.add(priced.promo_code.id)
        for item, line in zip(order.line_items, priced.lines, strict=True):
            needs.ticket_classes.add(line.offer.id)
            if line.offer.has_seats and item.hold_id is not None:
                needs.seats[line.offer.id] += 0  # a change in the same batch may give them back
            elif line.offer.has_seats:
                needs.seats[line.offer.id] += line.quantity
                needs.labels.update((line.offer.id, label) for label in wished_labels(item, line.quantity))
    return needs


def allocate(stock: Stock, drafts: Sequence[Draft]) -> None:
    """Take the inventory of each draft, or reject it for what is missing."""
    for draft in drafts:
        try:
            _take(stock, draft)
        except RejectedRequest as error:
            draft.reject(error)


def _take(stock: Stock, draft: Draft) -> None:
    """Take all that the order needs, or nothing and raise."""
    _check(stock, draft)
    stock.check_use(_priced(draft).promo_code)
    chosen = _choose_seats(stock, draft)
    stock.use(_priced(draft).promo_code)
    for index, line in enumerate(_priced(draft).lines):
        hold = draft.holds.get(index)
        if hold is not None:
            hold.use(stock, draft.order_id)
            if hold.seats:
                chosen[index] = list(hold.seats)
        else:
            stock.sell(line.offer.id, line.quantity)
    draft.line_seats = chosen


def _check(stock: Stock, draft: Draft) -> None:
    assert draft.order is not None  # noqa: S101 - the path has validated it
    wanted: Counter[str] = Counter()
    for index, line in enumerate(_priced(draft).lines):
        hold = draft.holds.get(index)
        if hold is not None:
            hold.check_usable(index)
            continue
        labels = wished_labels(draft.order.line_items[index], line.quantity)
        if labels:
            check_wish(labels, line.offer, line.quantity, f"line_items.{index}.seats")
        wanted[line.offer.id] += line.quantity
        stock.check(line.offer, wanted[line.offer.id], f"line_items.{index}.quantity")
        if index in draft.signed:
            field = f"line_items.{index}.ticket_group_signature"
            check_quantity(draft.signed[index], stock.free[line.offer.id], line.offer, field)


def _choose_seats(stock: Stock, draft: Draft) -> dict[int, list[Seat]]:
    """Take the seats of each seated line, those wished for first; raise and take none if one is missing."""
    assert draft.order is not None  # noqa: S101
    chosen: dict[int, list[Seat]] = {}
    lines = _priced(draft).lines
    seated = [
        (index, line) for index, line in enumerate(lines) if line.offer.has_seats and index not in draft.holds
    ]
    for is_wish in (True, False):
        for index, line in seated:
            item = draft.order.line_items[index]
            labels = wished_labels(item, line.quantity)
            if bool(labels) != is_wish:
                continue
            try:
                chosen[index] = stock.choose_seats(
                    line.offer.id, line.quantity, labels=labels, field=f"line_items.{index}.seats"
                )
            except RejectedRequest:
                for earlier, given in chosen.items():
                    stock.free_seats(lines[earlier].offer.id, given)
                raise
    return chosen


def seat(draft: Draft) -> None:
    """Give the chosen seats to the tickets of their lines, in their order."""
    if not draft.line_seats:
        return
    assert draft.rows is not None  # noqa: S101 - whoever is served has rows
    given = {index + 1: iter(seats) for index, seats in draft.line_seats.items()}
    for ticket in draft.rows.tickets:
        if ticket["line_number"] in given:
            one = next(given[ticket["line_number"]])
            ticket["seat_id"] = one.id
            draft.seats[ticket["id"]] = one


def looks_free(drafts: Sequence[Draft]) -> list[Draft]:
    """Return those drafts that would be served by what was free when the catalogue was read.

    A look without a lock, so that no rows are made and no codes signed for those who come too late.
    """
    taken: Counter[str] = Counter()
    likely = []
    for draft in drafts:
        wanted: Counter[str] = Counter()
        for index, line in enumerate(_priced(draft).lines):
            if index not in draft.holds:
                wanted[line.offer.id] += line.quantity
        if all(
            taken[line.offer.id] + wanted[line.offer.id] <= line.offer.free for line in _priced(draft).lines
        ):
            taken.update(wanted)
            likely.append(draft)
    return likely


def _priced(draft: Draft) -> PricedOrder:
    assert draft.priced is not None  # noqa: S101 - the path prices before it allocates
    return draft.priced
