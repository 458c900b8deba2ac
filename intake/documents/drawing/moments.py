"""Moments as a person reads them, in an event's time zone and with its offset.

In autumn an hour comes twice, and names of time zones are used for several of them: an offset is unambiguous.
"""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_name

_LOCALE: Final = "en"
_DAY: Final = "EEEE, d MMMM y"
_TIME: Final = "HH:mm"


def day_of(moment: datetime, zone: str) -> str:
    """Return the day in the time zone: `Sunday, 11 April 2027`."""
    return str(format_datetime(moment, _DAY, tzinfo=ZoneInfo(zone), locale=_LOCALE))


def moment_of(moment: datetime, zone: str) -> str:
    """Return the day and the time in the time zone: `Sunday, 11 April 2027, 19:00 (UTC+02:00)`."""
    return f"{day_of(moment, zone)}, {_time(moment, zone)} ({offset_of(moment, zone)})"


def period_of(start: datetime, end: datetime, zone: str) -> tuple[str, str]:
    """Return the day and the hours of an event in its time zone; both days where there are two.

    What ends by six in the morning is still called a night of the first day. The hours have the offset of
    `zone_of` the start, unless the clocks are changed in between: then they name each its own.
    """
    first, last = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    begins, ends = _time(start, zone), _time(end, zone)
    if first.utcoffset() != last.utcoffset():
        begins, ends = (f"{_time(one, zone)} ({offset_of(one, zone)})" for one in (start, end))
    nights = (last.date() - first.date()).days
    if nights == 0 or (nights == 1 and last.hour < 6):
        return day_of(start, zone), f"{begins} – {ends}"
    return f"{day_of(start, zone)} – {day_of(end, zone)}", f"from {begins} to {ends}"


def zone_of(moment: datetime, zone: str) -> str:
    """Return the time zone and its offset then: `Central European Summer Time (Europe/Paris, UTC+02:00)`."""
    there = moment.astimezone(ZoneInfo(zone))
    variant = "daylight" if _is_summer_time(there) else "standard"
    name = get_timezone_name(there, locale=_LOCALE, zone_variant=variant)
    return f"{name} ({zone}, {offset_of(moment, zone)})"


def offset_of(moment: datetime, zone: str) -> str:
    """Return how far clocks there are before or behind UTC then: `UTC+05:45`."""
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    sign, minutes = "-" if offset < timedelta() else "+", abs(offset) // timedelta(minutes=1)
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"


def _is_summer_time(there: datetime) -> bool:
    """Say whether clocks are put forward; Ireland's law has it that they are put back in winter."""
    seasons = (there.replace(month=month, day=15).dst() or timedelta() for month in (1, 7))
    is_standard = not there.dst()
    return is_standard if any(one < timedelta() for one in seasons) else not is_standard


def _time(moment: datetime, zone: str) -> str:
    return str(format_datetime(moment, _TIME, tzinfo=ZoneInfo(zone), locale=_LOCALE))
