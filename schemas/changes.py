"""What may be done to an order that is there: `orders.update`, `orders.cancel`, `payments.record`."""

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
"""Versions of an order that one request may name; more are no condition that anybody means."""


class OrderReference(WireModel):
    """Which order: its id, or the idempotency key of the request that created it.

    By key, an order may be named before it is there: the request waits for it.
    """

    idempotency_key: IdempotencyKey | None = None
    order_id: Id | None = None
    # Any key may be named: under a reserved one no order is ever made, so that the request finds none.
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
        """Return the versions of which the order must have one; none of them: any will do."""
        if self.expected_version is not None:
            return (self.expected_version,)
        return self.expected_versions or ()

    @model_validator(mode="after")
    def _names_one_order(self) -> Self:
        if (self.order_id is None) == (self.order_key is None):
            raise ValueError("an order is named by order_id or by order_key")
        if self.expected_version is not None and self.expected_versions is not None:
            raise ValueError("expected_version and expected_versions exclude each other")
        return self


class UpdateRequest(OrderReference):
    """`orders.update`: a merge patch (RFC 7396) of the order's terms."""

    patch: dict[str, Any]


class LineTerms(WireModel):
    """A line as it is to be. One that is there is named by its number, or meant by its class.

    What such a line leaves out stays; the attendees are those of its tickets, in their order: first of
    those that `ticket_ids` names, which also stay where the line gets fewer.
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


class BuyerTerms(Buyer):
    """Who pays, after the patch; an address that is not there any more was taken out."""

    email: EmailAddress | None = None


class OrderTerms(WireModel):
    """What of an order can be changed, as a patch makes it: what the patch does not name is not here.

    `line_items` are the lines as they are to be: one that is left out is taken out of the order.
    `total_discount` is what the order's promo code takes off and what is taken off beside it; it counts
    once, and later changes price the promo code again.
    """

    buyer: BuyerTerms | None = None
    billing_address: Address | None = None
    line_items: (
        Annotated[tuple[LineTerms, ...], Field(min_length=1, strict=False), AtMost(MAX_LINES)] | None
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


_LINES: TypeAdapter[tuple[LineTerms, ...]] = TypeAdapter(
    Annotated[tuple[LineTerms, ...], Field(strict=False), AtMost(MAX_LINES)]
)


def well_formed_lines(line_items: Any) -> Sequence[LineTerms]:
    """Return the lines of a patch; of malformed ones none."""
    if line_items is None:
        return ()
    try:
        return _LINES.validate_python(line_items)
    except ValidationError:
        return ()


class CancelledLine(WireModel):
    """A line of which tickets are cancelled: all of them, or so many, the last ones first."""

    line_number: Annotated[int, Field(ge=1)]
    quantity: Quantity | None = None


class CancelRequest(OrderReference):
    """`orders.cancel`: the whole order, or these lines, or these tickets."""

    reason: LongText | None = None
    lines: Annotated[tuple[CancelledLine, ...], Field(strict=False), AtMost(MAX_LINES)] = ()
    ticket_ids: Annotated[tuple[Id, ...], Field(strict=False), AtMost(MAX_QUANTITY)] = ()

    @property
    def is_whole(self) -> bool:
        """Say whether nothing of the order is to be left."""
        return not self.lines and not self.ticket_ids


class PaymentRecord(OrderReference):
    """`payments.record`: a payment or a refund that was made, or is under way (`pending`).

    Without an amount it is the order's balance; a refund is what the buyer has coming. With
    `payment_number` a pending one is completed.
    """

    type: PaymentType
    amount: Amount | None = None
    status: PaymentStage = "completed"
    is_refund: bool = False
    reference: ShortText | None = None
    payment_number: Annotated[int, Field(ge=1)] | None = None


class ExpireRequest(OrderReference):
    """`orders.expire`: nobody paid the order in time. The schedule proposes it; no producer can send it."""

    idempotency_key: StoredKey | None = None
