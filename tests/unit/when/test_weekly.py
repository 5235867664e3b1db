"""Times of the week over nights on which the clocks change: each comes once, none is lost."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.when import Slot, coming

ZONES = (
    *("Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
    *("Pacific/Apia", "UTC"),
)
SUNDAY, FRIDAY, SATURDAY = 7, 5, 6

# (zone, weekday, time, from when on, the next moments as people read them, their notes)
NIGHTS = [
    (
        *("Europe/Madrid", SUNDAY, "02:30", "2026-03-21"),
        ["2026-03-22T02:30+01:00", "2026-03-29T03:30+02:00", "2026-04-05T02:30+02:00"],
        [None, "gap", None],
    ),
    (
        *("Europe/Madrid", SUNDAY, "02:30", "2026-10-24"),
        ["2026-10-25T02:30+02:00", "2026-11-01T02:30+01:00"],
        ["overlap_first", None],
    ),
    (
        *("America/New_York", SUNDAY, "02:30", "2027-03-13"),
        ["2027-03-14T03:30-04:00", "2027-03-21T02:30-04:00"],
        ["gap", None],
    ),
    (
        *("America/New_York", SUNDAY, "01:30", "2026-10-31"),
        ["2026-11-01T01:30-04:00", "2026-11-08T01:30-05:00"],
        ["overlap_first", None],
    ),
    (
        *("Australia/Lord_Howe", SUNDAY, "02:15", "2026-10-03"),
        ["2026-10-04T02:45+11:00", "2026-10-11T02:15+11:00"],
        ["gap", None],
    ),
    (
        *("Australia/Lord_Howe", SUNDAY, "01:45", "2027-04-03"),
        ["2027-04-04T01:45+11:00", "2027-04-11T01:45+10:30"],
        ["overlap_first", None],
    ),
    (
        *("Asia/Kolkata", SUNDAY, "02:30", "2026-03-28"),
        ["2026-03-29T02:30+05:30", "2026-04-05T02:30+05:30"],
        [None, None],
    ),
    (  # Samoa skipped this Friday
        *("Pacific/Apia", FRIDAY, "09:00", "2011-12-29"),
        ["2011-12-31T09:00+14:00", "2012-01-06T09:00+14:00"],
        ["gap", None],
    ),
]


@pytest.mark.parametrize(("zone", "weekday", "wall", "since", "expected", "notes"), NIGHTS)
def test_nights(
    zone: str, weekday: int, wall: str, since: str, expected: list[str], notes: list[str | None]
) -> None:
    """What a night skips comes as late as the clock jumps; what comes twice comes once."""
    here = ZoneInfo(zone)
    after = datetime.fromisoformat(since).replace(tzinfo=here)
    slots = [Slot(weekday, time.fromisoformat(wall))]
    found = list(islice(coming(slots, here, after), len(expected)))
    assert [one.at.astimezone(here).isoformat(timespec="minutes") for one in found] == expected
    assert [one.note for one in found] == notes
    assert {one.wall for one in found} == {time.fromisoformat(wall)}


def test_two_slots_on_one_moment() -> None:
    """03:30, and 02:30 which becomes 03:30, are one moment that night; so is a skipped day."""
    madrid, apia = ZoneInfo("Europe/Madrid"), ZoneInfo("Pacific/Apia")
    slots = [Slot(SUNDAY, time(2, 30)), Slot(SUNDAY, time(3, 15)), Slot(SUNDAY, time(3, 30))]
    night = datetime(2026, 3, 28, 12, tzinfo=madrid)
    found = list(islice(coming(slots, madrid, night), 3))
    shown = [f"{one.at.astimezone(madrid):%d %H:%M}" for one in found]
    assert (shown, [one.note for one in found]) == (
        ["29 03:15", "29 03:30", "05 02:30"],
        [None, "gap", None],
    )
    slots = [Slot(FRIDAY, time(9)), Slot(SATURDAY, time(8)), Slot(SATURDAY, time(9))]
    found = list(islice(coming(slots, apia, datetime(2011, 12, 29, 23, tzinfo=apia)), 3))
    shown = [f"{one.at.astimezone(apia):%d %H:%M}" for one in found]
    assert shown == ["31 08:00", "31 09:00", "06 09:00"]


def test_no_slots_never_come() -> None:
    """There is nothing to wait for."""
    assert list(coming([], ZoneInfo("UTC"), datetime.now(UTC))) == []


def test_the_calendar_ends() -> None:
    """After the last year there is nothing."""
    last = datetime(9999, 12, 1, tzinfo=UTC)
    assert len(list(coming([Slot(1, time(9))], ZoneInfo("UTC"), last))) <= 5


slots_of_a_week = st.lists(
    st.builds(Slot, st.integers(1, 7), st.builds(time, st.integers(0, 23), st.integers(0, 59))),
    min_size=1,
    max_size=12,
    unique=True,
)
starts = st.integers(0, 3 * 366 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(slots_of_a_week, starts, st.sampled_from(ZONES))
def test_any_week_anywhere(slots: list[Slot], after: datetime, name: str) -> None:
    """In 60 weeks each slot comes once a week, in order, on the clock but for nights that skip it.

    Whoever looks from a later moment sees the same moments.
    """
    zone, weeks = ZoneInfo(name), 60
    end = after + timedelta(weeks=weeks)
    found = list(takewhile(lambda one: one.at <= end, coming(slots, zone, after)))
    moments = [one.at for one in found]
    assert moments == sorted(set(moments))
    assert moments[0] > after
    exact = [one for one in found if one.note != "gap"]
    for one in exact:
        here = one.at.astimezone(zone)
        assert Slot(here.isoweekday(), one.wall) in slots
        assert here.time() == one.wall
    for one in found:
        if one.note == "gap":
            assert one.at.astimezone(zone).time() != one.wall
    # Two changes of the clocks a year: a slot in such a night may fall on another one's moment.
    nights = 3 * len(slots)
    assert abs(len(found) - weeks * len(slots)) <= nights
    middle = moments[len(moments) // 2]
    later = list(takewhile(lambda one: one.at <= end, coming(slots, zone, middle)))
    assert [one.at for one in later] == moments[len(moments) // 2 + 1 :]
