"""Purchase orders that create inventory: a ticket class for each of their ticket groups."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from db.ids import ids_of_request
from orders.batch_requests import CreateOrder
from orders.catalogue.prices import EventOffer, Offers, TicketClassOffer
from orders.catalogue.ticket_codes import code_scope
from orders.errors import Invalid, PriceMismatch, TooManyDecimals, UnknownEvent
from orders.inventory.seating import Seat, wants_alike, wished_labels
from orders.money.pricing import PricedLine
from orders.new_order import Quote
from orders.rows import NewSeatRow, TicketClassRow
from orders.world import World
from schemas.catalogue import positions_of
from schemas.money import has_too_many_decimals
from schemas.order_fields import MAX_LINES
from schemas.order_requests import LineItemRequest, OrderRequest, TicketGroup

_FIRST_MADE: Final = 900_000_000_000_000

_CONTRADICTIONS = ("ticket_class_id", "hold_id", "attendees", "seats", "low_seat", "ticket_group_signature")


def check_ticket_groups(order: OrderRequest) -> None:
    """Raise `Invalid` if a line has a ticket group that is not allowed, or contradicts it."""
    brought = [item.ticket_group is not None for item in order.line_items]
    if not any(brought):
        return
    if not order.is_purchase:
        raise Invalid(
            "only a purchase order can create a ticket group",
            f"line_items.{brought.index(True)}.ticket_group",
        )
    if not all(brought):
        raise Invalid("a purchase order either creates ticket groups or buys tickets: split it", "line_items")
    if order.promo_code is not None:
        raise Invalid("a purchase order that creates ticket groups cannot have a promo code", "promo_code")
    for index, item in enumerate(order.line_items):
        _check_line(item, f"line_items.{index}")


def _check_line(item: LineItemRequest, field: str) -> None:
    group = _group(item)
    for name in _CONTRADICTIONS:
        if getattr(item, name):
            raise Invalid("must be omitted in a line with a ticket group", f"{field}.{name}")
    if item.unit_price is None:
        raise Invalid("Field required", f"{field}.unit_price")
    if group.low_seat is not None and item.quantity > 1 and not group.low_seat.isdecimal():
        raise Invalid("seat_order needs a low_seat that is a number", f"{field}.ticket_group.low_seat")
    if wants_alike(group):
        raise Invalid("seat_order needs a low_seat", f"{field}.ticket_group.seat_order")
    labels = wished_labels(group, item.quantity)
    if labels and len(labels) != item.quantity:
        raise Invalid(f"{len(labels)} seats for {item.quantity} tickets", f"{field}.ticket_group.seats")
    if len(set(labels)) != len(labels):
        raise Invalid("a seat is named twice", f"{field}.ticket_group.seats")


def makes_ticket_groups(order: OrderRequest) -> bool:
    """Return whether the order creates the inventory that it buys."""
    return order.line_items[0].ticket_group is not None


def open_ticket_groups(
    world: World, request: CreateOrder, order: OrderRequest, now: datetime
) -> tuple[OrderRequest, Offers]:
    """Return the order with lines that name the classes that it creates, and the offers including those.

    Raises `UnknownEvent`, `PriceMismatch`, `TooManyDecimals` or `Invalid`.
    """
    tenant_id = request.tenant.id
    made: dict[str, TicketClassOffer] = {}
    items = []
    ids = ids_of_request(request.id, now, "ticket groups")
    for index, item in enumerate(order.line_items):
        field, group = f"line_items.{index}.ticket_group", _group(item)
        if not request.may_set_price:
            raise PriceMismatch("creating ticket groups needs permission to set prices", field)
        event = world.events_by_name.get((tenant_id, group.event_id))
        if event is None:
            raise UnknownEvent(f"there is no event {group.event_id}", f"{field}.event_id")
        if has_too_many_decimals(group.price, event.currency):
            raise TooManyDecimals(
                f"{group.price:f} has more decimals than {event.currency}", f"{field}.price"
            )
        name = group.id or made_name(request.number, index)
        class_id = next(ids)
        if group.id is None and world.offer(tenant_id, name) is not None:
            name = class_id  # the catalogue has a class with that id
        offer = _offer(class_id, name, item, group, event, order.buyer_id)
        if offer.external_id in made:
            raise Invalid(f"ticket group {offer.external_id} is listed twice", f"{field}.id")
        if world.offer(tenant_id, offer.external_id) is not None:
            raise Invalid(f"ticket class {offer.external_id} already exists", f"{field}.id")
        made[offer.external_id] = offer
        items.append(item.model_copy(update={"ticket_class_id": offer.external_id}))
    offers = world.offers[tenant_id]
    return order.model_copy(update={"line_items": tuple(items)}), replace(offers, ticket_classes=made)


def made_name(number: int, index: int) -> str:
    """Return the catalogue's id of a ticket group without one: an integer, as Ticket Evolution has them.

    It has 15 digits, which every JSON reader represents exactly, and is derived from the order's number and
    the line's index.
    """
    return str(_FIRST_MADE + MAX_LINES * number + index)


def _offer(
    id_: str, name: str, item: LineItemRequest, group: TicketGroup, event: EventOffer, office: str | None
) -> TicketClassOffer:
    """Return the offer of the class to create, at the purchase price."""
    assert item.unit_price is not None  # noqa: S101 - it was checked
    return TicketClassOffer(
        id=id_,
        external_id=name,
        event=event,
        price=item.unit_price,
        has_seats=bool(wished_labels(group, item.quantity)),
        free=item.quantity,
        code_scope=code_scope(
            event_id=UUID(event.id),
            ticket_class_id=UUID(id_),
            valid_from=event.starts_at,
            valid_until=event.ends_at,
        ),
        office=office,
    )


def add_inventory(world: World, request: CreateOrder, quote: Quote, now: datetime) -> None:
    """Add the ticket classes and seats that the order creates: from now on they are on sale."""
    ids = ids_of_request(request.id, now, "seats")
    for item, line in zip(quote.order.line_items, quote.priced.lines, strict=True):
        group = _group(item)
        # As the next batch will read it: bought at its cost, and sold at its price.
        offer = replace(line.offer, price=group.price, cost=line.unit_price)
        world.add_offer(request.tenant.id, offer)
        world.new_classes.put(offer.id, _class_row(request, group, line))
        world.stock.open(offer.id, line.quantity, _make_seats(world, item, group, line, ids))


def _class_row(request: CreateOrder, group: TicketGroup, line: PricedLine) -> TicketClassRow:
    offer = line.offer
    return TicketClassRow(
        id=offer.id,
        tenant_id=request.tenant.id,
        event_id=offer.event.id,
        external_id=offer.external_id,
        name=group.name or f"{group.section}, {group.row}",
        section=group.section,
        row=group.row,
        price=group.price,
        has_seats=offer.has_seats,
        capacity=line.quantity,
        office=offer.office,
        cost=line.unit_price,
        bought_by_order_id=request.new_order_id,
    )


def _make_seats(
    world: World, item: LineItemRequest, group: TicketGroup, line: PricedLine, ids: Iterator[str]
) -> list[Seat]:
    places = positions_of(wished_labels(group, item.quantity), group.seat_order)
    seats = [Seat(next(ids), label, position) for position, label in places]
    for seat in seats:
        world.new_seats.put(seat.id, NewSeatRow(seat.id, line.offer.id, seat.position, seat.label))
    return seats


def _group(item: LineItemRequest) -> TicketGroup:
    assert item.ticket_group is not None  # noqa: S101 - all lines have one, or none has
    return item.ticket_group
