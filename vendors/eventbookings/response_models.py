"""Models of the answers, for the OpenAPI page and for tests."""

from typing import Literal

from schemas.text import WireModel
from vendors.eventbookings.response_parts import (
    Address,
    Amount,
    Attribute,
    Event,
    LineItem,
    Moment,
    Organisation,
)


class Customer(WireModel):
    """The customer of an order."""

    uuid: str
    user_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    image: str
    billing_address: Address
    shipping_address: Address


class _Summary(WireModel):
    service_fee: Amount
    processing_fee: Amount
    tax: Amount
    subtotal: Amount
    total: Amount
    total_tickets: Amount


class _Payments(WireModel):
    payment_amount: str
    method: str
    status: Literal["unpaid", "partially_paid", "paid", "refunded"]
    date: Moment


class Instruction(WireModel):
    """An instruction for the buyer."""

    title: str
    description: str


class ExtendedStatus(WireModel):
    """The status of payment, fulfilment and refund."""

    name: Literal["payment", "fulfilment", "refund"]
    value: Literal[
        "unpaid",
        "partially_paid",
        "paid",
        "refunded",
        "unfulfilled",
        "partially_fulfilled",
        "fulfilled",
        "cancelled",
        "none",
        "partially_refunded",
    ]


class _Order(WireModel):
    uuid: str
    code: str
    customer: Customer
    order_pdf_link: str
    event: Event
    organisation: Organisation
    line_items: list[LineItem]
    timezone: str
    currency: str
    tax: list[Attribute]
    instruction: Instruction
    status: Literal["placed", "cancelled", "refunded"]
    extended_status: list[ExtendedStatus]
    is_orphan: bool
    is_dirty: bool
    booking_type: str
    created_on: str
    updated_on: str


class ListedSummary(_Summary):
    """The amounts of the order."""

    coupons: list[str]


class ListedPayments(_Payments):
    """The payments of the order."""

    attributes: list[Attribute]


class ListedOrder(_Order):
    """An order in the list."""

    summary: ListedSummary
    payments: ListedPayments
    price_is_tax_inclusive: Literal[0, 1]
    additional_details: list[Attribute]
    invitations: list[Attribute]
    notifications: list[Attribute]
    extended_settings: list[Attribute]


class Summary(_Summary):
    """The amounts of the order."""

    coupons: str


class Payments(_Payments):
    """The payments of the order."""

    attributes: str


class Order(_Order):
    """An order outside a list."""

    summary: Summary
    payments: Payments
    price_is_tax_inclusive: Literal["0", "1"]
    additional_details: str
    invitations: str
    notifications: str
    extended_settings: str


class Pagination(WireModel):
    """The position of the page, and the number of all orders."""

    records: str
    position: str
    rows: str
    order_by: str


class OrderListResult(WireModel):
    """A page of orders."""

    orders: list[ListedOrder]
    pagination: Pagination


class OrderListAnswer(WireModel):
    """The answer of `GET /events/{event_uuid}/orders`."""

    statusCode: Literal[200]
    result: OrderListResult


class OrderResult(WireModel):
    """One order."""

    orders: Order


class OrderAnswer(WireModel):
    """The answer of `GET /orders/{order_uuid}`."""

    statusCode: Literal[200]
    result: OrderResult
