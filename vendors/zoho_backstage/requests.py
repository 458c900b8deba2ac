"""What a call of Zoho Backstage holds (Create an order, Payload Parameters), as our request."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from schemas.orders import MAX_QUANTITY, Attendee
from schemas.outcomes import Rejection, rejections_of
from schemas.requests import CREATE
from schemas.text import EmailAddress, IdempotencyKey, Identifier, ShortText, Word
from vendors.dialect import Dialect, NotTranslatable, Words

NAME: Final = "zoho_backstage"


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


LongInteger = Annotated[Identifier, BeforeValidator(_text)]
"""A number of up to 19 digits, which travels as a number or as text."""


class BillingAddress(Word):
    """`billing_address`: each part as the purchaser wrote it."""

    billing_address_name: ShortText | None = None
    billing_address_line_1: ShortText | None = None
    billing_address_line_2: ShortText | None = None
    billing_city: ShortText | None = None
    billing_country: ShortText | None = None
    billing_state: ShortText | None = None
    billing_zip_code: ShortText | None = None

    def words(self) -> Words:
        """Return the canonical words."""
        return {
            "name": self.billing_address_name,
            "line_1": self.billing_address_line_1,
            "line_2": self.billing_address_line_2,
            "city": self.billing_city,
            "state": self.billing_state,
            "country": self.billing_country,
            "postal_code": self.billing_zip_code,
        }


class BuyerDetails(Word):
    """`buyer_details`: the sample nests the billing address here, the text names it beside."""

    purchaser_first_name: ShortText = ""
    purchaser_last_name: ShortText = ""
    purchaser_email: EmailAddress
    purchaser_company: ShortText | None = None
    purchaser_mobile_no: ShortText | None = None
    billing_address: BillingAddress | None = None


class TicketRequest(Word):
    """One of `tickets`: a ticket class, and who will have the ticket."""

    ticketclass_id: LongInteger
    data: Attendee | None = None


class OrderCall(Word):
    """The payload of a call, and what its path says."""

    idempotency_key: IdempotencyKey | None = None
    portal_id: LongInteger | None = None
    event_id: LongInteger | None = None
    buyer_details: BuyerDetails
    billing_address: BillingAddress | None = None
    tickets: Annotated[tuple[TicketRequest, ...], Field(min_length=1, max_length=MAX_QUANTITY, strict=False)]

    @model_validator(mode="after")
    def _has_one_address(self) -> "OrderCall":
        nested, beside = self.buyer_details.billing_address, self.billing_address
        if nested is not None and beside is not None and nested != beside:
            raise ValueError("billing_address and buyer_details.billing_address are different")
        return self


def _split(payload: Any) -> list[Words]:
    if not isinstance(payload, dict):
        raise NotTranslatable([Rejection("invalid", None, "an order is an object")])
    return [payload]


def _translate(kind: str, words: Mapping[str, Any]) -> Words:
    if kind != CREATE:
        raise NotTranslatable([Rejection("invalid", "dialect", f"{NAME} has no words for {kind}")])
    try:
        call = OrderCall.model_validate(words)
    except ValidationError as error:
        raise NotTranslatable(rejections_of(error)) from error
    buyer = call.buyer_details
    address = call.billing_address or buyer.billing_address
    canonical = {
        "idempotency_key": call.idempotency_key,
        "event_id": call.event_id,
        "buyer": {
            "first_name": buyer.purchaser_first_name,
            "last_name": buyer.purchaser_last_name,
            "email": buyer.purchaser_email,
            "company": buyer.purchaser_company,
            "phone": buyer.purchaser_mobile_no,
        },
        "billing_address": address and address.words(),
        "line_items": _line_items(call),
        # The call comes after the money: the sample's order is paid, by "Transaction API".
        "payments": [{"type": "transaction_api"}],
    }
    return {name: value for name, value in canonical.items() if value is not None}


def _line_items(call: OrderCall) -> list[Words]:
    """Return a line for each ticket class, in the order of their first tickets."""
    lines: dict[str, list[Words]] = {}
    for ticket in call.tickets:
        attendee = ticket.data or Attendee()
        lines.setdefault(ticket.ticketclass_id, []).append(attendee.model_dump())
    return [
        {"ticket_class_id": ticket_class_id, "quantity": len(attendees), "attendees": attendees}
        for ticket_class_id, attendees in lines.items()
    ]


DIALECT: Final = Dialect(NAME, _split, _translate)
