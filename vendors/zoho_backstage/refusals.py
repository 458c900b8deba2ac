"""What went wrong, as Zoho's services say it; the document of Create an order shows no error.

The shape is ours: a code in capitals, a sentence, and the mistakes by the names of Zoho's fields.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from schemas.text import Word
from vendors.dialect import Words

# Where a rejection names one of our fields: Zoho's name of it.
_FIELDS: Final[Mapping[str, str]] = {
    "buyer.first_name": "buyer_details.purchaser_first_name",
    "buyer.last_name": "buyer_details.purchaser_last_name",
    "buyer.email": "buyer_details.purchaser_email",
    "buyer.company": "buyer_details.purchaser_company",
    "buyer.phone": "buyer_details.purchaser_mobile_no",
}


class Mistake(Word):
    """One mistake: a code, the field in Zoho's words, and a sentence."""

    code: str
    field: str | None
    message: str


class Refusal(Word):
    """The body of an error."""

    code: str
    status: Literal["error"]
    message: str
    details: tuple[Mistake, ...]


def refusal(status: int, message: str, errors: Sequence[Mapping[str, Any]]) -> Words:
    """Return the body of an error."""
    return {
        "code": errors[0]["code"].upper() if errors else _CODES.get(status, "INTERNAL_ERROR"),
        "status": "error",
        "message": message,
        "details": [
            {"code": error["code"], "field": _field(error["field"]), "message": error["message"]}
            for error in errors
        ],
    }


_CODES: Final[Mapping[int, str]] = {
    400: "INVALID_REQUEST",
    401: "INVALID_OAUTHTOKEN",
    403: "OAUTH_SCOPE_MISMATCH",
    404: "NOT_FOUND",
    409: "CONFLICT",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "INVALID_DATA",
    503: "SERVICE_UNAVAILABLE",
}


def _field(field: str | None) -> str | None:
    if field is None:
        return None
    if field.startswith("line_items."):
        return "tickets"
    return _FIELDS.get(field, field)
