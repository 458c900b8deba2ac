"""An order request, and the order that becomes of it."""

from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from schemas.dialects import DialectName, Extras
from schemas.money import ZERO, Amount, Currency, StoredAmount, StoredCurrency
from schemas.text import AtMost, EmailAddress, IdempotencyKey, Identifier, LongText, ShortText, Word

PaymentType = Literal[
    "cash",
    "check",
    "credit_card",
    "evopay",
    "money_order",
    "offline",
    "paypal",
    "tbd",
    "transaction_api",
]
OrderStatus = Literal["placed", "cancelled", "refunded"]
PaymentStage = Literal["pending", "completed"]
PaymentStatus = Literal["unpaid", "partially_paid", "paid", "refunded"]
TicketStatus = Literal["valid", "checked_in", "voided"]


class Buyer(Word):
    """Who pays, and where the confirmation goes; `email` is null for a buyer who has no address."""

    first_name: ShortText
    last_name: ShortText
    email: EmailAddress | None
    company: ShortText | None = None
    phone: ShortText | None = None


class Address(Word):
    """A postal address, each part as the buyer wrote it."""

    name: ShortText | None = None
    line_1: ShortText | None = None
    line_2: ShortText | None = None
    city: ShortText | None = None
    state: ShortText | None = None
    country: ShortText | None = None
    postal_code: ShortText | None = None


class Attendee(Word):
    """Whose ticket it is."""

    first_name: ShortText | None = None
    last_name: ShortText | None = None
    email: EmailAddress | None = None


def _ip_address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError as error:
        raise PydanticCustomError("ip_address", "not an IP address") from error


IpAddress = Annotated[ShortText, AfterValidator(_ip_address)]
"""An IPv4 or IPv6 address, in its shortest words (RFC 5952)."""

MAX_QUANTITY = 1_000
"""Tickets of a line."""

MAX_LINES = 100

MAX_TICKETS = 1_000
"""Tickets of an order, where the setting `WILLCALL_MAX_TICKETS` says nothing else."""

Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
SeatOrder = Literal["consecutive", "odd_even"]
Id = Annotated[UUID, Field(strict=False)]
OrderNumber = Annotated[int, Field(ge=1, lt=2**40)]
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(9000, 1, 1, tzinfo=UTC)


def _only_text(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("moment", "a moment is text such as 2027-04-11T19:00:00+02:00")
    return value


def _storable_moment(value: datetime) -> datetime:
    # Far from the ends of what the database and Python can hold, in whatever time zone.
    if not _FIRST_MOMENT <= value <= _LAST_MOMENT:
        raise PydanticCustomError("moment", "a moment lies between the years 1970 and 9000")
    return value


Moment = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_only_text, json_schema_input_type=str),
    AfterValidator(_storable_moment),
]
Seats = Annotated[tuple[ShortText, ...], Field(strict=False), AtMost(MAX_QUANTITY)]


def _list_of_one(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Notes = Annotated[tuple[LongText, ...], Field(strict=False), AtMost(100), BeforeValidator(_list_of_one)]
"""A note, or a list of notes (Ticket Evolution, Orders / Create, Orders Parameters)."""


class TicketGroup(Word):
    """Inventory that a purchase makes: a ticket class at `price`; with seats, of as many as are bought.

    Seats are named, or meant by the lowest one and how they go on from there. Without an id one is made.
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


class LineItemRequest(Word):
    """So many tickets of one ticket class; without a price, at the catalogue's.

    With `hold_id`, what the line leaves out is the hold's: class, quantity, price and seats. Seats are
    wished for by name (`seats`), or by the lowest one and how they go on from there.
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


class PaymentRequest(Word):
    """A payment that comes with the order, or a refund of one; without an amount, the order's balance.

    One that is `pending` is under way: it counts when `payments.record` completes it.
    """

    type: PaymentType
    amount: Amount | None = None
    status: PaymentStage = "completed"
    is_refund: bool = False


class OrderRequest(Word):
    """What a producer asks for: `orders.create`."""

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


class LineItem(Word):
    """One line of an order; `amount` is unit price × quantity plus `rounding`.

    A line that was cancelled or taken out stays, with the quantity 0.
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


class Totals(Word):
    """What an order costs: total = subtotal + shipping + service fee + additional expense + tax − discount.

    `included_tax` is contained in the prices: shown, never added.
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


class Ticket(Word):
    """One admission; `code` is what a scanner verifies offline."""

    id: UUID
    line_number: int
    ticket_class_id: str
    seat: str | None
    attendee: Attendee | None
    status: TicketStatus
    code: str | None
    created_at: datetime
    checked_in_at: datetime | None


class Payment(Word):
    """One payment of an order, or one refund."""

    payment_number: int
    type: PaymentType
    amount: StoredAmount
    status: PaymentStage
    is_refund: bool
    reference: str | None
    created_at: datetime


class Note(Word):
    """A note on an order; internal ones are for the office that wrote them."""

    kind: Literal["internal", "external", "instructions"]
    text: str


class Cancellation(Word):
    """When and why an order was cancelled as a whole."""

    cancelled_at: datetime
    reason: str | None


class FraudVerdict(Word):
    """What the fraud check thought of the order, and why."""

    verdict: Literal["passed", "review"]
    reasons: tuple[str, ...]


class Trade(Word):
    """Between whom an order is, and which orders belong to it.

    `counterpart_id` is the purchase order that a sale made, or that sale; orders that replace each other
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


class CheckIn(Word):
    """How many of an order's tickets were used, of those that are valid."""

    status: Literal["not_checked_in", "partially_checked_in", "checked_in"]
    checked_in: int
    tickets: int


class Order(Word):
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


class OrderPage(Word):
    """A page of orders, newest first; `next_cursor` is null on the last one."""

    items: tuple[Order, ...]
    next_cursor: str | None
    left_out: tuple[UUID, ...] = Field(
        description="Orders of this page that are stored and cannot be shown, by their ids: usually none. "
        "The operators' log says why. Lists in other words name them in the header `Willcall-Left-Out`."
    )
