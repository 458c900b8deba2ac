"""Descriptive data of a catalogue: shown in dialects and documents, never used in decisions."""

from typing import Annotated, Literal

from pydantic import Field, HttpUrl

from schemas.order_fields import Address
from schemas.text import EmailAddress, LongText, ShortText, WireModel

Url = Annotated[HttpUrl, Field(strict=False)]


class Organisation(WireModel):
    """A tenant as its buyers see it."""

    name: ShortText | None = None
    entity_name: ShortText | None = None
    registration: ShortText | None = None
    email: EmailAddress | None = None
    phone: ShortText | None = None
    image: Url | None = None
    address: Address | None = None
    timezone: ShortText | None = None


class Banner(WireModel):
    """A picture of an event."""

    name: ShortText = ""
    image: Url
    is_primary: bool = False


class Venue(WireModel):
    """The place of an event; degrees are WGS 84, as text."""

    name: ShortText | None = None
    address: Address | None = None
    latitude: ShortText | None = None
    longitude: ShortText | None = None
    map_link: Url | None = None


class CancellationPolicy(WireModel):
    """The minutes before an event until which its orders may be cancelled, and the share refunded."""

    type: ShortText
    duration_minutes: Annotated[int, Field(ge=0)]
    refund_percent: Annotated[int, Field(ge=0, le=100)]


class Instruction(WireModel):
    """An instruction for the buyer of a ticket."""

    title: ShortText = ""
    description: LongText = ""


class EventDetails(WireModel):
    """The details of an event apart from its time and prices."""

    type: ShortText | None = None
    description: LongText | None = None
    instruction: Instruction | None = None
    banners: Annotated[tuple[Banner, ...], Field(max_length=20, strict=False)] = ()
    thumbnail: Url | None = None
    venue: Venue | None = None
    cancellation: CancellationPolicy | None = None
    is_full_day: bool = False


class TicketClassDetails(WireModel):
    """The details of a ticket class; `kind` is `event` for an admission, `inventory` for goods."""

    kind: Literal["event", "inventory"] = "event"
    variation: ShortText | None = None
    description: LongText | None = None
    instruction: LongText | None = None
    image: Url | None = None
