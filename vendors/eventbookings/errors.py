"""Errors in the EventBookings dialect: the document shows none, so they have the envelope of its answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.json import JsonObject
from schemas.text import WireModel


class Mistake(WireModel):
    """One mistake: a code, the parameter concerned, and a sentence."""

    code: str
    field: str | None
    message: str


class Failure(WireModel):
    """The result of a refused call, in place of the orders."""

    message: str
    errors: tuple[Mistake, ...]


class Refusal(WireModel):
    """The body of an error."""

    statusCode: int
    result: Failure


def refusal(status: int, message: str, errors: Sequence[Mapping[str, Any]]) -> JsonObject:
    """Return the body of an error."""
    found = [{name: error[name] for name in ("code", "field", "message")} for error in errors]
    return {"statusCode": status, "result": {"message": message, "errors": found}}
