"""The body of a call of Ticket Evolution (Orders / Create), in both versions of the document."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from schemas.order_fields import IpAddress, PaymentType, SeatOrder
from schemas.text import AtMost, IdempotencyKey, LongText, ShortText
from vendors.leniency import FormCall
from vendors.ticket_evolution.offices import buys_by_its_parties
from vendors.ticket_evolution.values import Count, HoldName, Label, Money, Number, Order

Hash = dict[str, Any]
"""A hash of attributes that the vendor's document does not specify; stored as sent."""


def _list_of_one(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Notes = Annotated[
    tuple[LongText, ...],
    Field(strict=False),
    AtMost(100),
    BeforeValidator(_list_of_one, json_schema_input_type=LongText | tuple[LongText, ...]),
]
"""A note, or a list of notes."""


class TicketGroup(FormCall):
    """`ticket_group`: inventory that a purchase creates (Ticket Groups / Create, Ticket Groups / Update)."""

    id: Number | None = None
    event_id: Number
    name: ShortText | None = None
    section: Label
    row: Label
    quantity: Count | None = None
    low_seat: Label | None = None
    seat_order: SeatOrder | None = None
    price: Money | None = None
    cost: Money | None = None
    wholesale_price: Money | None = None
    retail_price: Money | None = None
    retail_price_override: Money | None = None
    face_value: Money | None = None
    type: ShortText | None = None
    format: ShortText | None = None
    view_type: ShortText | None = None
    tag_list: ShortText | None = None
    split_override: ShortText | None = None
    in_hand: bool | None = None
    in_hand_on: ShortText | None = None
    wheelchair: bool | None = None
    eticket: bool | None = None
    instant_delivery: bool | None = None
    broadcast: bool | None = None
    remote_id: Number | None = None
    internal_notes: LongText | None = None
    broker_notes: LongText | None = None
    external_notes: LongText | None = None


class Item(FormCall):
    """One of `items`: tickets of a ticket group or of a hold, or a ticket group to buy."""

    ticket_group_id: Number | None = None
    price: Money | None = None
    quantity: Count | None = None
    ticket_group_signature: ShortText | None = None
    low_seat: Label | None = None
    seat_order: SeatOrder | None = None
    ticket_group: TicketGroup | None = None
    ticket_hold_id: HoldName | None = None
    id: Number | None = None


class Shipment(FormCall):
    """One of `shipped_items`: how its items are delivered (Shipments / Create)."""

    items: Annotated[tuple[Item, ...], Field(min_length=1, strict=False), AtMost(100)]
    type: ShortText | None = None
    service_type: ShortText | None = None
    signature_type: ShortText | None = None
    name: ShortText | None = None
    carrier: ShortText | None = None
    tracking_number: ShortText | None = None
    available: bool | None = None
    notes: LongText | None = None
    ship_to_name: ShortText | None = None
    ship_to_company_name: ShortText | None = None
    address_id: Number | None = None
    address_attributes: Hash | None = None
    email_address_id: Number | None = None
    email_address_attributes: Hash | None = None
    phone_number_id: Number | None = None
    phone_number_attributes: Hash | None = None
    ship_from_address_id: Number | None = None
    ship_from_address_attributes: Hash | None = None
    ship_from_phone_number_id: Number | None = None
    ship_from_phone_number_attributes: Hash | None = None


class Payment(FormCall):
    """One of `payments` (Payments / Create): pending until completed; without an amount, the balance."""

    type: PaymentType
    amount: Money | None = None
    is_completed: bool | None = None
    is_refund: bool | None = None
    billing_address_id: Number | None = None
    credit_card_id: Number | None = None
    token: ShortText | None = None
    check_number: Number | None = None
    address_id: Number | None = None
    address_attributes: Hash | None = None

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Return whether a field counts as sent; a blank amount does, and is refused as no balance."""
        return super().is_given(name, value) or (name == "amount" and value is not None)


def _is_true(value: Any) -> bool:
    """Return the value's truth in Ruby, where only false and null are false; blank text counts as omitted."""
    return value is not False and value is not None


class OrderCall(FormCall):
    """One of `orders`, with the `check_fraud` of its call."""

    idempotency_key: IdempotencyKey | None = None
    check_fraud: Annotated[bool, BeforeValidator(_is_true)] = False
    is_purchase: bool | None = None
    shipped_items: Annotated[tuple[Shipment, ...], Field(min_length=1, strict=False), AtMost(100)]
    payments: Annotated[tuple[Payment, ...], Field(strict=False), AtMost(100)] = ()
    seller_id: Number | None = None
    buyer_id: Number | None = None
    client_id: Number | None = None
    created_by_ip_address: IpAddress | None = None
    consignment: bool | None = None
    shipping: Money | None = None
    service_fee: Money | None = None
    additional_expense: Money | None = None
    tax: Money | None = None
    discount: Money | None = None
    promo_code: ShortText | None = None
    internal_notes: Notes | None = None
    external_notes: Notes | None = None
    instructions: LongText | None = None
    seller_reference_number: ShortText | None = None
    reference: ShortText | None = None
    substitute_order_link_id: Order | None = None
    # Sent by public shops, but in no version of the document.
    session_id: Label | None = None
    user_agent: LongText | None = None
    billing_address_id: Number | None = None
    tax_signature: LongText | None = None

    @property
    def buys(self) -> bool:
        """Return whether this is a purchase: by `is_purchase`, or by its parties."""
        if self.is_purchase is not None:
            return self.is_purchase
        return buys_by_its_parties(dict(self))


class OrdersCall(FormCall):
    """The body of a call: one or more orders, each accepted or refused on its own."""

    orders: Annotated[tuple[OrderCall, ...], Field(min_length=1, strict=False), AtMost(500)]
    check_fraud: Any = None
