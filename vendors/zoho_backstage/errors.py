"""Errors in the style of Zoho's services; the document of Create an order shows none.

The format is ours: a code in capitals, a sentence, and the mistakes with Zoho's names of the fields.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Literal

from pydantic import ValidationError

from schemas.json import JsonObject
from schemas.outcomes import MAX_REJECTIONS
from schemas.text import WireModel
from vendors.zoho_backstage.request_models import OrderCall
from vendors.zoho_backstage.translate import tickets_by_line

# Zoho's names of our fields in rejections.
_FIELDS: Final[Mapping[str, str]] = {
    "buyer.first_name": "buyer_details.purchaser_first_name",
    "buyer.last_name": "buyer_details.purchaser_last_name",
    "buyer.email": "buyer_details.purchaser_email",
    "buyer.company": "buyer_details.purchaser_company",
    "buyer.phone": "buyer_details.purchaser_mobile_no",
    "line_items": "tickets",
    "extras": "tickets",
}
_OF_LINE: Final = re.compile(r"line_items\.(\d{1,3})(?:\.(\w+))?(?:\.(\d{1,4})(?:\.(\w+))?)?", re.ASCII)


class Mistake(WireModel):
    """One mistake: a code, Zoho's name of the field, and a sentence."""

    code: str
    field: str | None
    message: str


class Refusal(WireModel):
    """The body of an error."""

    code: str
    status: Literal["error"]
    message: str
    details: tuple[Mistake, ...]


def refusal(status: int, message: str, errors: Sequence[Mapping[str, Any]]) -> JsonObject:
    """Return the body of an error."""
    return {
        "code": errors[0]["code"].upper() if errors else _CODES.get(status, "INTERNAL_ERROR"),
        "status": "error",
        "message": message,
        "details": [
            {"code": error["code"], "field": error["field"], "message": error["message"]} for error in errors
        ],
    }


def with_call_fields(call: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the mistakes with Zoho's names of the fields; a line's mistake names its tickets."""
    try:
        lines = tickets_by_line(OrderCall.model_validate(call))
    except ValidationError:
        return list(errors)  # it was not translated: the mistakes already name its fields
    named = ({**error, "field": field} for error in errors for field in _fields(error["field"], lines))
    return list(islice(named, MAX_REJECTIONS))


def _fields(field: str | None, lines: Sequence[Sequence[int]]) -> Iterator[str | None]:
    match = _OF_LINE.fullmatch(field or "")
    if match is None or int(match[1]) >= len(lines):
        yield _FIELDS.get(field or "", field)
        return
    places, part, index, name = lines[int(match[1])], match[2], match[3], match[4]
    if part == "attendees" and index and int(index) < len(places):
        yield f"tickets.{places[int(index)]}.data" + (f".{name}" if name else "")
        return
    for place in places:
        yield f"tickets.{place}.ticketclass_id" if part == "ticket_class_id" else f"tickets.{place}"


_CODES: Final[Mapping[int, str]] = {
    400: "INVALID_REQUEST",
    401: "INVALID_OAUTHTOKEN",
    403: "OAUTH_SCOPE_MISMATCH",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "INVALID_DATA",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
}
