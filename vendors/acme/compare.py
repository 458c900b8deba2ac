"""Comparing the values that a client sends with those that it has read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from schemas.outcomes import Rejection

_ROUNDED: Final = timedelta(milliseconds=1)
"""Clients round moments to the millisecond."""


class Mistakes:
    """The refused fields of a call, and why."""

    def __init__(self) -> None:
        self.found: list[Rejection] = []

    def add(self, field: str, message: str) -> None:
        """Add a refused field."""
        self.found.append(Rejection("invalid", field, message))

    def check_unchanged(
        self, sent: Mapping[str, Any], read: Mapping[str, Any], reasons: Mapping[str, str], prefix: str = ""
    ) -> None:
        """Add the sent fields whose values differ from those read."""
        for name, reason in reasons.items():
            if is_changed(sent, read, name):
                self.add(prefix + name, reason)


def is_changed(sent: Mapping[str, Any], read: Mapping[str, Any], name: str) -> bool:
    """Return whether a field is sent with another value than the one read."""
    return sent.get(name) is not None and not is_same(sent[name], read.get(name))


def is_same(sent: Any, read: Any) -> bool:
    """Return whether two values are equal: amounts as numbers or text, moments in any time zone."""
    if sent == read and isinstance(sent, bool) == isinstance(read, bool):
        return True
    one, other = as_number(sent), as_number(read)
    if one is not None and other is not None:
        return one == other
    then, now = as_moment(sent), as_moment(read)
    return then is not None and now is not None and abs(then - now) < _ROUNDED


def as_number(value: Any) -> Decimal | None:
    """Return the number of a JSON number or of text; None for other values."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def as_moment(value: Any) -> datetime | None:
    """Return the moment of an ISO 8601 text, in UTC without a time zone; None for other values."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
