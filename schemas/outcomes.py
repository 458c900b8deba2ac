"""Outcomes of requests."""

from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from schemas.text import UNSTORABLE, WireModel

RejectionCode = Literal[
    "invalid",
    "unknown_event",
    "unknown_ticket_class",
    "unknown_order",
    "sold_out",
    "seat_unavailable",
    "price_mismatch",
    "too_many_decimals",
    "negative_total",
    "currency_mismatch",
    "unknown_promo_code",
    "idempotency_conflict",
    "version_conflict",
    "not_allowed_in_status",
    "hold_expired",
    "declined",
    "unknown_ticket",
    "forged_ticket",
    "wrong_event",
    "already_checked_in",
    "ticket_voided",
    "not_issued",
    "sales_closed",
    "too_many_tickets",
]
OutcomeStatus = Literal["processed", "rejected", "waiting", "dead"]

# A list of 500 mistakes is of no use, and a hostile request must not produce a megabyte of them.
MAX_REJECTIONS: Final = 20
_MAX_INSPECTED: Final = 5_000
"""Maximum mistakes of a request to inspect: each costs microseconds to describe."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """The reason for a refusal: a documented code, the field concerned, and a sentence."""

    code: RejectionCode
    field: str | None
    message: str

    def as_dict(self) -> dict[str, str | None]:
        """Return the rejection as a JSON object."""
        return {"code": self.code, "field": self.field, "message": self.message}


class Outcome(NamedTuple):
    """The outcome of one request: an order, or the reasons for its refusal."""

    request_id: UUID
    status: OutcomeStatus
    order_id: UUID | None = None
    errors: tuple[Rejection, ...] = ()


class RequestError(WireModel):
    """One reason for a rejection."""

    code: RejectionCode
    field: str | None
    message: str


class RequestStatus(WireModel):
    """The answer of `GET /v1/requests/{request_id}`."""

    request_id: UUID
    status: Literal["pending", "processed", "rejected", "dead"]
    order_id: UUID | None
    errors: tuple[RequestError, ...]


def rejections_of(error: ValidationError) -> tuple[Rejection, ...]:
    """Return validation errors as rejections, with fields such as `line_items.0.quantity`."""
    if error.error_count() > _MAX_INSPECTED:
        mistakes = f"{error.error_count()} mistakes, too many to list: see the documentation of the request"
        return (Rejection("invalid", None, mistakes),)
    details = error.errors(include_url=False, include_input=False)
    # A list that is too short only because its items are invalid is no second mistake.
    distinct = (one for one in details if not (one["type"] == "too_short" and _has_cause(one, details)))
    return tuple(
        Rejection("invalid", field_path(detail["loc"]), _sentence(detail))
        for detail in islice(distinct, MAX_REJECTIONS)
    )


def _has_cause(detail: Any, details: list[Any]) -> bool:
    depth = len(detail["loc"])
    return any(len(d["loc"]) > depth and d["loc"][:depth] == detail["loc"] for d in details)


def field_path(location: tuple[int | str, ...]) -> str | None:
    """Return the path of a field, such as `line_items.0.quantity`; None for an empty location."""
    # The sender chose the name of an unknown field: it may have any length and any characters.
    path = ".".join(str(part)[:64] for part in location)
    return path.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00") or None


def _sentence(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return f"unknown field {field_path(detail['loc'][-1:])}"
    if detail["type"] in ("string_pattern_mismatch", "string_unicode"):
        return UNSTORABLE
    return str(detail["msg"]).replace("Tuple", "Array").replace("a valid tuple", "an array")
