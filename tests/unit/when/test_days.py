"""Days as clocks count them: each moment has one day, and no day is 24 hours by decree."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.when import (
    bounds,
    days_from,
    exists,
    first_in_hour,
    local_day,
    usual_week_start,
    week_of,
)

# (zone, day, hours that it has)
DAYS = [
    ("Europe/Madrid", date(2026, 3, 28), 24),
    ("Europe/Madrid", date(2026, 3, 29), 23),
    ("Europe/Madrid", date(2026, 10, 25), 25),
    ("America/New_York", date(2026, 3, 8), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("Asia/Kolkata", date(2026, 3, 29), 24),
    ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ("Pacific/Apia", date(2011, 12, 29), 24),
    ("Pacific/Apia", date(2011, 12, 30), 0),
    ("Pacific/Apia", date(2011, 12, 31), 24),
    ("Africa/Cairo", date(2026, 4, 24), 23),  # there is no midnight
    ("America/Havana", date(2026, 11, 1), 25),  # midnight comes twice
]


@pytest.mark.parametrize(("zone", "day", "hours"), DAYS)
def test_a_day_is_as_long_as_clocks_say(zone: str, day: date, hours: float) -> None:
    """From local midnight to local midnight; a day that was skipped is none."""
    known = ZoneInfo(zone)
    start, end = bounds(day, day, known)
    assert end - start == timedelta(hours=hours)
    assert list(days_from(day, day, known)) == ([day] if hours else [])
    if hours:
        assert local_day(start, known) == day == local_day(end - timedelta(seconds=1), known)
    assert local_day(start - timedelta(seconds=1), known) < day
    assert local_day(end, known) > day


def test_a_date_that_comes_back_is_still_one_day() -> None:
    """Clocks of St. John's went back at 0:01, so the evening before came after midnight."""
    zone = ZoneInfo("America/St_Johns")
    start, end = bounds(date(2006, 10, 28), date(2006, 10, 28), zone)
    moments = [start + number * timedelta(minutes=1) for number in range(-90, 27 * 60)]
    inside = [moment for moment in moments if local_day(moment, zone) == date(2006, 10, 28)]
    assert start <= min(inside)
    assert max(inside) < end


def test_apia_went_from_thursday_to_saturday() -> None:
    """The list of a week has six days."""
    zone = ZoneInfo("Pacific/Apia")
    days = list(days_from(date(2011, 12, 26), date(2012, 1, 1), zone))
    assert [day.day for day in days] == [26, 27, 28, 29, 31, 1]


@pytest.mark.parametrize(
    ("zone", "day", "hour", "first"),
    [
        ("Europe/Madrid", date(2026, 3, 29), 1, time(1)),
        ("Europe/Madrid", date(2026, 3, 29), 2, None),
        ("Europe/Madrid", date(2026, 10, 25), 2, time(2)),
        ("Australia/Lord_Howe", date(2026, 10, 4), 2, time(2, 30)),
        ("Pacific/Apia", date(2011, 12, 30), 12, None),
    ],
)
def test_hours_of_a_night(zone: str, day: date, hour: int, first: time | None) -> None:
    """An hour that clocks jump over has no first minute."""
    found = first_in_hour(day, hour, ZoneInfo(zone))
    assert found == (first and datetime.combine(day, first))
    assert exists(datetime.combine(day, time(hour)), ZoneInfo(zone)) == (first == time(hour))


@pytest.mark.parametrize(
    ("zone", "locale", "week_start"),
    [
        ("Europe/Madrid", "en", 1),
        ("America/New_York", "es", 7),
        ("Asia/Kolkata", "en", 7),
        ("Asia/Calcutta", "en", 7),
        ("Australia/Lord_Howe", "en", 1),
        ("Pacific/Apia", "en", 7),
        ("Africa/Cairo", "en", 6),
        ("UTC", "es", 1),
        ("UTC", "xx", 1),
    ],
)
def test_weeks_begin_as_in_the_country(zone: str, locale: str, week_start: int) -> None:
    """The zone says where; without a country the language decides."""
    assert usual_week_start(ZoneInfo(zone), locale) == week_start


def test_the_week_of_a_day() -> None:
    """From its first day on, whichever that is."""
    sunday = date(2026, 11, 1)
    assert [week_of(sunday, start) for start in (1, 6, 7)] == [
        date(2026, 10, 26),
        date(2026, 10, 31),
        sunday,
    ]
    assert datetime(2026, 11, 1, tzinfo=UTC).isoweekday() == 7
