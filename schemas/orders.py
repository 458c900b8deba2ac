"""An order as it is stored and answered."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from schemas.dialects import DialectName
from schemas.money import StoredAmount, StoredCurrency
from schemas.order_fields import (
    Address,
    Attendee,
    Buyer,
    OrderStatus,
    PaymentStage,
    PaymentStatus,
    PaymentType,
    TicketStatus,
)
from schemas.text import WireModel


class LineItem(WireModel):
    """One line of an order; `amount` is unit price × quantity plus `rounding`.

    A cancelled or removed line stays, with the quantity 0.
    """

    line_number: int
    ticket_class_id: str
    event_id: str
    quantity: int
    unit_price: StoredAmount
    amount: StoredAmount
    tax: StoredAmount
    rounding: Decimal
    attendees: tuple[Attendee, ...]


class Totals(WireModel):
    """What an order costs: total = subtotal + shipping + service fee + additional expense + tax − discount.

    `included_tax` is part of the prices: shown, never added.
    """

    subtotal: StoredAmount
    shipping: StoredAmount
    service_fee: StoredAmount
    additional_expense: StoredAmount
    tax: StoredAmount
    included_tax: StoredAmount
    discount: StoredAmount
    total: StoredAmount
    paid: StoredAmount
    balance: Decimal
    refunded: StoredAmount


class Ticket(WireModel):
    """One admission; a scanner verifies `code` offline."""

    id: UUID
    line_number: int
    ticket_class_id: str
    seat: str | None
    attendee: Attendee | None
    status: TicketStatus
    code: str | None
    created_at: datetime
    checked_in_at: datetime | None


class Payment(WireModel):
    """One payment of an order, or one refund."""

    payment_number: int
    type: PaymentType
    amount: StoredAmount
    status: PaymentStage
    is_refund: bool
    reference: str | None
    created_at: datetime


class Note(WireModel):
    """A note on an order; internal notes are only for the office that wrote them."""

    kind: Literal["internal", "external", "instructions"]
    text: str


class Cancellation(WireModel):
    """When and why an order was cancelled as a whole."""

    cancelled_at: datetime
    reason: str | None


class FraudVerdict(WireModel):
    """The verdict of the fraud check, and its reasons."""

    verdict: Literal["passed", "review"]
    reasons: tuple[str, ...]


class Trade(WireModel):
    """The parties of an order, and the orders related to it.

    `counterpart_id` is the purchase order that a sale created, or that sale; orders that replace each other
    share an `order_group_id`.
    """

    is_purchase: bool
    consignment: bool
    seller_id: str | None
    buyer_id: str | None
    client_id: str | None
    created_by_ip_address: str | None
    order_group_id: UUID | None
    substitutes_id: UUID | None
    counterpart_id: UUID | None


class CheckIn(WireModel):
    """The number of used tickets of an order, and of valid ones."""

    status: Literal["not_checked_in", "partially_checked_in", "checked_in"]
    checked_in: int
    tickets: int


class Order(WireModel):
    """A confirmed order, with its lines, totals, payments and tickets."""

    id: UUID
    number: int
    code: str
    tenant: str
    status: OrderStatus
    payment_status: PaymentStatus
    version: int
    idempotency_key: str
    event_id: str | None
    currency: StoredCurrency
    buyer: Buyer
    billing_address: Address | None
    line_items: tuple[LineItem, ...]
    totals: Totals
    tickets: tuple[Ticket, ...]
    payments: tuple[Payment, ...]
    notes: tuple[Note, ...]
    check_in: CheckIn
    payment_due_at: datetime | None
    cancellation: Cancellation | None
    fraud_check: FraudVerdict | None
    trade: Trade | None
    promo_code: str | None
    reference: str | None
    extras: dict[DialectName, dict[str, Any]] | None
    created_at: datetime
    updated_at: datetime


class OrderPage(WireModel):
    """A page of orders, newest first; `next_cursor` is null on the last one."""

    items: tuple[Order, ...]
    next_cursor: str | None
    left_out: tuple[UUID, ...] = Field(
        description="Ids of stored orders of this page that cannot be shown; usually empty. "
        "The operators' log has the reason. Lists in dialects name them in the header `Willcall-Left-Out`."
    )
