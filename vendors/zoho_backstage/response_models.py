"""Models of the answers, with the documented types, for the OpenAPI page."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from schemas.text import WireModel

Money = Annotated[Decimal, Field(strict=False), WithJsonSchema({"type": "number", "examples": [10, 45.5]})]
"""An amount or a percentage: a JSON number, whole in the vendor's sample, exact here."""

UtcMoment = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", examples=["2026-04-11T07:10:08Z"])
]
Status = Literal["placed", "cancelled", "refunded"]
PaymentStatus = Literal["unpaid", "paid", "partially_paid", "refunded"]


class StoredAddress(WireModel):
    """The order's `billing_address`; omitted parts are empty texts."""

    name: str
    streetAddress1: str
    streetAddress2: str
    city: str
    state: str
    country: str
    zipcode: str


class Purchaser(WireModel):
    """The order's `contact`."""

    purchaser_first_name: str
    purchaser_last_name: str
    purchaser_email: str
    purchaser_mobile_no: str


class User(WireModel):
    """The creator or modifier of an object; `id` is a 64-bit number as text."""

    id: str
    email: str
    first_name: str
    company: str
    designation: str


class Cost(WireModel):
    """The amounts of the order."""

    sub_total: Money
    discount: Money
    service_fee: Money
    tax: Money
    tax_percent: Money
    total: Money
    tax_name: str | None
    promo_code: str | None
    discount_applied: Money | None


class Holder(WireModel):
    """A ticket's `contact`."""

    first_name: str
    company_name: str
    email: str
    designation: str
    mobile_no: str
    last_name: str


class IssuedTicket(WireModel):
    """One of the order's `tickets`."""

    id: str
    base_price: Money
    discount: Money
    service_fee: Money
    tax: Money
    total: Money
    promo_code: str | None
    discount_applied: Money | None
    status: Literal[0, 1, 2, 3]
    status_string: Status | Literal["checked_in"]
    payment_status: Literal[0, 1, 2, 3]
    payment_status_string: PaymentStatus
    ticket_name: str
    ticket_class_id: str
    issue_ticket: bool
    contact: Holder
    created_by: User
    created_time: UtcMoment
    last_modified_by: User
    last_modified_time: UtcMoment


class PlacedOrder(WireModel):
    """An order: every field of the sample response."""

    id: str
    order_by: str
    status: Literal[0, 1, 2]
    status_string: Status
    payment_type: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 10]
    payment_type_string: str
    payment_option_name: str
    source: Literal[4]
    source_string: Literal["api"]
    billing_address: StoredAddress
    refund_policy: Literal[0, 1]
    origin: Literal[2]
    origin_string: Literal["editor"]
    payment_status: Literal[0, 1, 2, 3]
    payment_status_string: PaymentStatus
    contact: Purchaser
    created_by: User
    created_time: UtcMoment
    last_modified_by: User
    last_modified_time: UtcMoment
    cost: Cost
    tickets: Annotated[tuple[IssuedTicket, ...], Field(strict=False)]
