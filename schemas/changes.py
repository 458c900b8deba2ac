"""Requests on an existing order: `orders.update`, `orders.cancel`, `payments.record`."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from schemas.dialects import Extras
from schemas.money import ZERO, Amount
from schemas.order_fields import (
    MAX_LINES,
    MAX_QUANTITY,
    Address,
    Attendee,
    Buyer,
    Id,
    Moment,
    Notes,
    PaymentStage,
    PaymentType,
    Quantity,
    SeatOrder,
    Seats,
)
from schemas.text import (
    AtMost,
    EmailAddress,
    IdempotencyKey,
    Identifier,
    LongText,
    ShortText,
    StoredKey,
    WireModel,
)

MAX_VERSIONS: Final = 1_000
"""Versions of an order that one request may name; a longer list is no useful condition."""


class OrderReference(WireModel):
    """The order of a request: its id, or the idempotency key of the request that created it.

    A key may name an order before it exists: the request waits for it.
    """

    idempotency_key: IdempotencyKey | None = None
    order_id: Id | None = None
    # Any key may be named: no order is ever created under a reserved one, so the request finds none.
    order_key: StoredKey | None = None
    expected_version: Annotated[int, Field(ge=1)] | None = None
    # One of several is enough. A worker of an older version does not know the field, and rejects the request:
    # it never drops the condition.
    expected_versions: (
        Annotated[
            tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, strict=False), AtMost(MAX_VERSIONS)
        ]
        | None
    ) = None

    @property
    def versions(self) -> tuple[int, ...]:
        """Return the acceptable versions of the order; empty if any version is acceptable."""
        if self.expected_version is not None:
            return (self.expected_version,)
        return self.expected_versions or ()

    @model_validator(mode="after")
    def _names_one_order(self) -> Self:
        if (self.order_id is None) == (self.order_key is None):
            raise ValueError("name the order by either order_id or order_key")
        if self.expected_version is not None and self.expected_versions is not None:
            raise ValueError("send either expected_version or expected_versions, not both")
        return self


class UpdateRequest(OrderReference):
    """`orders.update`: a merge patch (RFC 7396) of the order's fields."""

    patch: dict[str, Any]


class PatchedLine(WireModel):
    """The requested state of a line. An existing line is identified by its number, or by its class.

    Omitted fields of an existing line stay. Attendees are assigned to its tickets in order, first to those
    that `ticket_ids` names; these also stay when the line gets fewer tickets.
    """

    line_number: Annotated[int, Field(ge=1)] | None = None
    ticket_class_id: Identifier
    quantity: Quantity
    unit_price: Amount | None = None
    attendees: Annotated[tuple[Attendee, ...], Field(strict=False), AtMost(MAX_QUANTITY)] | None = None
    ticket_ids: Annotated[tuple[Id, ...], Field(strict=False), AtMost(MAX_QUANTITY)] = ()
    event_id: Identifier | None = None
    seats: Seats | None = None
    low_seat: ShortText | None = None
    seat_order: SeatOrder = "consecutive"


class PatchedBuyer(Buyer):
    """The buyer after the patch; without an address, the patch removed it."""

    email: EmailAddress | None = None


class PatchedOrder(WireModel):
    """The changeable fields of an order after a patch; fields that the patch does not name are absent.

    `line_items` are all requested lines: an omitted line is removed from the order. `total_discount` is the
    promo code's discount plus every other discount; it applies once, and later changes price the promo code
    again.
    """

    buyer: PatchedBuyer | None = None
    billing_address: Address | None = None
    line_items: (
        Annotated[tuple[PatchedLine, ...], Field(min_length=1, strict=False), AtMost(MAX_LINES)] | None
    ) = None
    shipping: Amount = ZERO
    service_fee: Amount = ZERO
    additional_expense: Amount = ZERO
    tax: Amount | None = None
    discount: Amount = ZERO
    total_discount: Amount | None = None
    expected_total: Amount | None = None
    reference: ShortText | None = None
    internal_notes: Notes = ()
    external_notes: Notes = ()
    instructions: Notes = ()
    payment_due_at: Moment | None = None
    extras: Extras | None = None


_LINES: TypeAdapter[tuple[PatchedLine, ...]] = TypeAdapter(
    Annotated[tuple[PatchedLine, ...], Field(strict=False), AtMost(MAX_LINES)]
)


def well_formed_lines(line_items: Any) -> Sequence[PatchedLine]:
    """Return the lines of a patch; none if any is malformed."""
    if line_items is None:
        return ()
    try:
        return _LINES.validate_python(line_items)
    except ValidationError:
        return ()


class CancelledLine(WireModel):
    """A line with tickets to cancel: all of them, or `quantity`, the last ones first."""

    line_number: Annotated[int, Field(ge=1)]
    quantity: Quantity | None = None


class CancelRequest(OrderReference):
    """`orders.cancel`: the whole order, some lines, or some tickets."""

    reason: LongText | None = None
    lines: Annotated[tuple[CancelledLine, ...], Field(strict=False), AtMost(MAX_LINES)] = ()
    ticket_ids: Annotated[tuple[Id, ...], Field(strict=False), AtMost(MAX_QUANTITY)] = ()

    @property
    def is_whole(self) -> bool:
        """Return whether the whole order is to be cancelled."""
        return not self.lines and not self.ticket_ids


class PaymentRecord(OrderReference):
    """`payments.record`: a payment or a refund that was made, or is under way (`pending`).

    The default amount is the order's balance; for a refund, the amount owed to the buyer. `payment_number`
    completes a pending payment.
    """

    type: PaymentType
    amount: Amount | None = None
    status: PaymentStage = "completed"
    is_refund: bool = False
    reference: ShortText | None = None
    payment_number: Annotated[int, Field(ge=1)] | None = None


class ExpireRequest(OrderReference):
    """`orders.expire`: the order was not paid in time. Only the schedule sends it, never a producer."""

    idempotency_key: StoredKey | None = None
