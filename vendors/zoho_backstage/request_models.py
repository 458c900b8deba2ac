"""The body of a call of Zoho Backstage (Create an order, Payload Parameters)."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from schemas.order_fields import MAX_QUANTITY
from schemas.text import AtMost, EmailAddress, IdempotencyKey, Identifier, ShortText
from vendors.leniency import FormCall
from vendors.zoho_backstage.extras import HolderExtras


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


LongInteger = Annotated[Identifier, BeforeValidator(_text)]
"""A number of up to 19 digits, sent as a number or as text."""


class BillingAddress(FormCall):
    """`billing_address`: each part as the purchaser wrote it."""

    billing_address_name: ShortText | None = None
    billing_address_line_1: ShortText | None = None
    billing_address_line_2: ShortText | None = None
    billing_city: ShortText | None = None
    billing_country: ShortText | None = None
    billing_state: ShortText | None = None
    billing_zip_code: ShortText | None = None


class BuyerDetails(FormCall):
    """`buyer_details`: the sample nests the billing address here, the document's text does not."""

    purchaser_first_name: ShortText | None = None
    purchaser_last_name: ShortText | None = None
    purchaser_email: EmailAddress | None = None
    purchaser_company: ShortText | None = None
    purchaser_mobile_no: ShortText | None = None
    billing_address: BillingAddress | None = None


class TicketData(FormCall, HolderExtras):
    """`data`: the holder of the ticket, including the fields that only a ticket's `contact` has."""

    first_name: ShortText | None = None
    last_name: ShortText | None = None
    email: EmailAddress | None = None


class TicketRequest(FormCall):
    """One of `tickets`: a ticket class and its holder."""

    ticketclass_id: LongInteger
    data: TicketData | None = None


class OrderBody(FormCall):
    """The payload of a call; our idempotency key may be one of its fields, or a header."""

    idempotency_key: IdempotencyKey | None = None
    buyer_details: BuyerDetails
    billing_address: BillingAddress | None = None
    tickets: Annotated[tuple[TicketRequest, ...], Field(min_length=1, strict=False), AtMost(MAX_QUANTITY)]


class OrderCall(OrderBody):
    """The payload with the parameters of the call's path, as it is published on the queue."""

    portal_id: LongInteger | None = None
    event_id: LongInteger | None = None
