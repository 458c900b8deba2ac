"""What only ACME says of an order: kept in the extras of the order, and answered as it was said."""

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
"""Tickets of one item, those that are void among them."""


class AcmeCall(Call):
    """A part of an order object. A blank e-mail address is none: a till sends what nobody filled in."""

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Say whether a field counts as sent."""
        return value is not None and not (name == "email" and isinstance(value, str) and not value.strip())

    @classmethod
    def is_plain(cls, value: JsonObject) -> bool:
        """Say whether nothing in the part is null, a blank address, or written with a fraction."""
        return super().is_plain(value) and cls.is_given("email", value.get("email", 0))


class KeptOfTicket(AcmeCall):
    """The fields of `orderItems[x].ticketVos[y]` that are kept."""

    phoneNumber: ShortText | None = None
    printed: bool | None = None
    notes: LongText | None = None


class KeptOfItem(AcmeCall, RelatedCall):
    """The fields of `orderItems[x]` that are kept."""

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


class KeptOfOrder(AcmeCall, RelatedCall):
    """The order's own fields that are kept."""

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


class TicketEntry(KeptOfTicket):
    """What is kept of one ticket: of that `id`, or of that place among all tickets of its item."""

    model_config = ConfigDict(extra="ignore")

    id: str | None = None
    place: int | None = None
    ticketStatus: TicketStatus | None = None


class ItemEntry(KeptOfItem):
    """What is kept of one item: of that id, or else of the next one of its ticket class."""

    model_config = ConfigDict(extra="ignore")

    itemId: str | None = None
    ticketClassId: str | None = None
    isInventory: bool | None = None
    discountedUnitPrice: Price | None = None
    tickets: Annotated[tuple[TicketEntry, ...], Field(strict=False), AtMost(MAX_TICKETS_OF_ITEM)] = ()


class OrderEntry(KeptOfOrder):
    """What is kept of an order: `extras["acme"]`."""

    model_config = ConfigDict(extra="ignore")

    items: Annotated[tuple[ItemEntry, ...], Field(strict=False)] = ()


NOTHING: Final = OrderEntry()
NOTHING_OF_ITEM: Final = ItemEntry()


class Line(Protocol):
    """A line of an order, as far as it is to be found again."""

    @property
    def line_number(self) -> int:
        """Return its number."""

    @property
    def ticket_class_id(self) -> str:
        """Return the catalogue's id of its ticket class."""

    @property
    def quantity(self) -> int:
        """Return how many tickets it has."""


def entry_of(extras: Mapping[Any, Any] | None) -> OrderEntry:
    """Return what is kept of an order; what is not ACME's words, as others may change it, is left out."""
    words = (extras or {}).get(NAME) or {}
    while True:
        try:
            return OrderEntry.model_validate(words)
        except ValidationError as error:
            bad = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
            if not bad & words.keys():
                return NOTHING
            words = {name: value for name, value in words.items() if name not in bad}


def entries_of_lines(entry: OrderEntry, lines: Sequence[Line]) -> dict[int, ItemEntry]:
    """Return the entries by line number.

    An entry without an id is of the next line of its class, as an update means it; lines that have
    tickets come first.
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


SAID: Final = "saidStatuses"
"""What `related_of_items` calls the statuses that clients have said of an item's tickets, by their ids."""


def related_of_items(order: Order) -> list[JsonObject]:
    """Return what is kept of each item and not told as such in answers: neighbours' fields, said statuses."""
    entries = entries_of_lines(entry_of(order.extras), order.line_items)
    found = [entries.get(line.line_number, NOTHING_OF_ITEM) for line in order.line_items]
    return [{**entry.related, SAID: {one.id: one.ticketStatus for one in entry.tickets}} for entry in found]


def said(words: Call, of: type[WireModel]) -> JsonObject:
    """Return the fields of `of` as they were said, and None for those that were not; and the neighbours'."""
    related = words.related if isinstance(words, RelatedCall) else {}
    return {**related, **{name: getattr(words, name) for name in of.model_fields}}
