"""Rules of RFC 5545 on the clocks of a zone: what they say, and what is refused at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.planning.recurrence import (
    MIN_GAP,
    Occurrence,
    RecurrenceProblem,
    check,
    moment_of,
    occurrences,
    parse,
)

ZONES = (
    "Europe/Madrid",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
MADRID = ZoneInfo("Europe/Madrid")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
START = datetime.fromisoformat("2026-11-02T09:00")
"""A Monday."""


def first(rule: str, count: int, start: datetime = START, zone: ZoneInfo = MADRID) -> list[str]:
    """Return the first occurrences on the wall."""
    found = islice(occurrences(parse(rule), start, zone), count)
    return [f"{one.wall:%Y-%m-%d %H:%M}" for one in found]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=10", ["2026-11-02 09:00", "2026-11-12 09:00", "2026-11-22 09:00"]),
        (
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            [f"2026-11-0{day} 09:00" for day in (2, 3, 4, 5, 6, 9)],
        ),
        ("FREQ=MONTHLY;BYDAY=2TU", ["2026-11-10 09:00", "2026-12-08 09:00", "2027-01-12 09:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-11-30 09:00", "2026-12-31 09:00"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2026-11-30 09:00"]),
        ("FREQ=DAILY;COUNT=2", ["2026-11-02 09:00", "2026-11-03 09:00"]),
        ("FREQ=DAILY;UNTIL=20261103", ["2026-11-02 09:00", "2026-11-03 09:00"]),
        ("FREQ=DAILY;UNTIL=20261103T085959", ["2026-11-02 09:00"]),
        ("FREQ=DAILY;UNTIL=20261103T080000Z", ["2026-11-02 09:00", "2026-11-03 09:00"]),
        ("rrule:freq=daily;byhour=9,13;", ["2026-11-02 09:00", "2026-11-02 13:00"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29 09:00", "2032-02-29 09:00"]),
    ],
)
def test_rules(rule: str, expected: list[str]) -> None:
    """What people ask for, and both ways to end it."""
    ends = "COUNT" in rule or "UNTIL" in rule
    shown = first(rule, len(expected) + ends)
    assert shown == expected


@pytest.mark.parametrize("name", ZONES)
def test_wall_time_stays(name: str) -> None:
    """For 18 months, 9:00 is 9:00 on every day, each moment once and in order."""
    zone = ZoneInfo(name)
    found = list(islice(occurrences(parse("FREQ=DAILY"), START, zone), 548))
    assert found[-1].wall - found[0].wall == timedelta(days=547)
    assert all(f"{one.at.astimezone(zone):%H:%M}" == "09:00" for one in found)
    assert not any(one.note for one in found)
    steps = [later.at - one.at for one, later in pairwise(found)]
    changes = {step for step in steps if step != timedelta(days=1)}
    hour = timedelta(minutes=30) if name == "Australia/Lord_Howe" else timedelta(hours=1)
    day = timedelta(days=1)
    changing = name not in {"Asia/Kolkata", "Pacific/Apia"}
    assert changes == ({day - hour, day + hour} if changing else set())


@pytest.mark.parametrize(
    ("name", "day", "skipped", "read_as"),
    [
        ("Europe/Madrid", "2027-03-28", "02:30", "03:30"),
        ("America/New_York", "2027-03-14", "02:30", "03:30"),
        ("Australia/Lord_Howe", "2027-10-03", "02:15", "02:45"),
        ("Pacific/Apia", "2011-12-30", "09:00", "09:00"),
    ],
)
def test_a_skipped_time(name: str, day: str, skipped: str, read_as: str) -> None:
    """It is read with the offset before the gap, and says so; in Apia a whole day was missing."""
    zone = ZoneInfo(name)
    start = datetime.fromisoformat(f"{day}T{skipped}") - timedelta(days=1)
    before, inside, after = islice(occurrences(parse("FREQ=DAILY"), start, zone), 3)
    assert [one.note for one in (before, inside, after)] == [None, "gap", None]
    assert f"{inside.at.astimezone(zone):%H:%M}" == read_as
    assert f"{after.at.astimezone(zone):%H:%M}" == skipped
    assert inside.at - before.at == timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "wall", "offset"),
    [
        ("Europe/Madrid", "2026-10-25T02:30", 2),
        ("America/New_York", "2026-11-01T01:30", -4),
        ("Australia/Lord_Howe", "2027-04-04T01:45", 11),
    ],
)
def test_a_doubled_time_counts_once(name: str, wall: str, offset: int) -> None:
    """The first one, also of a rule that comes every hour."""
    zone, start = ZoneInfo(name), datetime.fromisoformat(wall) - timedelta(hours=1)
    found = list(islice(occurrences(parse("FREQ=HOURLY"), start, zone), 3))
    assert found[1].at.astimezone(zone).utcoffset() == timedelta(hours=offset)
    assert [one.wall for one in found] == [start + timedelta(hours=number) for number in range(3)]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("FREQ=SECONDLY", "too_often"),
        ("FREQ=MINUTELY;INTERVAL=60", "too_often"),
        ("FREQ=HOURLY;BYMINUTE=0,10", "too_often"),
        ("FREQ=DAILY;BYHOUR=0,23;BYMINUTE=0,55", "too_often"),
        ("FREQ=DAILY;COUNT=999999999", "bad_value"),
        ("FREQ=DAILY;COUNT=0", "bad_value"),
        ("FREQ=DAILY;INTERVAL=0", "bad_value"),
        ("FREQ=DAILY;INTERVAL=99999999", "bad_value"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "until_and_count"),
        ("FREQ=DAILY;UNTIL=2027-01-01", "bad_value"),
        ("FREQ=DAILY;UNTIL=20271301", "bad_value"),
        ("FREQ=DAILY;UNTIL=00010101T000000", "never"),
        ("FREQ=DAILY;UNTIL=20251231", "never"),
        ("FREQ=DAILY;BYMONTH=13", "bad_value"),
        ("FREQ=WEEKLY;BYDAY=XX", "bad_value"),
        ("FREQ=WEEKLY;BYDAY=2MO", "not_with_freq"),
        ("FREQ=WEEKLY;BYMONTHDAY=2", "not_with_freq"),
        ("FREQ=MONTHLY;BYSETPOS=1", "not_with_freq"),
        ("FREQ=DAILY;FREQ=WEEKLY", "repeated_part"),
        ("DTSTART=20270101T090000;FREQ=DAILY", "unknown_part"),
        ("FREQ=FORTNIGHTLY", "bad_value"),
        ("BYDAY=MO", "no_freq"),
        ("every day", "unreadable"),
        ("", "unreadable"),
        ("FREQ=DAILY;BYDAY=\N{CYRILLIC CAPITAL LETTER EM}O", "unreadable"),
        ("FREQ=YEARLY;BYYEARDAY=" + ",".join(map(str, range(1, 200))), "too_long"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never"),
        ("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "never"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "never"),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "never"),
        ("FREQ=HOURLY;INTERVAL=168;BYDAY=TU", "never"),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", "never"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=50", "never"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "never"),
        ("FREQ=WEEKLY;INTERVAL=1000;BYMONTH=2;BYDAY=TU", "never"),
    ],
)
def test_what_is_refused(rule: str, code: str) -> None:
    """With a reason, and before anything expensive: dateutil alone would look for seconds."""
    began = time.process_time()
    with pytest.raises(RecurrenceProblem) as refused:
        check(parse(rule), START, MADRID, NOW)
    assert refused.value.code == code
    assert time.process_time() - began < 2  # of the processor; seconds for a century take minutes


def test_a_start_in_the_past() -> None:
    """It counts from there, but nobody walks through ten thousand times that are over."""
    rule = parse("FREQ=DAILY;COUNT=5")
    found = check(rule, START - timedelta(days=3), MADRID, NOW)
    assert (found.number, found.wall) == (4, START)
    with pytest.raises(RecurrenceProblem, match="too_far_back"):
        check(parse("FREQ=HOURLY"), datetime.fromisoformat("1999-01-01"), MADRID, NOW)


@pytest.mark.parametrize("name", ZONES)
def test_split_anywhere_in_18_months(name: str) -> None:
    """A time that nights skip and repeat: wherever it is split, nothing is lost or there twice."""
    zone, rule = ZoneInfo(name), parse("FREQ=DAILY;COUNT=548")
    start = datetime.fromisoformat("2026-09-01T02:30")
    whole = [one.at for one in occurrences(rule, start, zone)]
    assert len(set(whole)) == 548
    for number, cut in enumerate(islice(occurrences(rule, start, zone), 548)):
        if number % 40 and not cut.note:
            continue
        ends = [one.at for one in occurrences(rule.ending_before(cut.at), start, zone)]
        goes_on = [one.at for one in occurrences(rule.after(number), cut.wall, zone)]
        assert (ends, goes_on) == (whole[:number], whole[number:])


def test_both_parts_of_a_split_rule() -> None:
    """What ends before a moment and what goes on from it are the whole."""
    rule = parse("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=9")
    whole = list(occurrences(rule, START, MADRID))
    cut = whole[4]
    earlier = list(occurrences(rule.ending_before(cut.at), START, MADRID))
    later = list(occurrences(rule.after(4), cut.wall, MADRID))
    assert earlier == whole[:4]
    assert [one.at for one in later] == [one.at for one in whole[4:]]


def rules() -> st.SearchStrategy[str]:
    """Return rules of many shapes, most of them sensible."""
    days = st.sampled_from(["MO", "TU,TH", "MO,TU,WE,TH,FR", "SA,SU"])
    shapes = st.one_of(
        st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"]),
        st.builds("FREQ=WEEKLY;BYDAY={};WKST={}".format, days, st.sampled_from(["MO", "SU"])),
        st.builds("FREQ=DAILY;BYDAY={};BYHOUR=9,17".format, days),
        st.builds("FREQ=HOURLY;BYDAY={};BYMINUTE=0,30".format, days),
        st.builds(
            "FREQ=MONTHLY;BYDAY={};BYSETPOS={}".format, days, st.sampled_from(["1", "-1", "2,-1"])
        ),
        st.builds("FREQ=MONTHLY;BYMONTHDAY={}".format, st.integers(1, 31)),
        st.builds("FREQ=YEARLY;BYWEEKNO={}".format, st.integers(1, 53)),
    )
    return st.builds("{};INTERVAL={}".format, shapes, st.integers(1, 5))


@settings(max_examples=60, deadline=None)
@given(
    rules(),
    st.datetimes(datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2027-12-31")),
    st.integers(0, 20),
    st.sampled_from(ZONES),
)
def test_going_on_from_any_occurrence(rule: str, start: datetime, known: int, name: str) -> None:
    """Whoever made some ahead finds the same others as from the start, near enough to none."""
    start, zone = start.replace(second=0, microsecond=0), ZoneInfo(name)
    whole = list(islice(occurrences(parse(rule), start, zone), known + 12))
    assert [one.number for one in whole] == list(range(1, len(whole) + 1))
    assert all(later.wall - one.wall >= MIN_GAP for one, later in pairwise(whole))
    if known and len(whole) > known:
        last: Occurrence = whole[known - 1]
        going_on = occurrences(parse(rule), start, zone, last.wall, last.number)
        assert list(islice(going_on, len(whole) - known)) == whole[known:]
    for one in whole:
        assert moment_of(one.wall, zone) == (one.at, one.note)
