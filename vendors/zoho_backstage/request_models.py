"""What a call of Zoho Backstage holds (Create an order, Payload Parameters), as it is sent."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from schemas.json import JsonObject
from schemas.order_fields import MAX_QUANTITY
from schemas.text import AtMost, EmailAddress, IdempotencyKey, Identifier, ShortText
from vendors.leniency import Call
from vendors.zoho_backstage.extras import KeptOfHolder


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


LongInteger = Annotated[Identifier, BeforeValidator(_text)]
"""A number of up to 19 digits, which travels as a number or as text."""

_OURS: Final = "idempotency_key"


class ZohoCall(Call):
    """A part of a call. Blank text is as a field that is left out: how forms send what nobody filled in."""

    @classmethod
    def is_given(cls, name: str, value: Any) -> bool:
        """Say whether a field counts as sent; our own key does also where it is blank, and is refused."""
        return value is not None and (name == _OURS or not isinstance(value, str) or bool(value.strip()))

    @classmethod
    def is_plain(cls, value: JsonObject) -> bool:
        """Say whether nothing in the part is null, blank, or written with a fraction."""
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
    """`buyer_details`: the sample nests the billing address here, the text names it beside."""

    purchaser_first_name: ShortText | None = None
    purchaser_last_name: ShortText | None = None
    purchaser_email: EmailAddress | None = None
    purchaser_company: ShortText | None = None
    purchaser_mobile_no: ShortText | None = None
    billing_address: BillingAddress | None = None


class TicketData(ZohoCall, KeptOfHolder):
    """`data`: who will have the ticket, also in the words that only a ticket's `contact` has."""

    first_name: ShortText | None = None
    last_name: ShortText | None = None
    email: EmailAddress | None = None


class TicketRequest(ZohoCall):
    """One of `tickets`: a ticket class, and who will have the ticket."""

    ticketclass_id: LongInteger
    data: TicketData | None = None


class OrderBody(ZohoCall):
    """The payload of a call; our own name for it may be among the fields, or in a header."""

    idempotency_key: IdempotencyKey | None = None
    buyer_details: BuyerDetails
    billing_address: BillingAddress | None = None
    tickets: Annotated[tuple[TicketRequest, ...], Field(min_length=1, strict=False), AtMost(MAX_QUANTITY)]


class OrderCall(OrderBody):
    """The payload with what the path of its call says, as it travels on the queue."""

    portal_id: LongInteger | None = None
    event_id: LongInteger | None = None
