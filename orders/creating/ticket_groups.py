"""Purchase orders that make inventory: a ticket class for each ticket group that they bring along."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.expression import delete

from db import tables
from db.bulk import copy_rows
from db.ids import new_id, new_ids
from orders.catalogue.finding import load_events
from orders.catalogue.offers import EventOffer, Offers, TicketClassOffer
from orders.draft import Draft, Row
from orders.errors import Invalid, PriceMismatch, RejectedRequest, TooManyDecimals, UnknownEvent
from orders.inventory.seating import wished_labels
from orders.money.pricing import PricedLine
from schemas.catalogue import positions_of
from schemas.money import has_too_many_decimals
from schemas.orders import LineItemRequest, OrderRequest, TicketGroup

Made = dict[str, TicketClassOffer]
"""The ticket classes that an order is to make, by the catalogue's id."""

_CONTRADICTIONS = ("ticket_class_id", "hold_id", "attendees", "seats", "low_seat", "ticket_group_signature")


def check_ticket_groups(order: OrderRequest) -> None:
    """Raise `Invalid` where a line brings a ticket group that it may not bring, or contradicts it."""
    brought = [item.ticket_group is not None for item in order.line_items]
    if not any(brought):
        return
    if not order.is_purchase:
        raise Invalid(
            "only a purchase order makes a ticket group", f"line_items.{brought.index(True)}.ticket_group"
        )
    if not all(brought):
        raise Invalid("a purchase order makes ticket groups or buys tickets, not both", "line_items")
    if order.promo_code is not None:
        raise Invalid("a purchase order that makes ticket groups takes no promo code", "promo_code")
    for index, item in enumerate(order.line_items):
        _check_line(item, f"line_items.{index}")


def _check_line(item: LineItemRequest, field: str) -> None:
    group = _group(item)
    for name in _CONTRADICTIONS:
        if getattr(item, name):
            raise Invalid("a line with a ticket group does not have it", f"{field}.{name}")
    if item.unit_price is None:
        raise Invalid("Field required", f"{field}.unit_price")
    if group.low_seat is not None and item.quantity > 1 and not group.low_seat.isdecimal():
        raise Invalid("what comes after it is only known of a number", f"{field}.ticket_group.low_seat")
    labels = wished_labels(group, item.quantity)
    if labels and len(labels) != item.quantity:
        raise Invalid(f"{len(labels)} seats for {item.quantity} tickets", f"{field}.ticket_group.seats")
    if len(set(labels)) != len(labels):
        raise Invalid("a seat is named twice", f"{field}.ticket_group.seats")


def open_ticket_groups(connection: Connection, drafts: Sequence[Draft]) -> dict[str, Made]:
    """Return what the drafts are to make, by the order's id; their lines then name those classes."""
    makers = [draft for draft in drafts if _makes(draft)]
    if not makers:
        return {}
    events = load_events(
        connection, {(draft.tenant_id, g.event_id) for draft in makers for g in _groups(draft)}
    )
    made: dict[str, Made] = {}
    for draft in makers:
        draft.has_tickets = False
        try:
            made[draft.order_id] = _open(draft, events)
        except RejectedRequest as error:
            draft.reject(error)
    return made


def with_made(offers: Offers, made: Made | None) -> Offers:
    """Return the offers to an order, with what it makes itself."""
    return replace(offers, ticket_classes={**offers.ticket_classes, **made}) if made else offers


def _open(draft: Draft, events: Mapping[tuple[str, str], EventOffer]) -> Made:
    order = _order(draft)
    made: Made = {}
    items = []
    for index, item in enumerate(order.line_items):
        field, group = f"line_items.{index}.ticket_group", _group(item)
        if not draft.request.may_set_price:
            raise PriceMismatch("who may not set prices makes no ticket groups", field)
        event = events.get((draft.tenant_id, group.event_id))
        if event is None:
            raise UnknownEvent(f"there is no event {group.event_id}", f"{field}.event_id")
        if has_too_many_decimals(group.price, event.currency):
            raise TooManyDecimals(
                f"{group.price:f} has more decimals than {event.currency}", f"{field}.price"
            )
        offer = _offer(item, group, event, order.buyer_id)
        if offer.external_id in made:
            raise Invalid(f"ticket group {offer.external_id} is there twice", f"{field}.id")
        made[offer.external_id] = offer
        items.append(item.model_copy(update={"ticket_class_id": offer.external_id}))
    draft.order = order.model_copy(update={"line_items": tuple(items)})
    return made


