"""`holds.take`: hold inventory until a moment, or until it is released."""

from datetime import datetime

from orders.batch_requests import TakeHold
from orders.catalogue.prices import TicketClassOffer
from orders.errors import Invalid, PriceMismatch, TooManyDecimals, UnknownTicketClass
from orders.inventory.seating import check_alike, check_wish, wants_alike, wished_labels
from orders.rows import HoldRow
from orders.world import World
from schemas.holds import HoldRequest
from schemas.money import has_too_many_decimals, quantum


def take(world: World, request: TakeHold, now: datetime) -> None:
    """Hold tickets or named seats.

    Raises `UnknownTicketClass`, `SalesClosed`, `SoldOut`, `SeatUnavailable`, `PriceMismatch`,
    `TooManyDecimals` or `Invalid`.
    """
    body = request.body
    offer = world.offer(request.tenant.id, body.ticket_class_id)
    if offer is None:
        raise UnknownTicketClass(f"there is no ticket class {body.ticket_class_id}", "ticket_class_id")
    offer.event.check_on_sale(now, "ticket_class_id")
    check_future(body.expires_at, now)
    quantity = quantity_of(body)
    if quantity == 0:
        raise Invalid("Field required", "quantity")
    _check_price(request, offer)
    check_alike(body, offer, "seat_order")
    labels = wished_labels(body, quantity)
    if labels:
        check_wish(labels, offer, quantity, "seats")
    world.stock.check(offer, quantity, "quantity")
    if offer.has_seats:
        is_alike = wants_alike(body)
        seats = world.stock.choose_seats(
            offer.id,
            quantity,
            labels=labels,
            is_alike=is_alike,
            field="seat_order" if is_alike else "seats",
            hold_id=request.id,
        )
        # In the order in which a later batch reads them, whatever the order of the request.
        world.hold_seats[request.id] = sorted(seats, key=lambda seat: seat.position)
    world.stock.hold(offer.id, quantity)
    world.class_ids[offer.id] = offer.external_id
    unit_price = offer.price if body.unit_price is None else body.unit_price
    hold = HoldRow(
        id=request.id,
        tenant_id=request.tenant.id,
        ticket_class_id=offer.id,
        quantity=quantity,
        unit_price=unit_price.quantize(quantum(offer.event.currency)),
        expires_at=body.expires_at,
        status="held",
        order_id=None,
        created_at=now,
        updated_at=now,
    )
    world.holds.put(hold.id, hold)


def quantity_of(body: HoldRequest) -> int:
    """Return the number of tickets to hold: the quantity, or one for each named seat."""
    return body.quantity or len(body.seats)


def check_future(expires_at: datetime | None, now: datetime) -> None:
    """Raise `Invalid` for a moment in the past."""
    if expires_at is not None and expires_at <= now:
        raise Invalid(f"{expires_at.isoformat()} is in the past", "expires_at")


def _check_price(request: TakeHold, offer: TicketClassOffer) -> None:
    unit_price = request.body.unit_price
    if unit_price is None:
        return
    if has_too_many_decimals(unit_price, offer.event.currency):
        raise TooManyDecimals(f"{unit_price:f} has more decimals than {offer.event.currency}", "unit_price")
    if unit_price != offer.price and not request.may_set_price:
        raise PriceMismatch(
            f"the price of ticket class {offer.external_id} is {offer.price}, not {unit_price:f}",
            "unit_price",
        )
