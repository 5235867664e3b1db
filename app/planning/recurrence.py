"""Rules by which something comes again: RRULE of RFC 5545, read on the clocks of one zone.

A rule has no DTSTART: the start is given beside it, as a time on the wall. Occurrences are found on
the wall and only then become moments, so 9:00 stays 9:00 when the clocks change. A wall time that
a night skips is read with the offset before the gap (02:30 becomes 03:30); one that comes twice
counts once, the first.

dateutil finds the occurrences. It looks for the next one until the year 9999; here it is stopped
when it has found none for long, because rules are written by strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dateutil import rrule

MAX_LENGTH = 500
"""Characters of a rule."""
MAX_COUNT = 10_000
MAX_INTERVAL = 1_000
MIN_GAP = timedelta(minutes=15)
"""Between two occurrences."""
MAX_WAIT = timedelta(days=5 * 366)
"""Until the first occurrence."""
MAX_PASSED = 10_000
"""Occurrences before the present that a start in the past may have."""

_EMPTY_STEPS = {
    rrule.YEARLY: 40,
    rrule.MONTHLY: 500,
    rrule.WEEKLY: 600,
    rrule.DAILY: 2_000,
    rrule.HOURLY: 2_000,
}
"""Years, months … in a row without an occurrence after which a rule is taken to be over."""
_NAMES = {
    "YEARLY": rrule.YEARLY,
    "MONTHLY": rrule.MONTHLY,
    "WEEKLY": rrule.WEEKLY,
    "DAILY": rrule.DAILY,
    "HOURLY": rrule.HOURLY,
}
_TOO_OFTEN = {"SECONDLY", "MINUTELY"}
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NUMBERS: Mapping[str, tuple[int, int, bool]] = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
"""The least and the largest number, and whether they may count from the end."""
_NOT_WITH = {
    "BYMONTHDAY": {"WEEKLY"},
    "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYWEEKNO": {"HOURLY", "DAILY", "WEEKLY", "MONTHLY"},
}
"""What RFC 5545 forbids."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,3}")
_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z)?)?")


