"""The order object of answers (Order Object): every documented field is always present."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, WithJsonSchema

from schemas.text import WireModel
from vendors.acme.values import (
    CheckInStatus,
    ComboTemplateType,
    ItemType,
    Name,
    SaleChannel,
    TicketDelivery,
    TicketStatus,
)

Number = Annotated[Decimal, Field(strict=False), WithJsonSchema({"type": "number"})]
"""An exact amount in the order's currency."""


class TicketVo(WireModel):
    """A ticket of an item, valid or void."""

    id: str
    tenantId: str
    uuid: str
    checkInDate: str | None
    firstName: str | None
    lastName: str | None
    email: str | None
    phoneNumber: str | None
    ticketStatus: TicketStatus
    printed: bool
    notes: str | None


class OrderItem(WireModel):
    """An item of an order; an emptied item has the quantity 0."""

    itemId: str
    parentItemId: Name | None
    comboTemplateId: Name | None
    comboTemplateName: str | None
    comboTemplateType: ComboTemplateType | None
    eventId: str
    eventName: str
    eventStartTime: str
    ticketingTypeId: str | None
    ticketingTypeName: str | None
    basicOriginalQuantity: int
    originalQuantity: int
    basicQuantity: int
    quantity: int
    discountId: Name | None
    accountCategoryId: Name | None
    checkedInQuantity: int
    unitPrice: Number
    discountedUnitPrice: Number
    discountedOriginalAmount: Number
    originalAmount: Number
    discountedAmount: Number
    amount: Number
    balanceAmount: Number
    checkInDate: str | None
    itemType: ItemType
    inventoryId: str | None
    inventoryName: str | None
    ticketVos: Annotated[tuple[TicketVo, ...], Field(strict=False)]


class AnsweredOrder(WireModel):
    """An order in the ACME dialect."""

    id: str
    tenantId: str
    accountId: Name | None
    visitorId: Name | None
    tempVisitorId: Name | None
    email: str | None
    contactFirstName: str
    contactLastName: str
    zipCode: str | None
    phoneNumber: str | None
    orderNumber: Name
    discountedOriginalTotalAmount: Number
    originalTotalAmount: Number
    discountedTotalAmount: Number
    totalAmount: Number
    paidAmount: Number
    balanceAmount: Number
    refundAmount: Number
    saleChannel: SaleChannel
    checkInStatus: CheckInStatus
    orderExceptionCodeId: Name | None
    orderExceptionCodeName: str | None
    notes: str | None
    posUUID: Name | None
    createdOn: str
    createdBy: Name | None
    updatedOn: str
    updatedBy: Name | None
    paymentDueDate: str | None
    ticketDelivery: TicketDelivery
    ticketExpireDays: int | None
    hideEventDate: bool
    legacy: bool
    membershipId: Name | None
    couponId: Name | None
    ccLastFourDigits: str | None
    paymentId: Name | None
    accountContactId: Name | None
    orderItems: Annotated[tuple[OrderItem, ...], Field(strict=False)]
