"""The types of the fields of orders and their requests."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from schemas.text import AtMost, EmailAddress, LongText, ShortText, WireModel

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


class Buyer(WireModel):
    """The buyer, to whom the confirmation goes; `email` is null for a buyer without an address."""

    first_name: ShortText
    last_name: ShortText
    email: EmailAddress | None
    company: ShortText | None = None
    phone: ShortText | None = None


class Address(WireModel):
    """A postal address, each part as the buyer wrote it."""

    name: ShortText | None = None
    line_1: ShortText | None = None
    line_2: ShortText | None = None
    city: ShortText | None = None
    state: ShortText | None = None
    country: ShortText | None = None
    postal_code: ShortText | None = None


class Attendee(WireModel):
    """The holder of a ticket."""

    first_name: ShortText | None = None
    last_name: ShortText | None = None
    email: EmailAddress | None = None


def _ip_address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError as error:
        raise PydanticCustomError("ip_address", "not an IP address") from error


IpAddress = Annotated[ShortText, AfterValidator(_ip_address)]
"""An IPv4 or IPv6 address in its shortest form (RFC 5952)."""

MAX_QUANTITY = 1_000
"""Maximum tickets of a line."""

MAX_LINES = 100

MAX_TICKETS = 1_000
"""The default of the setting `WILLCALL_MAX_TICKETS`: maximum tickets of an order."""

Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
SeatOrder = Literal["consecutive", "odd_even"]
Id = Annotated[UUID, Field(strict=False)]
OrderNumber = Annotated[int, Field(ge=1, lt=2**40)]
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(9000, 1, 1, tzinfo=UTC)


def _only_text(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("moment", "a moment must be text such as 2027-04-11T19:00:00+02:00")
    return value


def _storable_moment(value: datetime) -> datetime:
    # Far from the limits of the database and of Python, in every time zone.
    if not _FIRST_MOMENT <= value <= _LAST_MOMENT:
        raise PydanticCustomError("moment", "a moment must be between the years 1970 and 9000")
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