class RecurrenceProblem(ValueError):
    """A rule that is not taken; ``code`` says why, ``params`` name what is wrong.

    Codes: ``too_long``, ``unreadable``, ``unknown_part``, ``repeated_part``, ``no_freq``,
    ``bad_value``, ``not_with_freq``, ``until_and_count``, ``too_often``, ``never``,
    ``too_far_back``, ``bad_start``.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Occurrence(NamedTuple):
    """One time at which something comes again."""

    number: int
    """Counted from the start, from 1."""
    wall: datetime
    """As the rule has it, naive."""
    at: datetime
    """The moment, in UTC."""
    note: str | None
    """``gap`` when clocks skip that time, so that it is read with the offset before; else None."""


@dataclass(frozen=True)
class Rule:
    """A rule that was read and can be followed."""

    text: str
    """As RFC 5545 has it: upper case, without the name RRULE."""
    freq: str
    parts: Mapping[str, Any]
    """What dateutil takes for every BY… part."""
    interval: int = 1
    count: int | None = None
    until: str | None = None

    def ends_at(self, zone: ZoneInfo) -> datetime | None:
        """Return the last moment that an occurrence may have, in UTC; None for no such end."""
        return None if self.until is None else _until(self.until, zone)

    def ending_before(self, at: datetime) -> Rule:
        """Return the same rule that goes on until just before a moment, whatever its end was."""
        kept = [part for part in self.text.split(";") if part.split("=")[0] not in _ENDS]
        last = (at - timedelta(seconds=1)).astimezone(UTC)
        return parse(";".join([*kept, f"UNTIL={last:%Y%m%dT%H%M%SZ}"]))

    def after(self, passed: int) -> Rule:
        """Return the rule without its first occurrences; only its COUNT changes, if it has one."""
        if self.count is None or not passed:
            return self
        kept = [part for part in self.text.split(";") if part.split("=")[0] != "COUNT"]
        return parse(";".join([*kept, f"COUNT={max(1, self.count - passed)}"]))


_ENDS = ("UNTIL", "COUNT")


class _Steps(int):
    """An interval that counts how often dateutil steps on, and stops a rule that finds nothing.

    dateutil adds its interval once for every period that it looks into, and has no other place
    where it can be stopped.
    """

    taken = 0
    most = 0

    def _step(self) -> None:
        self.taken += 1
        if self.taken > self.most:
            raise _NothingFound

    def __radd__(self, other: int) -> int:
        self._step()
        return int(self) + other

    def __mul__(self, other: int) -> int:
        self._step()
        return int(self) * other


class _NothingFound(Exception):
    """No occurrence for so many steps."""


def parse(text: str) -> Rule:
    """Return the rule that a text says, such as ``FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10``.

    :raises RecurrenceProblem: it is no rule, or one that we do not follow.
    """
    if len(text) > MAX_LENGTH:
        raise RecurrenceProblem("too_long", limit=MAX_LENGTH)
    plain = text.strip().upper().removeprefix("RRULE:")
    named = _named(plain.removesuffix(";"))
    freq = named.pop("FREQ", None)
    if freq is None:
        raise RecurrenceProblem("no_freq")
    if freq in _TOO_OFTEN:
        raise RecurrenceProblem("too_often")
    if freq not in _NAMES:
        raise _bad("FREQ", freq)
    interval = _whole("INTERVAL", named.pop("INTERVAL", "1"), MAX_INTERVAL)
    count, until = named.pop("COUNT", None), named.pop("UNTIL", None)
    if count is not None and until is not None:
        raise RecurrenceProblem("until_and_count")
    if until is not None:
        _until(until, ZoneInfo("UTC"))
    return Rule(
        text=plain.removesuffix(";"),
        freq=freq,
        parts=_parts(freq, named),
        interval=interval,
        count=None if count is None else _whole("COUNT", count, MAX_COUNT),
        until=until,
    )


def _named(plain: str) -> dict[str, str]:
    """Return the parts of a rule by their names."""
    named: dict[str, str] = {}
    for part in plain.split(";"):
        name, equals, value = part.partition("=")
        if not (equals and name and value and part.isascii() and part.isprintable()):
            raise RecurrenceProblem("unreadable")
        if name in named:
            raise RecurrenceProblem("repeated_part", name=name[:20])
        named[name] = value
    return named


def _parts(freq: str, named: Mapping[str, str]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name, value in named.items():
        if freq in _NOT_WITH.get(name, ()):
            raise RecurrenceProblem("not_with_freq", name=name, freq=freq)
        if name == "WKST":
            if value not in _DAYS:
                raise _bad(name, value)
            parts["wkst"] = _DAYS.index(value)
        elif name == "BYDAY":
            parts["byweekday"] = _weekdays(freq, value, "BYWEEKNO" in named)
        elif name in _NUMBERS:
            parts[name.lower()] = _numbers(name, value)
        else:
            raise RecurrenceProblem("unknown_part", name=name[:20])
    if "bysetpos" in parts and not set(parts) - {"bysetpos", "wkst"}:
        raise RecurrenceProblem("not_with_freq", name="BYSETPOS", freq=freq)
    return parts


def _numbers(name: str, value: str) -> list[int]:
    least, most, may_be_negative = _NUMBERS[name]
    found = set()
    for word in value.split(","):
        if not _NUMBER.fullmatch(word):
            raise _bad(name, value)
        number = int(word)
        if not least <= (abs(number) if may_be_negative else number) <= most:
            raise _bad(name, value)
        found.add(number)
    return sorted(found)


def _weekdays(freq: str, value: str, has_weeks: bool) -> list[rrule.weekday]:
    found = []
    for word in value.split(","):
        day = _DAY.fullmatch(word)
        nth = int(day[1]) if day and day[1] else None
        if day is None or nth == 0 or abs(nth or 1) > (5 if freq == "MONTHLY" else 53):
            raise _bad("BYDAY", value)
        if nth is not None and (freq not in {"MONTHLY", "YEARLY"} or has_weeks):
            raise RecurrenceProblem("not_with_freq", name=f"BYDAY={word}", freq=freq)
        found.append(rrule.weekday(_DAYS.index(day[2]), nth))
    return found


def _whole(name: str, value: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= most:
        raise _bad(name, value)
    return int(value)


def _bad(name: str, value: str) -> RecurrenceProblem:
    return RecurrenceProblem("bad_value", name=name, value=value[:40])


def _until(value: str, zone: ZoneInfo) -> datetime:
    """Return the last moment that UNTIL allows: a date has its whole day, in the zone."""
    found = _UNTIL.fullmatch(value)
    try:
        if found is None:
            raise _bad("UNTIL", value)
        wall = datetime.fromisoformat(f"{found[1]}T{found[2] or '235959'}")
        return wall.replace(tzinfo=UTC if found[3] else zone, fold=1).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad("UNTIL", value) from None


def check(rule: Rule, start: datetime, zone: ZoneInfo, now: datetime) -> Occurrence:
    """Refuse a rule whose occurrences are too near, too far, or none; return the next one.

    :param start: naive, on the wall.
    :raises RecurrenceProblem: ``too_often``, ``never``, ``too_far_back``.
    """
    if _least_gap(rule, start) < MIN_GAP:
        raise RecurrenceProblem("too_often")
    for passed, found in enumerate(occurrences(rule, start, zone)):
        if found.at > now:
            if found.at > max(now, moment_of(start, zone)[0]) + MAX_WAIT:
                break
            return found
        if passed >= MAX_PASSED:
            raise RecurrenceProblem("too_far_back")
    raise RecurrenceProblem("never")


def _least_gap(rule: Rule, start: datetime) -> timedelta:
    """Return the least time between two times of day that the rule has, or of an hour."""
    hours = rule.parts.get("byhour", [start.hour]) if rule.freq != "HOURLY" else [0]
    around = 3_600 if rule.freq == "HOURLY" else 86_400
    times = _times(rule, start, hours)
    following = [*times[1:], times[0] + around]
    least = min(later - time for time, later in zip(times, following, strict=True))
    return timedelta(seconds=least)


def _times(rule: Rule, start: datetime, hours: Sequence[int]) -> list[int]:
    """Return the times of day that a rule has in these hours, as seconds after midnight."""
    return sorted(
        3_600 * hour + 60 * minute + second
        for hour in hours
        for minute in rule.parts.get("byminute", [start.minute])
        for second in rule.parts.get("bysecond", [start.second])
    )


def note_of(rule: Rule, start: datetime, at: datetime, zone: ZoneInfo) -> str | None:
    """Return ``gap`` for an occurrence that is at no time of the rule: clocks skipped that."""
    if rule.freq == "HOURLY":
        return None
    wall = at.astimezone(zone)
    time = 3_600 * wall.hour + 60 * wall.minute + wall.second
    return None if time in _times(rule, start, rule.parts.get("byhour", [start.hour])) else "gap"


def occurrences(
    rule: Rule, start: datetime, zone: ZoneInfo, after: datetime | None = None, passed: int = 0
) -> Iterator[Occurrence]:
    """Yield the occurrences from the start on, in the order of the wall.

    It ends where the rule ends, or finds nothing for years. The moment of one that a night skips
    may be the moment of another one, too.

    :param start: naive, on the wall; the first occurrence is then, or later.
    :param after: an occurrence that is known, on the wall: only those behind it are yielded, and
        the way there is not walked again.
    :param passed: its number.
    """
    if rule.count is not None and passed >= rule.count:
        return
    ends_at = rule.ends_at(zone)
    interval = _Steps(rule.interval)
    interval.most = _EMPTY_STEPS[_NAMES[rule.freq]]
    number = passed
    for wall in _walls(rule, start if after is None else after, start, interval):
        interval.taken = 0
        if after is not None and wall <= after:
            continue
        at, note = moment_of(wall, zone)
        number += 1
        if ends_at is not None and at > ends_at:
            return
        yield Occurrence(number, wall, at, note)
        if rule.count is not None and number >= rule.count:
            return


def _walls(rule: Rule, since: datetime, start: datetime, interval: _Steps) -> Iterator[datetime]:
    """Yield the rule's wall times.

    Counted from one of its own occurrences (``since``), the periods of a rule are the same as from
    its start. What a rule leaves to its start is said first, or it would follow from ``since``.
    """
    said = {**_from_start(rule, start), **rule.parts}
    try:
        yield from rrule.rrule(_NAMES[rule.freq], dtstart=since, interval=interval, **said)
    except (_NothingFound, ValueError, OverflowError):
        return  # ValueError: no hour of its interval is among its hours


def _from_start(rule: Rule, start: datetime) -> dict[str, Any]:
    """Return what RFC 5545 takes from the start where a rule says nothing."""
    found: dict[str, Any] = {"byminute": [start.minute], "bysecond": [start.second]}
    if rule.freq != "HOURLY":
        found["byhour"] = [start.hour]
    if not {"byweekno", "byyearday", "bymonthday", "byweekday"} & set(rule.parts):
        if rule.freq == "YEARLY":
            found |= {"bymonth": [start.month], "bymonthday": [start.day]}
        elif rule.freq == "MONTHLY":
            found["bymonthday"] = [start.day]
        elif rule.freq == "WEEKLY":
            found["byweekday"] = [rrule.weekday(start.weekday())]
    if rule.freq == "YEARLY" and "byweekno" in rule.parts and "byweekday" not in rule.parts:
        found["byweekday"] = [rrule.weekday(start.weekday())]
    return found


def moment_of(wall: datetime, zone: ZoneInfo) -> tuple[datetime, str | None]:
    """Return the moment of a wall time in UTC, and ``gap`` if clocks skip it, else None.

    The first one of two; in a gap, with the offset before.
    """
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    is_skipped = at.astimezone(zone).replace(tzinfo=None, fold=0) != wall
    return at, "gap" if is_skipped else None