def _offer(
    item: LineItemRequest, group: TicketGroup, event: EventOffer, office: str | None
) -> TicketClassOffer:
    """Return what is to be made, at the price at which it is bought."""
    assert item.unit_price is not None  # noqa: S101 - it was checked
    id_ = str(new_id())
    return TicketClassOffer(
        id=id_,
        external_id=group.id or id_,
        event=event,
        price=item.unit_price,
        has_seats=bool(wished_labels(group, item.quantity)),
        free=item.quantity,
        office=office,
    )


def add_inventory(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Write the ticket classes and seats that the drafts make, or reject those whose class is there.

    It comes last of all that may reject: whatever is written here is sold.
    """
    makers = [draft for draft in drafts if _makes(draft)]
    if not makers:
        return
    # Sorted, because of two batches with the same ids the one must wait for the other, and not both.
    rows = sorted((row for draft in makers for row in _class_rows(draft)), key=_natural_key)
    table = tables.ticket_classes
    statement = insert(table).on_conflict_do_nothing().returning(table.c.id)
    made = {str(id_) for id_ in connection.scalars(statement, rows)}
    for draft in makers:
        _check_made(connection, draft, made)
    _copy_seats(connection, [draft for draft in makers if not draft.is_rejected])


def _class_rows(draft: Draft) -> list[Row]:
    return [
        {
            "id": line.offer.id,
            "tenant_id": draft.tenant_id,
            "event_id": line.offer.event.id,
            "external_id": line.offer.external_id,
            "name": group.name or f"{group.section}, {group.row}",
            "section": group.section,
            "row": group.row,
            "price": group.price,
            "has_seats": line.offer.has_seats,
            "capacity": line.quantity,
            "office": line.offer.office,
            "cost": line.unit_price,
            "bought_by_order_id": draft.order_id,
        }
        for group, line in zip(_groups(draft), _lines(draft), strict=True)
    ]


def _natural_key(row: Row) -> Any:
    return row["tenant_id"], row["external_id"]


def _check_made(connection: Connection, draft: Draft, made: set[str]) -> None:
    lines = _lines(draft)
    for index, line in enumerate(lines):
        if line.offer.id not in made:
            field = f"line_items.{index}.ticket_group.id"
            draft.reject(Invalid(f"there is a ticket class {line.offer.external_id} already", field))
    if draft.is_rejected:
        ids = [line.offer.id for line in lines]
        connection.execute(delete(tables.ticket_classes).where(tables.ticket_classes.c.id.in_(ids)))


def _copy_seats(connection: Connection, drafts: Sequence[Draft]) -> None:
    seats = [
        (line.offer.id, position, label)
        for draft in drafts
        for group, line in zip(_groups(draft), _lines(draft), strict=True)
        for position, label in positions_of(wished_labels(group, line.quantity), group.seat_order)
    ]
    rows = [(id_, *seat) for id_, seat in zip(new_ids(len(seats)), seats, strict=True)]
    copy_rows(connection, tables.seats, ("id", "ticket_class_id", "position", "label"), rows)


def _makes(draft: Draft) -> bool:
    return draft.order is not None and draft.order.line_items[0].ticket_group is not None


def _order(draft: Draft) -> OrderRequest:
    assert draft.order is not None  # noqa: S101 - only well-formed requests come here
    return draft.order


def _groups(draft: Draft) -> list[TicketGroup]:
    return [_group(item) for item in _order(draft).line_items]


def _group(item: LineItemRequest) -> TicketGroup:
    assert item.ticket_group is not None  # noqa: S101 - all lines have one, or none has
    return item.ticket_group


def _lines(draft: Draft) -> Sequence[PricedLine]:
    assert draft.priced is not None  # noqa: S101 - the path prices before it writes
    return draft.priced.lines
