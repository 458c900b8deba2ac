"""What a call of Zoho Backstage holds (Create an order, Payload Parameters), as our request."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError

from schemas.orders import MAX_QUANTITY, Attendee
from schemas.outcomes import Rejection, rejections_of
from schemas.requests import CREATE
from schemas.text import AtMost, EmailAddress, IdempotencyKey, Identifier, ShortText, Word
from vendors.dialect import Dialect, NotTranslatable, Words

NAME: Final = "zoho_backstage"

TICKET_LINES: Final = "ticket_lines"
"""What an order's extras call the numbers of its lines, ticket by ticket, as the call named the tickets.

Kept only where tickets of one class do not stand together, and the lines alone would not tell it.
"""


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

    purchaser_first_name: ShortText | None = None
    purchaser_last_name: ShortText | None = None
    purchaser_email: EmailAddress | None = None
    purchaser_company: ShortText | None = None
    purchaser_mobile_no: ShortText | None = None
    billing_address: BillingAddress | None = None


class TicketRequest(Word):
    """One of `tickets`: a ticket class, and who will have the ticket."""

    ticketclass_id: LongInteger
    data: Attendee | None = None


class OrderBody(Word):
    """The payload of a call; our own name for it may be among the fields, or in a header."""

    idempotency_key: IdempotencyKey | None = None
    buyer_details: BuyerDetails
    billing_address: BillingAddress | None = None
    tickets: Annotated[tuple[TicketRequest, ...], Field(min_length=1, strict=False), AtMost(MAX_QUANTITY)]


class OrderCall(OrderBody):
    """The payload with what the path of its call says, as it travels on the queue."""

    portal_id: LongInteger | None = None
    event_id: LongInteger | None = None


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
    address = _address(call)
    canonical = {
        "idempotency_key": call.idempotency_key,
        "event_id": call.event_id,
        "buyer": {
            "first_name": buyer.purchaser_first_name or "",
            "last_name": buyer.purchaser_last_name or "",
            "email": buyer.purchaser_email,
            "company": buyer.purchaser_company,
            "phone": buyer.purchaser_mobile_no,
        },
        "billing_address": address and address.words(),
        "line_items": _line_items(call),
        # The call comes after the money: the sample's order is paid, by "Transaction API".
        "payments": [{"type": "transaction_api"}],
        "extras": _extras(call),
    }
    return {name: value for name, value in canonical.items() if value is not None}


def _address(call: OrderCall) -> BillingAddress | None:
    nested, beside = call.buyer_details.billing_address, call.billing_address
    if nested is not None and beside is not None and nested != beside:
        message = "billing_address and buyer_details.billing_address are different"
        raise NotTranslatable([Rejection("invalid", "billing_address", message)])
    return beside or nested


def tickets_by_line(call: OrderCall) -> list[list[int]]:
    """Return the places of the tickets of each line: one for each class, in the order of first tickets."""
    lines: dict[str, list[int]] = {}
    for place, ticket in enumerate(call.tickets):
        lines.setdefault(ticket.ticketclass_id, []).append(place)
    return list(lines.values())


def _line_items(call: OrderCall) -> list[Words]:
    return [
        {
            "ticket_class_id": call.tickets[places[0]].ticketclass_id,
            "quantity": len(places),
            "attendees": [(call.tickets[place].data or Attendee()).model_dump() for place in places],
        }
        for places in tickets_by_line(call)
    ]


def _extras(call: OrderCall) -> Words | None:
    lines = [0] * len(call.tickets)
    for line_number, places in enumerate(tickets_by_line(call), 1):
        for place in places:
            lines[place] = line_number
    return None if lines == sorted(lines) else {NAME: {TICKET_LINES: lines}}


DIALECT: Final = Dialect(NAME, _split, _translate)
