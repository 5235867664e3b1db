"""The days of a calendar: what belongs to them in a time zone, and on which day a week begins.

A day is what clocks call by its date, so it has 23, 24, 23.5 or 25 hours, or none: in Apia there
was no 30 December 2011. No day is ever 24 hours added to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from app.when.moments import clock_change

ONE_DAY = timedelta(days=1)
"""Added to dates, never to moments."""
NOWHERE = {None, "ZZ", "001"}
"""What zones have that are of no country."""


def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the moments in UTC from which the first day is, and until which the last one is.

    Both are local midnights. Where one comes twice, the range is the wider one: whatever has one of
    these dates on its clock is in it, and ``local_day`` says which it has.
    """
    return _midnight(first, zone, 0), _midnight(last + ONE_DAY, zone, 1)


def _midnight(day: date, zone: ZoneInfo, fold: int) -> datetime:
    """Return when a day begins: where clocks jump over midnight, when they do."""
    wall = datetime.combine(day, time(), zone)
    one, other = (wall.replace(fold=which).astimezone(UTC) for which in (0, 1))
    if one > other:
        return clock_change(other, one, zone)
    return (one, other)[fold]


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Return the date that clocks in the zone show at an aware moment."""
    return moment.astimezone(zone).date()


def days_from(first: date, last: date, zone: ZoneInfo) -> Iterator[date]:
    """Return each day from the first to the last that there is in the zone."""
    for number in range((last - first).days + 1):
        day = first + number * ONE_DAY
        if exists(datetime.combine(day, time(12)), zone):  # clocks never jump over noon alone
            yield day


def exists(wall: datetime, zone: ZoneInfo) -> bool:
    """Return whether clocks in the zone ever show this time, which has no zone."""
    there = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None, fold=0) == wall


def first_in_hour(day: date, hour: int, zone: ZoneInfo) -> datetime | None:
    """Return the first time, without a zone, that clocks show in an hour of a day; None for none.

    That is the full hour, but in the night in which clocks go forward by half an hour.
    """
    full = datetime.combine(day, time(hour))
    minutes = (full + timedelta(minutes=minute) for minute in range(60))
    return next((wall for wall in minutes if exists(wall, zone)), None)


@lru_cache(1_000)
def usual_week_start(zone: ZoneInfo, locale: str) -> int:
    """Return the day on which weeks begin where somebody lives: 1 for Monday to 7 for Sunday.

    The zone says in which country that is; if it does not, the language has to do.
    """
    named = get_global("zone_aliases").get(zone.key, zone.key)
    territory = get_global("zone_territories").get(named)
    try:
        place = Locale.parse(locale if territory in NOWHERE else f"und_{territory}")
    except (UnknownLocaleError, ValueError):
        place = Locale.parse("en")
    return place.first_week_day + 1


def week_of(day: date, week_start: int) -> date:
    """Return the first day of the week that a day is in.

    :param week_start: 1 for Monday to 7 for Sunday.
    """
    return day - ((day.isoweekday() - week_start) % 7) * ONE_DAY
