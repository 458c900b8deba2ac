"""Expiries as people type them: `90d`, `2027-01-31`, `2027-01-31T12:00+01:00`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from intake.cli.failures import CommandFailed

_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([mhdw])", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_expiry(given: str, now: datetime) -> datetime:
    """Return the moment, in UTC and after `now`; dates begin in UTC. Raises `CommandFailed` otherwise."""
    duration = _DURATION.fullmatch(given)
    try:
        if duration is not None:
            return now + timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        moment = datetime.fromisoformat(given)
        expiry = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandFailed(
            f"{given} is not an expiry: use a duration such as 90d, 12h or 30m, or a date (2027-01-31)"
        ) from error
    if expiry <= now:
        raise CommandFailed(f"{given} is in the past: a key must expire in the future")
    return expiry
