"""A request for a new order: `orders.create`."""

from typing import Annotated

from pydantic import Field

from schemas.dialects import Extras
from schemas.money import ZERO, Amount, Currency
from schemas.order_fields import (
    MAX_LINES,
    MAX_QUANTITY,
    Address,
    Attendee,
    Buyer,
    Id,
    IpAddress,
    Moment,
    Notes,
    OrderNumber,
    PaymentStage,
    PaymentType,
    Quantity,
    SeatOrder,
    Seats,
)
from schemas.text import AtMost, IdempotencyKey, Identifier, ShortText, WireModel


class TicketGroup(WireModel):
    """Inventory that a purchase creates: a ticket class at `price`, with one seat per ticket if seated.

    Seats are named, or given by the lowest seat and the seat order. Without an `id` one is generated.
    """

    event_id: Identifier
    id: Identifier | None = None
    name: ShortText | None = None
    section: ShortText
    row: ShortText
    seats: Seats = ()
    low_seat: ShortText | None = None
    seat_order: SeatOrder = "consecutive"
    price: Amount


class LineItemRequest(WireModel):
    """Tickets of one ticket class; the default price is the catalogue's.

    With `hold_id`, omitted fields come from the hold: class, quantity, price and seats. Seats are requested
    by name (`seats`), or by the lowest seat and the seat order.
    """

    ticket_class_id: Identifier = ""
    event_id: Identifier | None = None
    quantity: Quantity = 0
    unit_price: Amount | None = None
    attendees: Annotated[tuple[Attendee, ...], Field(strict=False), AtMost(MAX_QUANTITY)] = ()
    hold_id: Id | None = None
    seats: Seats = ()
    low_seat: ShortText | None = None
    seat_order: SeatOrder = "consecutive"
    ticket_group_signature: ShortText | None = None
    ticket_group: TicketGroup | None = None


class PaymentRequest(WireModel):
    """A payment sent with the order, or a refund of one; the default amount is the order's balance.

    A `pending` payment is under way: it counts when `payments.record` completes it.
    """

    type: PaymentType
    amount: Amount | None = None
    status: PaymentStage = "completed"
    is_refund: bool = False


class OrderRequest(WireModel):
    """`orders.create`: the order that a producer requests."""

    idempotency_key: IdempotencyKey | None = None
    event_id: Identifier | None = None
    currency: Currency | None = None
    buyer: Buyer
    billing_address: Address | None = None
    line_items: Annotated[tuple[LineItemRequest, ...], Field(min_length=1, strict=False), AtMost(MAX_LINES)]
    shipping: Amount = ZERO
    service_fee: Amount = ZERO
    additional_expense: Amount = ZERO
    tax: Amount | None = None
    discount: Amount = ZERO
    expected_total: Amount | None = None
    promo_code: Identifier | None = None
    payments: Annotated[tuple[PaymentRequest, ...], Field(strict=False), AtMost(100)] = ()
    reference: ShortText | None = None
    internal_notes: Notes = ()
    external_notes: Notes = ()
    instructions: Notes = ()
    payment_due_at: Moment | None = None
    check_fraud: bool = False
    created_by_ip_address: IpAddress | None = None
    is_purchase: bool = False
    consignment: bool = False
    seller_id: Identifier | None = None
    buyer_id: Identifier | None = None
    client_id: Identifier | None = None
    substitutes: Id | OrderNumber | None = None
    extras: Extras | None = None
