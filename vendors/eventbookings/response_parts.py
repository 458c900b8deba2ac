"""Models of the parts of orders: events, products, tickets, amounts."""

from typing import Literal

from schemas.text import WireModel


class Amount(WireModel):
    """An amount: a decimal string, and a display text."""

    amount: str
    display_text: str


class Moment(WireModel):
    """A moment in UTC and in the event's time zone."""

    utc: str
    local: str


class Address(WireModel):
    """A postal address."""

    address_line1: str
    address_line2: str
    country: str
    state: str
    city: str
    post_code: str


class OrganisationAddress(Address):
    """The organisation's address, with its time zone."""

    timezone: str


class Banner(WireModel):
    """A picture of the event."""

    name: str
    image: str
    primary: bool


class OrderCancel(WireModel):
    """The time until which an order may be cancelled, and the refunded share."""

    enabled: bool
    type: str
    duration: int
    refund_amount_percent: int


class Settings(WireModel):
    """The settings of the event."""

    order_cancel: OrderCancel
    include_tax_or_gst: bool
    company_registration_details: str
    organisation_entity_name: str
    dgr_status: bool
    is_enable_full_day: bool
    is_enable_service_charge: bool
    is_enable_datetime_conversion: bool
    is_enable_qr_code_on_tickets: bool
    is_enable_qr_code_individually_on_ticket: bool


class Event(WireModel):
    """The event of an order."""

    uuid: str
    name: str
    banner: list[Banner]
    thumb: str
    event_start_on: Moment
    event_end_on: Moment
    organisation_uuid: str
    type: str
    map_link: str
    settings: Settings


class Organisation(WireModel):
    """The organisation of the event."""

    uuid: str
    name: str
    image: str
    email: str
    phone: str
    addresses: OrganisationAddress


class Attribute(WireModel):
    """A name and a value; null values appear only if all additional information was requested."""

    name: str
    value: str | None


class EventAddress(WireModel):
    """The address of the event."""

    latitude: str
    longitude: str
    address: Address


class TicketCode(WireModel):
    """The code that a scanner reads, and its image."""

    type: Literal["QR", "QR_SVG"]
    value: str
    image: str


class AdditionalDetails(WireModel):
    """Additional details of the attendee."""

    uuid: str
    attributes: list[Attribute]


class TicketAttendee(WireModel):
    """The attendee of the ticket."""

    uuid: str
    attributes: list[Attribute]
    additional_details: AdditionalDetails


class Ticket(WireModel):
    """The value of the attribute TICKET."""

    uuid: str
    code: list[TicketCode]
    ticket_reference_code: str
    digital_pass_url: str
    is_donation: bool
    is_enable_qr_code: bool
    seat: str
    attendee: TicketAttendee


class ProductAttribute(WireModel):
    """An attribute of a product; its name determines the type of the value."""

    name: Literal[
        "PRODUCT_NAME",
        "PRODUCT_VARIATION",
        "PRODUCT_DESCRIPTION",
        "PRODUCT_INSTRUCTION",
        "PRODUCT_IMAGE",
        "EVENT_NAME",
        "OCCURRENCE_UUID",
        "SESSION_UUID",
        "SESSION_NAME",
        "EVENT_START_ON",
        "EVENT_END_ON",
        "EVENT_IMAGE",
        "EVENT_ADDRESS",
        "TICKET",
    ]
    value: str | Moment | list[Banner] | EventAddress | Ticket


class Product(WireModel):
    """The product of a line item."""

    uuid: str
    type: Literal["event", "inventory"]
    attributes: list[ProductAttribute]


class LineItem(WireModel):
    """One ticket of the order."""

    serial: int
    product: Product
    quantity: int
    quantity_included: int
    price: Amount
    discount: Amount
    service_fee: Amount
    processing_fee: Amount
    tax: Amount
    subtotal: Amount
