"""Setting the lines of an order: tickets are issued, voided, renamed, or left unchanged."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from orders.catalogue.prices import TicketClassOffer
from orders.changing.reprice import emptied
from orders.changing.tickets import check_unused, last_unused
from orders.errors import CurrencyMismatch, Invalid, PriceMismatch, UnknownTicketClass
from orders.inventory.seating import check_wish, wants_alike, wished_labels
from orders.money.price_floor import check_added_price
from orders.order_change import Change
from orders.rows import LineRow
from orders.state import ClassNames
from schemas.changes import PatchedLine
from schemas.money import zero
from schemas.order_fields import Attendee


def set_lines(change: Change, wanted: Sequence[PatchedLine]) -> None:
    """Set the order's lines; an omitted line is emptied.

    Raises the rejections of lines, prices and seats.
    """
    lines = change.order.lines
    matched = _match(change, wanted)
    staying = {line.line_number for line in matched if line is not None}
    for line in change.order.open_lines():
        if line.line_number not in staying:
            _shrink(change, line, line.quantity, "line_items")
            lines.put(line.line_number, emptied(line, zero(change.order.row.currency)))
    named: list[tuple[int, PatchedLine, TicketClassOffer, int]] = []
    for index, (patched, found) in enumerate(zip(wanted, matched, strict=True)):
        offer = _offer(change, patched, index)
        line = found if found is not None and found.quantity else _sold_anew(change, offer, found)
        line = _at_agreed_price(change, line, patched, offer, index)
        _check_added(change, line, patched, offer, index)
        lines.put(line.line_number, line)
        named.append((line.line_number, patched, offer, index))
    # Lines that return inventory come first: another line of the update may need it.
    for number, patched, offer, index in sorted(named, key=lambda it: it[1].quantity - lines[it[0]].quantity):
        _fill(change, lines[number], patched, offer, index)


def _match(change: Change, wanted: Sequence[PatchedLine]) -> list[LineRow | None]:
    """Return the existing line of each requested one: by its number, otherwise the next of its class.

    Open lines of a class come before emptied ones. Emptied lines are reused, so that repeatedly removing and
    adding a class adds no new lines.
    """
    lines = change.order.lines
    matched: list[LineRow | None] = [None] * len(wanted)
    used: set[int] = set()
    for index, patched in enumerate(wanted):
        if patched.line_number is not None:
            line = lines.get(patched.line_number)
            if line is None or patched.line_number in used:
                why = "is named twice" if line else "does not exist"
                raise Invalid(f"line {patched.line_number} {why}", f"line_items.{index}.line_number")
            class_id = change.order.external_id(line.ticket_class_id)
            if class_id != patched.ticket_class_id:
                raise Invalid(
                    f"line {patched.line_number} is of ticket class {class_id}",
                    f"line_items.{index}.ticket_class_id",
                )
            matched[index] = line
            used.add(patched.line_number)
    for index, patched in enumerate(wanted):
        if patched.line_number is None:
            of_class = [
                line
                for line in lines.values()
                if line.line_number not in used
                and change.order.external_id(line.ticket_class_id) == patched.ticket_class_id
            ]
            matched[index] = next(iter(sorted(of_class, key=lambda line: not line.quantity)), None)
            if (line := matched[index]) is not None:
                used.add(line.line_number)
    return matched


def _offer(change: Change, patched: PatchedLine, index: int) -> TicketClassOffer:
    row = change.order.row
    offer = change.world.offer(row.tenant_id, patched.ticket_class_id)
    field = f"line_items.{index}.ticket_class_id"
    if offer is None:
        raise UnknownTicketClass(f"there is no ticket class {patched.ticket_class_id}", field)
    if row.event_id is not None and offer.event.external_id != row.event_id:
        raise UnknownTicketClass(
            f"ticket class {patched.ticket_class_id} is not of event {row.event_id}", field
        )
    if patched.event_id not in (None, offer.event.external_id):
        raise UnknownTicketClass(
            f"ticket class {patched.ticket_class_id} is not of event {patched.event_id}",
            f"line_items.{index}.event_id",
        )
    if offer.event.currency != row.currency:
        raise CurrencyMismatch(
            f"the order is in {row.currency}, but event {offer.event.external_id} "
            f"is sold in {offer.event.currency}",
            field,
        )
    trade = change.order.trade
    if trade is not None and trade.is_purchase and change.request.may_set_price and offer.cost is not None:
        return replace(offer, price=offer.cost)  # as a new purchase is priced
    return offer


def _sold_anew(change: Change, offer: TicketClassOffer, emptied_line: LineRow | None) -> LineRow:
    """Return a line without tickets on the current terms: a new one, or an emptied one."""
    order = change.order
    order.names[offer.id] = ClassNames(offer.external_id, offer.event.external_id, offer.has_seats)
    nothing = zero(order.row.currency)
    rule = offer.event.tax
    number = max(order.lines, default=0) + 1 if emptied_line is None else emptied_line.line_number
    return LineRow(
        order_id=order.id,
        line_number=number,
        event_id=offer.event.id,
        ticket_class_id=offer.id,
        quantity=0,
        unit_price=offer.price,
        amount=nothing,
        tax=nothing,
        rounding=nothing,
        tax_rate=None if rule is None else rule.rate,
        tax_is_included=None if rule is None else rule.is_included,
        tax_rounding=None if rule is None else rule.rounding,
    )


def _at_agreed_price(
    change: Change, line: LineRow, patched: PatchedLine, offer: TicketClassOffer, index: int
) -> LineRow:
    """Return the line with its unit price: the agreed one, unless the update states another."""
    price = patched.unit_price
    if price is None:
        return line
    if not change.request.may_set_price and price not in (line.unit_price, offer.price):
        raise PriceMismatch(
            f"the price of ticket class {offer.external_id} is {offer.price}, not {price:f}",
            f"line_items.{index}.unit_price",
        )
    return line._replace(unit_price=price)


def _check_added(
    change: Change, line: LineRow, patched: PatchedLine, offer: TicketClassOffer, index: int
) -> None:
    if patched.quantity > line.quantity and not change.request.may_set_price:
        field = f"line_items.{index}.quantity"
        check_added_price(line.unit_price, offer.price, offer.external_id, field)


def _fill(change: Change, line: LineRow, patched: PatchedLine, offer: TicketClassOffer, index: int) -> None:
    """Adjust the line's tickets to the requested quantity and seats, and set their attendees."""
    field = f"line_items.{index}.quantity"
    if patched.attendees is not None and len(patched.attendees) > patched.quantity:
        raise Invalid(
            f"{len(patched.attendees)} attendees for {patched.quantity} tickets",
            f"line_items.{index}.attendees",
        )
    if patched.quantity > line.quantity:
        offer.event.check_on_sale(change.now, field)
    if wants_alike(patched):
        raise Invalid("seat_order needs a low_seat", f"line_items.{index}.seat_order")
    labels = wished_labels(patched, patched.quantity)
    if labels:
        _reseat(change, line, labels, patched.quantity, offer, index)
    elif patched.quantity > line.quantity:
        more = patched.quantity - line.quantity
        change.world.stock.check(offer, more, field)
        change.issue(line, more)
    elif patched.quantity < line.quantity:
        _shrink(change, line, line.quantity - patched.quantity, field, patched.ticket_ids)
    if patched.quantity != line.quantity:
        change.order.lines.put(line.line_number, line._replace(quantity=patched.quantity))
    if patched.attendees is not None:
        _name(change, line, patched.attendees, patched.ticket_ids)


