"""`orders.update`: a merge patch of the order's terms, priced again, with the inventory that it takes."""

from collections.abc import Sequence
from functools import reduce
from typing import Any
from uuid import UUID

from orders.catalogue.offers import TicketClassOffer
from orders.changing.change import Change, check_unused, last_unused
from orders.changing.merge_patch import merged
from orders.changing.repricing import reprice
from orders.changing.terms import terms_words
from orders.creating.rows import note_rows
from orders.errors import (
    CurrencyMismatch,
    Invalid,
    PriceMismatch,
    UnknownTicketClass,
)
from orders.inventory.seating import Seat, check_wish, wished_labels
from orders.order_state import Row
from orders.render import BUYER
from schemas.changes import LineTerms, OrderTerms, UpdateRequest
from schemas.money import ZERO
from schemas.orders import Attendee


def update(change: Change, asked: UpdateRequest, later: Sequence[Any] = ()) -> bool:
    """Change the order; return whether anything changed.

    `later` are the patches of updates that were accepted after this one and came before it: they are
    merged once more, so that the order ends as if all had come in their order. Raises
    `pydantic.ValidationError`, or what refuses a line, a price or a seat.
    """
    if not change.state.tickets and "line_items" in asked.patch:
        raise Invalid("a purchase order without tickets keeps its lines", "line_items")
    try:
        patched = reduce(merged, (asked.patch, *later), terms_words(change.state))
    except RecursionError as error:
        raise Invalid("nested too deeply", "patch") from error
    terms = OrderTerms.model_validate(patched)
    _set_lines(change, terms.line_items)
    _set_words(change, terms)
    reprice(change, terms)
    change.settle()
    return True


def _set_lines(change: Change, wanted: Sequence[LineTerms]) -> None:
    lines = change.state.lines
    matched = _match(lines, wanted)
    for line in lines:
        if line["quantity"] and id(line) not in {id(one) for one in matched if one is not None}:
            _shrink(change, line, line["quantity"], "line_items")
            line["quantity"] = 0
    named: list[tuple[Row, LineTerms, TicketClassOffer, int]] = []
    for index, (terms, found) in enumerate(zip(wanted, matched, strict=True)):
        offer = _offer(change, terms, index)
        line = found or _new_line(change, offer)
        if found is None:
            lines.append(line)
        _agree_price(change, line, terms, offer, index)
        named.append((line, terms, offer, index))
    # What gives back comes first: another line of the update may need it.
    for line, terms, offer, index in sorted(named, key=lambda one: one[1].quantity - one[0]["quantity"]):
        _fill(change, line, terms, offer, index)


def _match(lines: Sequence[Row], wanted: Sequence[LineTerms]) -> list[Row | None]:
    """Return the line that each of the wanted means: by its number, else the next of its class."""
    numbered = {line["line_number"]: line for line in lines}
    matched: list[Row | None] = [None] * len(wanted)
    used: set[int] = set()
    for index, terms in enumerate(wanted):
        if terms.line_number is not None:
            line = numbered.get(terms.line_number)
            if line is None or terms.line_number in used:
                why = "is named twice" if line else "is not there"
                raise Invalid(f"line {terms.line_number} {why}", f"line_items.{index}.line_number")
            if line["external_id"] != terms.ticket_class_id:
                raise Invalid(
                    f"line {terms.line_number} is of ticket class {line['external_id']}",
                    f"line_items.{index}.ticket_class_id",
                )
            matched[index] = line
            used.add(terms.line_number)
    for index, terms in enumerate(wanted):
        if terms.line_number is None:
            line = next(
                (
                    line
                    for line in lines
                    if line["external_id"] == terms.ticket_class_id
                    and line["quantity"]
                    and line["line_number"] not in used
                ),
                None,
            )
            if line is not None:
                matched[index] = line
                used.add(line["line_number"])
    return matched


def _offer(change: Change, terms: LineTerms, index: int) -> TicketClassOffer:
    offer = change.offers.ticket_classes.get(terms.ticket_class_id)
    if offer is None:
        raise UnknownTicketClass(
            f"there is no ticket class {terms.ticket_class_id}", f"line_items.{index}.ticket_class_id"
        )
    row = change.state.row
    if row["event_id"] is not None and offer.event.external_id != row["event_id"]:
        raise UnknownTicketClass(
            f"ticket class {terms.ticket_class_id} is not of event {row['event_id']}",
            f"line_items.{index}.ticket_class_id",
        )
    if terms.event_id not in (None, offer.event.external_id):
        raise UnknownTicketClass(
            f"ticket class {terms.ticket_class_id} is not of event {terms.event_id}",
            f"line_items.{index}.event_id",
        )
    if offer.event.currency != row["currency"]:
        raise CurrencyMismatch(
            f"the order is in {row['currency']}, but event {offer.event.external_id} "
            f"is sold in {offer.event.currency}",
            f"line_items.{index}.ticket_class_id",
        )
    return offer


