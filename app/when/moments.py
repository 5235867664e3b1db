"""When a Tweet is due: words, ISO times and Python times become one moment in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from app.when.parser import MAX_WORDS, WhenProblem, Wish, is_now, read

PAST_IS_NOW = timedelta(seconds=60)
SHOWN_FOR = timedelta(minutes=15)
"""How long a shown moment stays valid for words that are relative to now."""
MAX_AHEAD = timedelta(days=2 * 366)

_ISO = re.compile(
    r"[1-9]\d{3}-\d\d-\d\d[T ][0-2]\d:\d\d(?::\d\d(?:[.,]\d{1,6})?)?"
    r"(?: ?Z| ?[+-]\d\d:?\d\d)?"
)
_WRITTEN = re.compile(
    r"(?P<wall>.+?) \((?P<zone>\w+(?:[/+\-]\w+)*)"
    r"(?:, UTC(?P<offset>[+-]\d\d?(?::\d\d)?))?\)(?:, .*)?",
    re.ASCII | re.DOTALL,
)
"""The form in which this app shows a moment: with its zone, then optional extra text."""
_BEFORE_OFFSET = re.compile(r" (?=[Z+-])")


@dataclass(frozen=True)
class Moment:
    """A due time as it was understood.

    ``at`` is aware and in UTC. ``note`` is None, ``overlap_first`` (that wall time comes twice;
    the first one is meant) or ``past_is_now`` (up to a minute in the past means now).
    """

    at: datetime
    zone: ZoneInfo
    note: str | None = None


def understand(words: str | datetime | timedelta | None, zone: ZoneInfo, now: datetime) -> Moment:
    """Return the moment that ``words`` mean to a person in ``zone``.

    Nothing, "now" and "ahora" mean now. ISO 8601 with an offset is that instant, without one a
    time on the wall in ``zone``. Words may be English or Spanish: "in one hour", "tomorrow at 9",
    "mañana a las 9". A day without a time means 09:00 local, "tonight" 20:00; bare clock times
    and weekdays mean the next ones. "in 2 hours" is elapsed time, "in 2 days" the same time of
    day. What people type has whole seconds, a datetime or timedelta keeps what it has.

    :param now: the present moment, aware.
    :raises WhenProblem: not understood, past, too far ahead, or no time on that night's clocks.
    :raises TypeError: a datetime without a time zone, or something that is no time at all.
    """
    now = _aware(now).astimezone(UTC)
    at, note = _moment(words, zone, now)
    refuse_out_of_reach(at, now)
    if at < now:
        return Moment(now, zone, "past_is_now")
    return Moment(at, zone, note)


def refuse_out_of_reach(at: datetime, now: datetime) -> None:
    """Refuse a moment at which nothing can be due.

    :raises WhenProblem: past, or too far ahead.
    """
    if at < now - PAST_IS_NOW:
        raise WhenProblem("past")
    if at > now + MAX_AHEAD:
        raise WhenProblem("too_far")


def is_iso(words: str) -> bool:
    """Return whether this is a time in ISO 8601, which is understood at once; words take longer."""
    return bool(_ISO.fullmatch(words.upper()))


def moment_of(words: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the moment in UTC that ``words`` mean, be it past or far ahead.

    :raises WhenProblem: not understood, or no time on that night's clocks.
    """
    return _moment(words, zone, _aware(now).astimezone(UTC))[0]


