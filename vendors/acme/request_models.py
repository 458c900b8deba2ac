"""The order object of requests (Order Object): every documented field, no other."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, PlainValidator, WithJsonSchema

from schemas.order_fields import MAX_QUANTITY
from schemas.text import AtMost, EmailAddress, IdempotencyKey, ShortText, WireModel
from vendors.acme.extras import MAX_TICKETS_OF_ITEM, ItemExtras, OrderExtras, TicketExtras
from vendors.acme.values import Due, Id, Price, TicketStatus

_Anything = PlainValidator(lambda value: value)

ReadOnly = Annotated[Any, _Anything, WithJsonSchema({"readOnly": True})]
"""A field that the document marks as read only: a client may send it, and it is ignored."""

Computed = Annotated[
    Any,
    _Anything,
    WithJsonSchema({"description": "Send it as it was read, or omit it; another value is refused."}),
]
"""A computed field: a client may send it as it was read; a PUT with another value is refused."""


class TicketCall(TicketExtras):
    """One of `ticketVos`. The `id` identifies an existing ticket; only tickets with status `Normal` count."""

    id: Id | None = None
    tenantId: Computed = None
    uuid: Computed = None
    checkInDate: Computed = None
    firstName: ShortText | None = None
    lastName: ShortText | None = None
    email: EmailAddress | None = None
    ticketStatus: TicketStatus | None = None


class ItemCall(ItemExtras):
    """One of `orderItems`: its ticket class is the `ticketingTypeId`, or without one the `inventoryId`."""

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


class OrderCall(OrderExtras):
    """An order object of POST or PUT.

    `idempotency_key` is our field: over HTTP it is the header `x-acme-request-uuid`.
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
    """An order object that replaces the order with this `id`."""

    id: Annotated[UUID, Field(strict=False)]


class DeletingCall(WireModel):
    """The id of the order to cancel."""

    idempotency_key: IdempotencyKey | None = None
    id: Annotated[UUID, Field(strict=False)]