def _new_line(change: Change, offer: TicketClassOffer) -> Row:
    return {
        "order_id": change.state.row["id"],
        "line_number": max((line["line_number"] for line in change.state.lines), default=0) + 1,
        "event_id": UUID(offer.event.id),
        "ticket_class_id": UUID(offer.id),
        "quantity": 0,
        "unit_price": offer.price,
        "amount": ZERO,
        "tax": ZERO,
        "rounding": ZERO,
        "external_id": offer.external_id,
        "has_seats": offer.has_seats,
        "event_external_id": offer.event.external_id,
    }


def _agree_price(change: Change, line: Row, terms: LineTerms, offer: TicketClassOffer, index: int) -> None:
    """Set what a ticket of the line costs: what was agreed stays until another price is named."""
    if terms.unit_price is None:
        return
    if not change.draft.request.may_set_price and terms.unit_price not in (line["unit_price"], offer.price):
        raise PriceMismatch(
            f"the price of ticket class {offer.external_id} is {offer.price}, not {terms.unit_price:f}",
            f"line_items.{index}.unit_price",
        )
    line["unit_price"] = terms.unit_price


def _fill(change: Change, line: Row, terms: LineTerms, offer: TicketClassOffer, index: int) -> None:
    """Give the line its tickets: those it has and keeps, those it lacks, and their attendees."""
    field = f"line_items.{index}.quantity"
    if terms.attendees is not None and len(terms.attendees) > terms.quantity:
        raise Invalid(
            f"{len(terms.attendees)} attendees for {terms.quantity} tickets", f"line_items.{index}.attendees"
        )
    labels = wished_labels(terms, terms.quantity)
    if labels:
        _reseat(change, line, labels, terms.quantity, offer, index)
    elif terms.quantity > line["quantity"]:
        more = terms.quantity - line["quantity"]
        change.stock.check(offer, more, field)
        change.issue(line, more)
    elif terms.quantity < line["quantity"]:
        _shrink(change, line, line["quantity"] - terms.quantity, field, terms.ticket_ids)
    line["quantity"] = terms.quantity
    if terms.attendees is not None:
        _name(change, line, terms.attendees, terms.ticket_ids)


def _reseat(
    change: Change, line: Row, labels: Sequence[str], quantity: int, offer: TicketClassOffer, index: int
) -> None:
    """Keep the tickets on wished seats, void the others, and issue what is missing."""
    check_wish(labels, offer, quantity, f"line_items.{index}.seats")
    tickets = change.state.valid_tickets(line["line_number"])
    check_unused([ticket for ticket in tickets if ticket["seat_label"] not in labels], "seats")
    kept = {ticket["seat_label"] for ticket in tickets} & set(labels)
    missing = [label for label in labels if label not in kept]
    seats = change.stock.seat_maps[offer.id].named(missing, f"line_items.{index}.seats")
    change.void([ticket for ticket in tickets if ticket["seat_label"] not in kept])
    change.stock.check(offer, len(missing), f"line_items.{index}.quantity")
    change.issue(line, len(missing), list[Seat](seats))


def _shrink(change: Change, line: Row, count: int, field: str, kept: Sequence[UUID] = ()) -> None:
    """Void the last tickets of the line, unused ones first, and those that are named where no other is left.

    Raises `NotAllowedInStatus` where a used one would have to go.
    """
    valid = change.state.valid_tickets(line["line_number"])
    ids = set(kept)
    named = [ticket for ticket in valid if ticket["id"] in ids]
    others = [ticket for ticket in valid if ticket["id"] not in ids]
    of_others = min(count, len(others))
    tickets = [*last_unused(others, of_others), *last_unused(named, count - of_others)]
    check_unused(tickets, field)
    change.void(tickets)


def _name(change: Change, line: Row, attendees: Sequence[Attendee], ticket_ids: Sequence[UUID]) -> None:
    """Say whose the tickets are, the named ones first: a rename keeps the code."""
    nobody = Attendee()
    tickets = {ticket["id"]: ticket for ticket in change.state.valid_tickets(line["line_number"])}
    named = [tickets.pop(id_, None) for id_ in ticket_ids]
    for place, ticket in enumerate([*named, *tickets.values()]):
        if ticket is None:
            continue  # it is the line's no more
        attendee = attendees[place] if place < len(attendees) else nobody
        ticket["attendee_first_name"] = attendee.first_name
        ticket["attendee_last_name"] = attendee.last_name
        ticket["attendee_email"] = attendee.email


def _set_words(change: Change, terms: OrderTerms) -> None:
    row = change.state.row
    for name in BUYER:
        row["buyer_" + name] = getattr(terms.buyer, name)
    address = terms.billing_address
    address_words = address and address.model_dump()
    # A patch that takes a part out of no address leaves none.
    is_said = address_words and any(part is not None for part in address_words.values())
    row["billing_address"] = address_words if is_said else None
    row["reference"] = terms.reference
    row["payment_due_at"] = terms.payment_due_at
    row["extras"] = terms.extras or None
    notes = note_rows(row["id"], terms, change.now)
    before = {(note["kind"], note["text"]): note["created_at"] for note in change.state.notes}
    for note in notes:
        note["created_at"] = before.get((note["kind"], note["text"]), change.now)
    change.state.notes = notes
