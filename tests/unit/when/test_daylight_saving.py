"""Nights on which the clocks change: no time is invented, none is silently moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.when import WhenProblem, understand
from app.when.moments import local

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks move by half an hour

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# (zone, wall time that does not exist, first wall time after the gap)
GAPS = [
    (BERLIN, "2026-03-29T02:00", "03:00"),
    (BERLIN, "2026-03-29T02:30", "03:00"),
    (BERLIN, "2026-03-29 02:59:59", "03:00"),
    (NEW_YORK, "2026-03-08T02:30", "03:00"),
    (LORD_HOWE, "2026-10-04T02:00", "02:30"),
    (LORD_HOWE, "2026-10-04T02:29", "02:30"),
]

# (zone, wall time that comes twice, the first of the two in UTC)
OVERLAPS = [
    (BERLIN, "2026-10-25T02:00", "2026-10-25T00:00"),
    (BERLIN, "2026-10-25T02:30", "2026-10-25T00:30"),
    (BERLIN, "25 de octubre a las 2:30", "2026-10-25T00:30"),
    (NEW_YORK, "2026-11-01T01:30", "2026-11-01T05:30"),
    (LORD_HOWE, "2026-04-05T01:45", "2026-04-04T14:45"),
]

# (zone, wall time at the edge that exists once, the same in UTC)
EDGES = [
    (BERLIN, "2026-03-29T01:59", "2026-03-29T00:59"),
    (BERLIN, "2026-03-29T03:00", "2026-03-29T01:00"),
    (BERLIN, "2026-10-25T01:59", "2026-10-24T23:59"),
    (BERLIN, "2026-10-25T03:00", "2026-10-25T02:00"),
    (NEW_YORK, "2026-03-08T03:00", "2026-03-08T07:00"),
    (NEW_YORK, "2026-11-01T02:00", "2026-11-01T07:00"),
    (LORD_HOWE, "2026-10-04T01:59", "2026-10-03T15:29"),
    (LORD_HOWE, "2026-10-04T02:30", "2026-10-03T15:30"),
    (LORD_HOWE, "2026-04-05T02:00", "2026-04-04T15:30"),
]


def utc(text: str) -> datetime:
    """An ISO time in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(("zone", "words", "first_valid"), GAPS)
def test_a_time_the_clocks_jump_over_is_refused(
    zone: ZoneInfo, words: str, first_valid: str
) -> None:
    """The refusal names the night, the time and the first one after it."""
    with pytest.raises(WhenProblem) as problem:
        understand(words, zone, NOW)
    assert problem.value.code == "gap"
    assert problem.value.params == {
        "wall": words[11:16],
        "date": words[:10],
        "zone": zone.key,
        "first_valid": first_valid,
    }


@pytest.mark.parametrize(("zone", "words", "first"), OVERLAPS)
def test_a_time_that_comes_twice_means_the_first(zone: ZoneInfo, words: str, first: str) -> None:
    """The first of the two is taken, and the note says so."""
    moment = understand(words, zone, NOW)
    assert (moment.at, moment.note) == (utc(first), "overlap_first")


@pytest.mark.parametrize(("zone", "words", "expected"), EDGES)
def test_the_edges_of_the_night_are_ordinary(zone: ZoneInfo, words: str, expected: str) -> None:
    """The last minute before and the first after the change need no note."""
    moment = understand(words, zone, NOW)
    assert (moment.at, moment.note) == (utc(expected), None)


@pytest.mark.parametrize("offset", ["Z", "+00:00", "+02:00"])
def test_an_offset_settles_it(offset: str) -> None:
    """With an offset there is one such moment, whatever the clocks of the zone do."""
    gap = understand(f"2026-03-29T02:30{offset}", BERLIN, NOW)
    twice = understand(f"2026-10-25T02:30{offset}", BERLIN, NOW)
    assert gap.note is twice.note is None
    assert twice.at - gap.at == timedelta(days=210)


@pytest.mark.parametrize("words", ["in one hour", "en una hora", "in 60 minutes"])
@pytest.mark.parametrize(
    ("zone", "before_the_change"),
    [
        (BERLIN, "2026-03-29T00:30"),
        (BERLIN, "2026-10-25T00:30"),
        (NEW_YORK, "2026-03-08T06:30"),
        (NEW_YORK, "2026-11-01T05:30"),
        (LORD_HOWE, "2026-04-04T14:45"),
        (LORD_HOWE, "2026-10-03T15:15"),
    ],
)
def test_an_hour_is_always_an_hour(words: str, zone: ZoneInfo, before_the_change: str) -> None:
    """Elapsed time does not care about clocks, so there is nothing to refuse or to note."""
    now = utc(before_the_change)
    moment = understand(words, zone, now)
    assert (moment.at, moment.note) == (now + timedelta(hours=1), None)


def test_a_day_keeps_the_time_on_the_wall() -> None:
    """Days are what the calendar says: 23 or 25 hours when the clocks change between."""
    for evening, hours in (("2026-03-28T19:00", 23), ("2026-10-24T18:00", 25)):
        now = utc(evening)
        moment = understand("in 1 day", BERLIN, now)
        assert moment.at - now == timedelta(hours=hours)
        assert local(moment.at, BERLIN).hour == local(now, BERLIN).hour


@pytest.mark.parametrize("words", ["tomorrow at 2:30", "at 02:30", "sunday at 2:30 am", "in 1 day"])
def test_words_meet_the_gap_too(words: str) -> None:
    """On the eve of the change, words for a time that will not exist are refused like ISO."""
    now = datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN) + timedelta(minutes=5)
    now = now if words != "in 1 day" else datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN)
    with pytest.raises(WhenProblem) as problem:
        understand(words, BERLIN, now)
    assert (problem.value.code, problem.value.params["date"]) == ("gap", "2026-03-29")


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE], ids=str)
def test_what_is_understood_is_what_the_clock_will_show(zone: ZoneInfo) -> None:
    """All through a year a wall time is either shown back exactly or refused as a gap."""
    day = datetime(2026, 3, 2, 0, 15)  # noqa: DTZ001 (a time on a wall)
    gaps = []
    for step in range(0, 365 * 48, 7):
        wall = day + timedelta(minutes=30 * step)
        try:
            moment = understand(f"{wall:%Y-%m-%dT%H:%M}", zone, NOW)
        except WhenProblem as problem:
            gaps.append(problem.code)
            continue
        assert local(moment.at, zone).replace(tzinfo=None) == wall
    assert set(gaps) <= {"gap"}