def _reseat(
    change: Change, line: LineRow, labels: Sequence[str], quantity: int, offer: TicketClassOffer, index: int
) -> None:
    """Keep the tickets on requested seats, void the others, and issue missing ones."""
    check_wish(labels, offer, quantity, f"line_items.{index}.seats")
    seats = change.order.seats
    by_label = {
        seats[ticket.seat_id].label if ticket.seat_id is not None else None: ticket
        for ticket in change.order.valid_tickets(line.line_number)
    }
    others = [ticket for label, ticket in by_label.items() if label not in labels]
    check_unused(others, "seats")
    missing = [label for label in labels if label not in by_label]
    stock = change.world.stock
    taken = (
        stock.choose_seats(offer.id, len(missing), labels=missing, field=f"line_items.{index}.seats")
        if missing
        else []
    )
    change.void(others)
    stock.check(offer, len(missing), f"line_items.{index}.quantity")
    change.issue(line, len(missing), taken)


def _shrink(change: Change, line: LineRow, count: int, field: str, staying: Sequence[UUID] = ()) -> None:
    """Void the last tickets of the line, unused ones first, and named ones only if no others are left.

    Raises `NotAllowedInStatus` if a used ticket would be voided.
    """
    valid = change.order.valid_tickets(line.line_number)
    ids = set(map(str, staying))
    named = [ticket for ticket in valid if ticket.id in ids]
    others = [ticket for ticket in valid if ticket.id not in ids]
    of_others = min(count, len(others))
    tickets = [*last_unused(others, of_others), *last_unused(named, count - of_others)]
    check_unused(tickets, field)
    change.void(tickets)


def _name(change: Change, line: LineRow, attendees: Sequence[Attendee], ticket_ids: Sequence[UUID]) -> None:
    """Set the attendees, first of the named tickets; a renamed ticket keeps its code."""
    unnamed = Attendee()
    tickets = {ticket.id: ticket for ticket in change.order.valid_tickets(line.line_number)}
    named = [tickets.pop(str(id_), None) for id_ in ticket_ids]
    for index, ticket in enumerate([*named, *tickets.values()]):
        if ticket is None:
            continue  # no longer a ticket of the line
        attendee = attendees[index] if index < len(attendees) else unnamed
        renamed = ticket._replace(
            attendee_first_name=attendee.first_name,
            attendee_last_name=attendee.last_name,
            attendee_email=attendee.email,
        )
        if renamed != ticket:
            change.order.tickets.put(ticket.id, renamed)
