"""Every moment on a document can be told from every other, in any time zone."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.documents.drawing.describe import describe_event
from intake.documents.drawing.moments import moment_of, offset_of, zone_of
from schemas.background import EventFacts
from schemas.presentation import EventDetails

ZONES = sorted(available_timezones() - {"localtime"})
OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")
# The hour that comes twice, in 2027, by its first minute of the second time (UTC).
AGAIN = {
    "Europe/Paris": "2027-10-31T01:00",
    "Europe/Dublin": "2027-10-31T01:00",
    "America/New_York": "2027-11-07T06:00",
    "America/St_Johns": "2027-11-07T04:30",
    "Australia/Lord_Howe": "2027-04-03T15:00",
    "Pacific/Chatham": "2027-04-03T14:00",
}


def _offset(text: str) -> timedelta:
    (sign, hours, minutes), *others = OFFSET.findall(text)
    assert not others
    found = timedelta(hours=int(hours), minutes=int(minutes))
    return -found if sign == "-" else found


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 2**26))
def test_a_moment_can_be_read_back(zone: str, minutes: int) -> None:
    minute = datetime(1980, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    written = moment_of(minute, zone)

    local, _, offset = written.partition(" (")
    read = datetime.strptime(local, "%A, %d %B %Y, %H:%M") - _offset(offset)  # noqa: DTZ007 - the offset is beside it
    assert abs(read.replace(tzinfo=UTC) - minute) < timedelta(minutes=1), "some old offsets have seconds"


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_is_named_with_its_offset_of_then(zone: str) -> None:
    for month in range(1, 13):
        moment = datetime(2027, month, 15, 12, tzinfo=UTC)
        assert (
            _offset(zone_of(moment, zone).removeprefix("GMT"))
            == moment.astimezone(ZoneInfo(zone)).utcoffset()
        )


@pytest.mark.parametrize(("zone", "again"), AGAIN.items())
def test_the_hour_that_comes_twice_is_two_hours(zone: str, again: str) -> None:
    second = datetime.fromisoformat(again).replace(tzinfo=UTC)
    there = second.astimezone(ZoneInfo(zone))
    assert there.fold, "the clocks there are put back then"
    back = there.replace(fold=0).astimezone(UTC)

    assert moment_of(back, zone) != moment_of(second, zone)
    assert zone_of(back, zone) != zone_of(second, zone)
    assert zone_of(back, zone).partition(" (")[0] != zone_of(second, zone).partition(" (")[0]


def test_irish_summer_time_is_that_of_the_summer() -> None:
    # Its law has summer time as the standard one, put back in winter: what others name the other way round.
    winter, summer = (datetime(2027, month, 1, tzinfo=UTC) for month in (1, 7))

    assert zone_of(winter, "Europe/Dublin") == "Greenwich Mean Time (Europe/Dublin, UTC+00:00)"
    assert zone_of(summer, "Europe/Dublin") == "Irish Standard Time (Europe/Dublin, UTC+01:00)"


def _event(starts_at: str, ends_at: str, zone: str = "Europe/Paris") -> EventFacts:
    start, end = (datetime.fromisoformat(one) for one in (starts_at, ends_at))
    return EventFacts(UUID(int=1), "e", "E", start, end, zone, "EUR", None, None, False, EventDetails())


@pytest.mark.parametrize(
    ("ends_at", "hours"),
    [
        ("2027-10-31T02:30:00+02:00", "20:00 – 02:30"),
        ("2027-10-31T02:30:00+01:00", "20:00 (UTC+02:00) – 02:30 (UTC+01:00)"),
        ("2027-10-31T09:00:00+01:00", "from 20:00 (UTC+02:00) to 09:00 (UTC+01:00)"),
    ],
)
def test_an_event_of_the_night_in_which_clocks_are_put_back_says_when_it_ends(
    ends_at: str, hours: str
) -> None:
    words = describe_event(_event("2027-10-30T20:00:00+02:00", ends_at))

    assert words.hours == hours
    assert words.zone == "Central European Summer Time (Europe/Paris, UTC+02:00)"


def test_offsets_are_written_with_minutes() -> None:
    moment = datetime(2027, 1, 1, tzinfo=UTC)

    zones = ("Asia/Kathmandu", "America/St_Johns", "UTC")
    assert [offset_of(moment, zone) for zone in zones] == ["UTC+05:45", "UTC-03:30", "UTC+00:00"]
