"""The body of a call of Zoho Backstage (Create an order, Payload Parameters)."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from schemas.json import JsonObject
from schemas.order_fields import MAX_QUANTITY
from schemas.text import AtMost, EmailAddress, IdempotencyKey, Identifier, ShortText
from vendors.leniency import Call
from vendors.zoho_backstage.extras import HolderExtras


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


LongInteger = Annotated[Identifier, BeforeValidator(_text)]
"""A number of up to 19 digits, sent as a number or as text."""

_OURS: Final = "idempotency_key"


class ZohoCall(Call):
    """A part of a call. Blank text counts as omitted: forms send empty inputs so."""

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Return whether a field counts as sent; a blank idempotency key does, and is refused."""
        return value is not None and (name == _OURS or not isinstance(value, str) or bool(value.strip()))

    @classmethod
    def is_plain(cls, value: JsonObject) -> bool:
        """Return whether no value is null, blank text, or a number with a fraction."""
        return super().is_plain(value) and not any(
            type(one) is str and (not one or one.isspace()) for one in value.values()
        )


class BillingAddress(ZohoCall):
    """`billing_address`: each part as the purchaser wrote it."""

    billing_address_name: ShortText | None = None
    billing_address_line_1: ShortText | None = None
    billing_address_line_2: ShortText | None = None
    billing_city: ShortText | None = None
    billing_country: ShortText | None = None
    billing_state: ShortText | None = None
    billing_zip_code: ShortText | None = None


class BuyerDetails(ZohoCall):
    """`buyer_details`: the sample nests the billing address here, the document's text does not."""

    purchaser_first_name: ShortText | None = None
    purchaser_last_name: ShortText | None = None
    purchaser_email: EmailAddress | None = None
    purchaser_company: ShortText | None = None
    purchaser_mobile_no: ShortText | None = None
    billing_address: BillingAddress | None = None


class TicketData(ZohoCall, HolderExtras):
    """`data`: the holder of the ticket, including the fields that only a ticket's `contact` has."""

    first_name: ShortText | None = None
    last_name: ShortText | None = None
    email: EmailAddress | None = None


class TicketRequest(ZohoCall):
    """One of `tickets`: a ticket class and its holder."""

    ticketclass_id: LongInteger
    data: TicketData | None = None


class OrderBody(ZohoCall):
    """The payload of a call; our idempotency key may be one of its fields, or a header."""

    idempotency_key: IdempotencyKey | None = None
    buyer_details: BuyerDetails
    billing_address: BillingAddress | None = None
    tickets: Annotated[tuple[TicketRequest, ...], Field(min_length=1, strict=False), AtMost(MAX_QUANTITY)]


class OrderCall(OrderBody):
    """The payload with the parameters of the call's path, as it is published on the queue."""

    portal_id: LongInteger | None = None
    event_id: LongInteger | None = None
