"""Models of the parts of orders in answers: every key is always present."""

from typing import Any

from schemas.text import WireModel

Id = int | str
"""An integer if the catalogue's id is one, otherwise text."""

Amount = str
"""A decimal string with two decimals, such as 45.50, or more if the amount has more."""


class Venue(WireModel):
    """The venue of an event."""

    name: str | None
    address: "Address | None"


class Event(WireModel):
    """An event; `occurs_at` is in the venue's time zone."""

    id: Id
    name: str
    url: str
    occurs_at: str
    venue: Venue | None


class Address(WireModel):
    """An address."""

    name: str | None
    street_address: str | None
    extended_address: str | None
    locality: str | None
    region: str | None
    country_code: str | None
    postal_code: str | None


class TicketGroup(WireModel):
    """A ticket group as the catalogue states it; `seats` are those of the order."""

    id: Id
    url: str
    name: str
    section: str | None
    row: str | None
    seats: tuple[str, ...]
    retail_price: Amount
    office_id: Id | None
    event: Event | None


class Ticket(WireModel):
    """One ticket of an item."""

    id: str
    seat: str | None
    state: str
    barcode: str | None


class Item(WireModel):
    """One item; fields that only the call states are as sent."""

    id: int
    ticket_group_id: Id
    ticket_group: TicketGroup
    price: Amount
    quantity: int
    tickets: tuple[Ticket, ...]
    low_seat: str | None
    seat_order: str | None
    ticket_hold_id: str | None
    ticket_group_signature: str | None
    requested_id: Id | None
    requested_ticket_group: dict[str, Any] | None


class ShippedItem(WireModel):
    """An item of a shipment."""

    id: int
    ticket_group_id: Id
    quantity: int


class Shipment(WireModel):
    """The delivery of items, as the call stated it."""

    id: int
    url: str
    type: str
    state: str
    items: tuple[ShippedItem, ...]
    service_type: str | None
    signature_type: str | None
    name: str | None
    carrier: str | None
    tracking_number: str | None
    available: bool | None
    notes: str | None
    ship_to_name: str | None
    ship_to_company_name: str | None
    address_id: Id | None
    address_attributes: dict[str, Any] | None
    email_address_id: Id | None
    email_address_attributes: dict[str, Any] | None
    phone_number_id: Id | None
    phone_number_attributes: dict[str, Any] | None
    ship_from_address_id: Id | None
    ship_from_address_attributes: dict[str, Any] | None
    ship_from_phone_number_id: Id | None
    ship_from_phone_number_attributes: dict[str, Any] | None


class Payment(WireModel):
    """A payment, or a refund."""

    id: int
    type: str
    amount: Amount
    state: str
    refund: bool
    reference: str | None
    created_at: str
    credit_card_id: Id | None
    token: str | None
    check_number: Id | None
    billing_address_id: Id | None
    address_id: Id | None
    address_attributes: dict[str, Any] | None


class Party(WireModel):
    """A seller or buyer: an office or a client."""

    type: str
    id: Id | None
    name: str | None
    url: str | None


class EmailAddress(WireModel):
    """An e-mail address."""

    address: str


class PhoneNumber(WireModel):
    """A phone number."""

    number: str


class Client(WireModel):
    """The buying client."""

    id: Id | None
    url: str | None
    name: str
    company: str | None
    email_addresses: tuple[EmailAddress, ...]
    phone_numbers: tuple[PhoneNumber, ...]
