"""Times of the week, such as "Monday 9:00", and the moments at which they come round.

They are wall times in a person's zone. What a typed time refuses must happen here all the same, so
it is read as RFC 5545 says: a time that a night skips with the offset before the gap (02:30 becomes
03:30), and of a time that comes twice the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

WINDOW = timedelta(weeks=4)
"""What is looked through at a time."""
WIDEST_GAP = timedelta(days=2)
"""Further than any clock change moves a time: Samoa once skipped a whole day."""


class Slot(NamedTuple):
    """A time of the week."""

    weekday: int
    """1 for Monday to 7 for Sunday."""
    wall: time
    """What the clock shows, without a zone."""


class Coming(NamedTuple):
    """A moment at which a slot comes round."""

    at: datetime
    """In UTC."""
    wall: time
    """The time of its slot; the clock may show another one that night."""
    note: str | None = None
    """None, ``gap`` (the night skips that time) or ``overlap_first`` (it comes twice)."""


def on_clocks(wall: datetime, zone: ZoneInfo) -> tuple[datetime, str | None]:
    """Return the moment in UTC of a wall time, and the note of ``Coming``.

    :param wall: without a zone. Every wall time has a moment.
    """
    first = wall.replace(tzinfo=zone, fold=0)
    at = first.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != wall:
        return at, "gap"
    is_twice = first.utcoffset() != wall.replace(tzinfo=zone, fold=1).utcoffset()
    return at, "overlap_first" if is_twice else None


def coming(slots: Collection[Slot], zone: ZoneInfo, after: datetime) -> Iterator[Coming]:
    """Yield each moment of these slots later than ``after``, in order, without end.

    Two slots may fall on one moment in a night that skips a time: that is one moment.
    """
    begin = after
    while slots:
        try:
            end = begin + WINDOW
            found = _between(slots, zone, begin, end)
        except OverflowError:
            return  # the calendar ends
        yield from found
        begin = end


def _between(
    slots: Collection[Slot], zone: ZoneInfo, begin: datetime, end: datetime
) -> list[Coming]:
    """Return the moments after ``begin`` and not after ``end``, in order."""
    by_day: dict[int, list[time]] = {}
    for slot in slots:
        by_day.setdefault(slot.weekday, []).append(slot.wall)
    first = (begin.astimezone(zone) - WIDEST_GAP).date()
    last = (end.astimezone(zone) + WIDEST_GAP).date()
    found: dict[datetime, Coming] = {}
    for day in _days(first, last):
        for wall in by_day.get(day.isoweekday(), ()):
            at, note = on_clocks(datetime.combine(day, wall), zone)
            if begin < at <= end and (note or at not in found):
                found[at] = Coming(at, wall, note)
    return sorted(found.values(), key=lambda one: one.at)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
