"""What went wrong; the document shows no error. The frame is that of its answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.text import Word
from vendors.dialect import Words


class Mistake(Word):
    """One mistake: a code, the parameter that it is about, and a sentence."""

    code: str
    field: str | None
    message: str


class Failure(Word):
    """What takes the place of the orders."""

    message: str
    errors: tuple[Mistake, ...]


class Refusal(Word):
    """The body of an error."""

    statusCode: int
    result: Failure


def refusal(status: int, message: str, errors: Sequence[Mapping[str, Any]]) -> Words:
    """Return the body of an error."""
    found = [{name: error[name] for name in ("code", "field", "message")} for error in errors]
    return {"statusCode": status, "result": {"message": message, "errors": found}}
