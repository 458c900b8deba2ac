"""The order object as a client sends it (Order Object): every documented field, no other."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, PlainValidator, WithJsonSchema

from schemas.order_fields import MAX_QUANTITY
from schemas.text import AtMost, EmailAddress, IdempotencyKey, ShortText, WireModel
from vendors.acme.extras import MAX_TICKETS_OF_ITEM, KeptOfItem, KeptOfOrder, KeptOfTicket
from vendors.acme.values import Due, Id, Price, TicketStatus

_Anything = PlainValidator(lambda value: value)

ReadOnly = Annotated[Any, _Anything, WithJsonSchema({"readOnly": True})]
"""What the document marks so: a client may send it, and it is not looked at."""

Computed = Annotated[
    Any, _Anything, WithJsonSchema({"description": "As it was read; what says otherwise is refused."})
]
"""What follows from the rest: a client may send back what it read; a PUT that says otherwise is refused."""


class TicketCall(KeptOfTicket):
    """One of `ticketVos`. The `id` of an answer says which ticket it is; all that counts is Normal."""

    id: Id | None = None
    tenantId: Computed = None
    uuid: Computed = None
    checkInDate: Computed = None
    firstName: ShortText | None = None
    lastName: ShortText | None = None
    email: EmailAddress | None = None
    ticketStatus: TicketStatus | None = None


class ItemCall(KeptOfItem):
    """One of `orderItems`: its ticket class is the `ticketingTypeId`, or else the `inventoryId`."""

    itemId: Id | None = None
    eventId: Id | None = None
    eventName: Computed = None
    eventStartTime: Computed = None
    ticketingTypeId: Id | None = None
    ticketingTypeName: Computed = None
    basicOriginalQuantity: Computed = None
    originalQuantity: Computed = None
    basicQuantity: Computed = None
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] | None = None
    checkedInQuantity: Computed = None
    unitPrice: Price | None = None
    discountedUnitPrice: Price | None = None
    discountedOriginalAmount: Computed = None
    originalAmount: Computed = None
    discountedAmount: Price | None = None
    amount: Price | None = None
    balanceAmount: Computed = None
    checkInDate: Computed = None
    ticketVos: Annotated[tuple[TicketCall, ...], Field(strict=False), AtMost(MAX_TICKETS_OF_ITEM)] | None = (
        None
    )


class OrderCall(KeptOfOrder):
    """An order object: what is created, or what an order is replaced by.

    `idempotency_key` is ours: over HTTP it is the header `x-acme-request-uuid`.
    """

    idempotency_key: IdempotencyKey | None = None
    id: ReadOnly = None
    tenantId: Computed = None
    email: EmailAddress | None = None
    contactFirstName: ShortText | None = None
    contactLastName: ShortText | None = None
    zipCode: ShortText | None = None
    phoneNumber: ShortText | None = None
    discountedOriginalTotalAmount: Computed = None
    originalTotalAmount: Computed = None
    discountedTotalAmount: Price | None = None
    totalAmount: Price | None = None
    paidAmount: Price | None = None
    balanceAmount: Price | None = None
    refundAmount: Computed = None
    checkInStatus: Computed = None
    notes: str | None = None
    createdOn: Computed = None
    updatedOn: Computed = None
    paymentDueDate: Due | None = None
    orderItems: Annotated[tuple[ItemCall, ...], Field(min_length=1, strict=False), AtMost(100)]


class ReplacingCall(OrderCall):
    """An order object that takes the place of the order of this `id`."""

    id: Annotated[UUID, Field(strict=False)]


class DeletingCall(WireModel):
    """The name of an order that is to be cancelled."""

    idempotency_key: IdempotencyKey | None = None
    id: Annotated[UUID, Field(strict=False)]
