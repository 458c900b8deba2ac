"""What a catalogue may say for people: shown in dialects and documents, and never decided by."""

from typing import Annotated, Literal

from pydantic import Field, HttpUrl

from schemas.order_fields import Address
from schemas.text import EmailAddress, LongText, ShortText, WireModel

Url = Annotated[HttpUrl, Field(strict=False)]


class Organisation(WireModel):
    """Who a tenant is, for its buyers."""

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
    """Where an event takes place; degrees are WGS 84, as text."""

    name: ShortText | None = None
    address: Address | None = None
    latitude: ShortText | None = None
    longitude: ShortText | None = None
    map_link: Url | None = None


class CancellationPolicy(WireModel):
    """Until how many minutes before an event its orders may be cancelled, and how much is given back."""

    type: ShortText
    duration_minutes: Annotated[int, Field(ge=0)]
    refund_percent: Annotated[int, Field(ge=0, le=100)]


class Instruction(WireModel):
    """What the buyer of a ticket is to know."""

    title: ShortText = ""
    description: LongText = ""


class EventDetails(WireModel):
    """What there is to know of an event beside its time and prices."""

    type: ShortText | None = None
    description: LongText | None = None
    instruction: Instruction | None = None
    banners: Annotated[tuple[Banner, ...], Field(max_length=20, strict=False)] = ()
    thumbnail: Url | None = None
    venue: Venue | None = None
    cancellation: CancellationPolicy | None = None
    is_full_day: bool = False


class TicketClassDetails(WireModel):
    """What there is to know of a ticket class; `kind` says whether it is an admission or a thing."""

    kind: Literal["event", "inventory"] = "event"
    variation: ShortText | None = None
    description: LongText | None = None
    instruction: LongText | None = None
    image: Url | None = None
