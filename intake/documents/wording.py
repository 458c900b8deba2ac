"""Amounts, moments and names as a person reads them: in an order's currency and an event's time zone."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_name

from schemas.money import display_money
from schemas.orders import Address, Attendee, Buyer

_LOCALE: Final = "en"
_DAY: Final = "EEEE, d MMMM y"
_TIME: Final = "HH:mm"

_JOINERS: Final = "\u200c\u200d"
_UNSEEN: Final = {"Cc", "Cf", "Cs"}  # control characters, marks of format, halves of characters
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def clean(text: str | None) -> str:
    """Return the text as it is drawn: on one line, composed (NFC), without anything invisible.

    Marks that turn the direction of text would let a name rewrite what stands beside it. Joiners stay:
    Persian and Indic names need them.
    """
    composed = _SELECTORS.sub("", unicodedata.normalize("NFC", text or ""))
    seen = "".join(
        one
        for one in composed
        if one in _JOINERS or one.isspace() or unicodedata.category(one) not in _UNSEEN
    )
    return " ".join(seen.split())


def joined(parts: Iterable[str | None], separator: str = ", ") -> str:
    """Return those parts that say something, cleaned."""
    return separator.join(filter(None, map(clean, parts)))


def name_of(person: Buyer | Attendee | None) -> str:
    """Return a person's name, or nothing."""
    return "" if person is None else joined((person.first_name, person.last_name), " ")


def address_lines(address: Address | None) -> tuple[str, ...]:
    """Return a postal address line by line."""
    if address is None:
        return ()
    city = joined((address.postal_code, address.city), " ")
    lines = (address.name, address.line_1, address.line_2, joined((city, address.state)), address.country)
    return tuple(filter(None, map(clean, lines)))


def money(amount: Decimal, currency: str) -> str:
    """Return the amount with its currency: `$45.50`, `¥4,500`, `KWD 1.250`."""
    return clean(display_money(amount, currency, _LOCALE))


def day_of(moment: datetime, zone: str) -> str:
    """Return the day in the time zone: `Sunday, 11 April 2027`."""
    return str(format_datetime(moment, _DAY, tzinfo=ZoneInfo(zone), locale=_LOCALE))


def moment_of(moment: datetime, zone: str) -> str:
    """Return the day and the time in the time zone: `Sunday, 11 April 2027, 19:00`."""
    return f"{day_of(moment, zone)}, {_time(moment, zone)}"


def period_of(start: datetime, end: datetime, zone: str) -> tuple[str, str]:
    """Return the day and the hours of an event in its time zone; both days where there are two.

    What ends by six in the morning is still called a night of the first day.
    """
    first, last = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    nights = (last.date() - first.date()).days
    if nights == 0 or (nights == 1 and last.hour < 6):
        return day_of(start, zone), f"{_time(start, zone)} – {_time(end, zone)}"
    return f"{day_of(start, zone)} – {day_of(end, zone)}", f"from {_time(start, zone)} to {_time(end, zone)}"


def zone_of(moment: datetime, zone: str) -> str:
    """Return what the time zone is called then: `Central European Summer Time (Europe/Paris)`."""
    name = get_timezone_name(moment.astimezone(ZoneInfo(zone)), locale=_LOCALE)
    return clean(f"{name} ({zone})")


def _time(moment: datetime, zone: str) -> str:
    return str(format_datetime(moment, _TIME, tzinfo=ZoneInfo(zone), locale=_LOCALE))
