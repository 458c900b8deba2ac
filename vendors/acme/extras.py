"""ACME's own fields of an order: stored in the order's extras, and answered as sent."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Protocol

from pydantic import ConfigDict, Field, ValidationError

from schemas.json import JsonObject
from schemas.order_fields import MAX_QUANTITY
from schemas.orders import Order
from schemas.text import AtMost, LongText, ShortText, WireModel
from vendors.acme.related_fields import NEIGHBOURS_OF_ITEM, NEIGHBOURS_OF_ORDER
from vendors.acme.values import (
    ComboTemplateType,
    Id,
    ItemType,
    LastFourDigits,
    Name,
    Price,
    SaleChannel,
    TicketDelivery,
    TicketStatus,
)
from vendors.leniency import Call, RelatedCall

NAME: Final = "acme"

MAX_TICKETS_OF_ITEM: Final = 10 * MAX_QUANTITY
"""Maximum tickets of one item, including void ones."""


class AcmeCall(Call):
    """A part of an order object. A blank e-mail address counts as omitted: tills send empty inputs."""

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Return whether a field counts as sent."""
        return value is not None and not (name == "email" and isinstance(value, str) and not value.strip())

    @classmethod
    def is_plain(cls, value: JsonObject) -> bool:
        """Return whether no value is null, a blank e-mail address, or a number with a fraction."""
        return super().is_plain(value) and cls.is_given("email", value.get("email", 0))


class TicketExtras(AcmeCall):
    """The stored fields of `orderItems[x].ticketVos[y]`."""

    phoneNumber: ShortText | None = None
    printed: bool | None = None
    notes: LongText | None = None


class ItemExtras(AcmeCall, RelatedCall):
    """The stored fields of `orderItems[x]`."""

    NEIGHBOURS: ClassVar[frozenset[str]] = NEIGHBOURS_OF_ITEM

    parentItemId: Name | None = None
    comboTemplateId: Name | None = None
    comboTemplateName: ShortText | None = None
    comboTemplateType: ComboTemplateType | None = None
    discountId: Name | None = None
    accountCategoryId: Name | None = None
    itemType: ItemType | None = None
    inventoryId: Id | None = None
    inventoryName: ShortText | None = None


class OrderExtras(AcmeCall, RelatedCall):
    """The stored fields of the order object itself."""

    NEIGHBOURS: ClassVar[frozenset[str]] = NEIGHBOURS_OF_ORDER

    accountId: Name | None = None
    visitorId: Name | None = None
    tempVisitorId: Name | None = None
    orderNumber: Name | None = None
    saleChannel: SaleChannel | None = None
    orderExceptionCodeId: Name | None = None
    orderExceptionCodeName: ShortText | None = None
    posUUID: Name | None = None
    createdBy: Name | None = None
    updatedBy: Name | None = None
    ticketDelivery: TicketDelivery | None = None
    ticketExpireDays: Annotated[int, Field(ge=0, le=100_000)] | None = None
    hideEventDate: bool | None = None
    legacy: bool | None = None
    membershipId: Name | None = None
    couponId: Name | None = None
    ccLastFourDigits: LastFourDigits | None = None
    paymentId: Name | None = None
    accountContactId: Name | None = None


class TicketEntry(TicketExtras):
    """The extras of one ticket, identified by its `id`, or by its place among all tickets of its item."""

    model_config = ConfigDict(extra="ignore")

    id: str | None = None
    place: int | None = None
    ticketStatus: TicketStatus | None = None


class ItemEntry(ItemExtras):
    """The extras of one item, identified by its id, or else as the next item of its ticket class."""

    model_config = ConfigDict(extra="ignore")

    itemId: str | None = None
    ticketClassId: str | None = None
    isInventory: bool | None = None
    discountedUnitPrice: Price | None = None
    tickets: Annotated[tuple[TicketEntry, ...], Field(strict=False), AtMost(MAX_TICKETS_OF_ITEM)] = ()


class OrderEntry(OrderExtras):
    """The extras of an order: `extras["acme"]`."""

    model_config = ConfigDict(extra="ignore")

    items: Annotated[tuple[ItemEntry, ...], Field(strict=False)] = ()


EMPTY_ORDER: Final = OrderEntry()
EMPTY_ITEM: Final = ItemEntry()


class Line(Protocol):
    """A line of an order: the fields by which its entry is found."""

    @property
    def line_number(self) -> int:
        """Return the line's number."""

    @property
    def ticket_class_id(self) -> str:
        """Return the catalogue's id of its ticket class."""

    @property
    def quantity(self) -> int:
        """Return the number of its tickets."""


def entry_of(extras: Mapping[Any, Any] | None) -> OrderEntry:
    """Return the extras of an order, without invalid fields: clients of other dialects may change extras."""
    fields = (extras or {}).get(NAME) or {}
    while True:
        try:
            return OrderEntry.model_validate(fields)
        except ValidationError as error:
            bad = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
            if not bad & fields.keys():
                return EMPTY_ORDER
            fields = {name: value for name, value in fields.items() if name not in bad}


def entries_of_lines(entry: OrderEntry, lines: Sequence[Line]) -> dict[int, ItemEntry]:
    """Return the entries by line number.

    An entry without an id belongs to the next line of its class, as in an update; lines with tickets come
    first.
    """
    found: dict[int, ItemEntry] = {}
    by_id = {str(line.line_number): line for line in lines}
    for item in entry.items:
        if item.itemId in by_id:
            found[int(item.itemId)] = item
    for item in entry.items:
        if item.itemId is None:
            free = [
                line
                for line in sorted(lines, key=lambda line: not line.quantity)
                if line.line_number not in found and line.ticket_class_id == item.ticketClassId
            ]
            if free:
                found[free[0].line_number] = item
    return found


STATED_STATUSES: Final = "statedStatuses"
"""The key in `related_of_items` of the statuses that clients have stated, by ticket id."""


def related_of_items(order: Order) -> list[JsonObject]:
    """Return the extras of each item that answers do not contain: related fields and stated statuses."""
    entries = entries_of_lines(entry_of(order.extras), order.line_items)
    found = [entries.get(line.line_number, EMPTY_ITEM) for line in order.line_items]
    return [
        {**entry.related, STATED_STATUSES: {one.id: one.ticketStatus for one in entry.tickets}}
        for entry in found
    ]


def stated_fields(call: Call, of: type[WireModel]) -> JsonObject:
    """Return the fields of the model `of` as sent, None for omitted ones, and the sent related fields."""
    related = call.related if isinstance(call, RelatedCall) else {}
    return {**related, **{name: getattr(call, name) for name in of.model_fields}}