def as_shown(
    words: str, shown_at: datetime | None, zone: ZoneInfo, now: datetime
) -> tuple[Moment, bool]:
    """Return the moment to use, and whether it is the one that was shown for these words.

    Words such as "in one hour" change their meaning with time. The shown moment is used if it was
    shown at most ``SHOWN_FOR`` ago and is still in the future. Words for a fixed moment must still
    mean the shown one. Without ``shown_at`` there is nothing to compare.

    :raises WhenProblem: as ``understand``.
    """
    moment = understand(words, zone, now)
    if shown_at is None or is_now(words) or abs(moment.at - shown_at) < timedelta(seconds=1):
        return moment, True
    drift = moment.at - shown_at
    if not (timedelta(0) < drift <= SHOWN_FOR and shown_at > now):
        return moment, False
    try:
        then = understand(words, zone, now - drift)
    except WhenProblem:
        return moment, False
    meant = abs(then.at - shown_at) < timedelta(seconds=1)
    return (then, True) if meant else (moment, False)


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the aware ``at`` as people in ``zone`` read it on their clocks."""
    return _aware(at).astimezone(zone)


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name, older names included.

    :raises WhenProblem: ``unknown_zone``.
    """
    if name not in _known_zones():
        raise WhenProblem("unknown_zone", zone=name)
    return ZoneInfo(name)


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def zone_names() -> tuple[str, ...]:
    """Return the IANA zones to choose from, one per region and city, and UTC; sorted."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return tuple(sorted({"UTC", *(row[2] for row in rows)}))


def _moment(
    words: str | datetime | timedelta | None, zone: ZoneInfo, now: datetime
) -> tuple[datetime, str | None]:
    if words is None or (isinstance(words, str) and not words.strip()):
        return now, None
    try:
        if isinstance(words, datetime):
            return _aware(words).astimezone(UTC), None
        if isinstance(words, timedelta):
            return now + words, None
        if isinstance(words, str):
            if len(words) > MAX_WORDS:  # before any expensive work
                raise WhenProblem("not_understood")
            return _from_words(words.strip(), zone, now)
    except OverflowError:
        raise WhenProblem("too_far") from None
    raise TypeError(f"a time is words, an aware datetime or a timedelta, not {type(words)}")


def _from_words(words: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, str | None]:
    if written := _written(words):
        return _from_written(written, now)
    if iso := _ISO.fullmatch(words.upper()):
        return _from_iso(iso, zone)
    here = now.astimezone(zone).replace(tzinfo=None, microsecond=0)
    wish = read(words, here)
    if wish == Wish():
        return now, None
    if wish.wall is None:
        return now.replace(microsecond=0) + wish.elapsed, None
    at, note = _on_the_clock(wish.wall, zone)
    if wish.again is not None and at < now - PAST_IS_NOW:
        at, note = _on_the_clock(wish.wall + wish.again, zone)
    return at + wish.elapsed, note


def _written(words: str) -> re.Match[str] | None:
    found = _WRITTEN.fullmatch(words[:MAX_WORDS])
    return found if found and found["zone"] in _known_zones() else None


def _from_written(written: re.Match[str], now: datetime) -> tuple[datetime, str | None]:
    """Parse a moment in this app's own form: its zone counts, and which of two equal times."""
    zone = ZoneInfo(written["zone"])
    at, note = _from_words(written["wall"], zone, now)
    offset = written["offset"]
    if offset is None or _offset_of(at, zone) == offset:
        return at, note if offset is None else None
    second = local(at, zone).replace(fold=1).astimezone(UTC)
    if _offset_of(second, zone) != offset:
        raise WhenProblem("not_understood")
    return second, None


def which_of_two(at: datetime, zone: ZoneInfo) -> str | None:
    """Return the offset from UTC, such as "+1", of a wall time that comes twice; else None."""
    here = local(at, zone)
    if here.replace(fold=0).utcoffset() == here.replace(fold=1).utcoffset():
        return None
    return _offset_of(at, zone)


def _offset_of(at: datetime, zone: ZoneInfo) -> str:
    offset = local(at, zone).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def _from_iso(iso: re.Match[str], zone: ZoneInfo) -> tuple[datetime, str | None]:
    try:
        at = datetime.fromisoformat(_BEFORE_OFFSET.sub("", iso[0]))
    except ValueError:
        raise WhenProblem("not_understood") from None
    return (at.astimezone(UTC), None) if at.tzinfo else _on_the_clock(at, zone)


def _on_the_clock(wall: datetime, zone: ZoneInfo) -> tuple[datetime, str | None]:
    """Return when clocks in ``zone`` show ``wall``, and the note if they do so twice.

    :raises WhenProblem: ``gap``: clocks jump over that time.
    """
    first = wall.replace(tzinfo=zone, fold=0)
    second = wall.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC), None
    if first.astimezone(UTC) < second.astimezone(UTC):
        return first.astimezone(UTC), "overlap_first"
    change = clock_change(second.astimezone(UTC), first.astimezone(UTC), zone)
    raise WhenProblem(
        "gap",
        wall=f"{wall:%H:%M}",
        date=f"{wall:%Y-%m-%d}",
        zone=zone.key,
        first_valid=f"{change.astimezone(zone):%H:%M}",
    )


def clock_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second from which the new offset of ``zone`` holds, between two UTC moments."""
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _aware(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise TypeError("a datetime without a time zone says no moment; give it one")
    return at
