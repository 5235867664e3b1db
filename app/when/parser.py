"""Parses time words into a wish or an error with its reason. It never guesses.

The words are first translated into plain English (``phrases``). If the result has exactly one of
the known forms, dateparser computes the moment; anything else is not understood.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from app.when.phrases import MONTHS, WEEKDAYS, in_plain_words

MAX_WORDS = 200
USUAL_TIME = time(9)
NO_TIME = timedelta()
ONE_DAY, ONE_WEEK = timedelta(days=1), timedelta(days=7)
TIMES_OF_DAY = {
    "morning": time(9),
    "noon": time(12),
    "afternoon": time(15),
    "night": time(20),
    "midnight": time(0),
}
_NIGHT_ENDS = time(5)
_SMALL_HOURS = (12, 0, 1, 2, 3, 4)
_HOURS_OF = {
    "morning": range(13),  # in Spain noon is "las 12 de la mañana"
    "noon": (12, 1, 2, 3),
    "afternoon": range(1, 22),
    "night": (*_SMALL_HOURS, *range(5, 12), *range(18, 24)),
    "midnight": (),
}
_WHOLE_HOURS_OF = {
    "morning": range(13),
    "noon": range(12, 16),
    "afternoon": range(12, 22),
    "night": (*range(5), *range(18, 24)),
    "midnight": (),
}

_WHOLE = r"\d{1,9}"
_AMOUNT = rf"{_WHOLE}(?:[.,]\d{{1,3}})?"
_CALENDAR = rf"(?:{_AMOUNT} ?(?:days?|d|weeks?|w)|{_WHOLE} ?(?:months?|years?))"
_CLOCK = rf"{_AMOUNT} ?(?:hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
_LENGTH = re.compile(
    rf"(?P<sign>in -|in |)(?P<calendar>(?:{_CALENDAR}(?![a-z])(?: and )? ?)*)"
    rf"(?P<clock>(?:{_CLOCK}(?![a-z])(?: and )? ?)*)(?P<ago>ago)?"
)
_WHOLE_WORD = re.compile(r"[a-z]{3}")
_TIME = re.compile(
    r"(?:\bat )?(?<![\d:.\-/])(?P<hour>\d{1,2})"
    r"(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?"
    r" ?(?P<part>am|pm|morning|noon|afternoon|night)?(?![\w:/\-])"
)
_PART = re.compile(r"\b(?:morning|noon|afternoon|night|midnight)\b")
_NEAR_DAY = re.compile(r"today|tomorrow|day after tomorrow|yesterday|next (?:week|month)")
_WEEKDAY = re.compile(rf"(?P<next>next )?(?P<name>{'|'.join(WEEKDAYS)})")
_WEEKDAY_OF_NEXT_WEEK = re.compile(
    rf"(?P<name>{'|'.join(WEEKDAYS)}) next week|next week (?P<name2>{'|'.join(WEEKDAYS)})"
)
_DAY_OF_MONTH = re.compile(r"day-(?P<day>\d\d?)")
_MONTH = "|".join(MONTHS)
_NAMED_DATE = re.compile(
    rf"(?:(?P<weekday>{'|'.join(WEEKDAYS)}) )?"
    rf"(?:(?P<day>\d\d?) (?P<month>{_MONTH})|(?P<month2>{_MONTH}) (?P<day2>\d\d?))"
    r"(?: (?P<year>\d{4}))?"
)
_NUMBER_DATE = re.compile(r"(?P<first>\d\d?)([/.\-])(?P<second>\d\d?)\2(?P<year>\d{4})")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class WhenProblem(ValueError):
    """A time that cannot be taken; ``code`` and ``params`` say why.

    Codes: ``not_understood``; ``ambiguous`` with ``day_first`` and ``month_first`` (ISO dates);
    ``past``; ``too_far``; ``gap`` with ``wall`` and ``first_valid`` (HH:MM),
    ``date`` (ISO) and ``zone``; ``unknown_zone`` with ``zone``.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Wish:
    """A moment as people say it: a local (wall clock) time, or a duration from now.

    ``elapsed`` is added to ``wall``, or to now if there is no wall time. ``again`` is the time
    after which the same words are true again; None when they mean one day only.
    """

    wall: datetime | None = None
    elapsed: timedelta = NO_TIME
    again: timedelta | None = None


def is_now(words: str) -> bool:
    """True for words that mean now: "now", "ahora", "right now"; False for no words at all."""
    return len(words) <= MAX_WORDS and in_plain_words(words) == "now"


def read(words: str, here: datetime) -> Wish:
    """Return what ``words`` wish for.

    A day without a time means 09:00, a morning 09:00, an afternoon 15:00, a night 20:00. Hours
    without am or pm are those of the 24-hour day.

    :param here: the local time now, a naive datetime.
    :raises WhenProblem: ``not_understood``, ``ambiguous``, or out of every calendar.
    """
    if len(words) > MAX_WORDS:
        raise WhenProblem("not_understood")
    said = in_plain_words(words)
    if said == "now":
        return Wish()
    try:
        return _length(said, here) or _day_and_time(said, here)
    except OverflowError:
        raise WhenProblem("too_far") from None


def _length(said: str, here: datetime) -> Wish | None:
    """Hours and shorter units are elapsed time; days and longer keep the time of day."""
    length = _LENGTH.fullmatch(said)
    if length is None or not (length["calendar"] or length["clock"]):
        return None
    if not (length["sign"] or length["ago"] or _WHOLE_WORD.search(said)):
        return None  # "18h" alone is an hour of the day in many places
    back = length["ago"] is not None or length["sign"] == "in -"
    calendar, clock = length["calendar"].strip(), length["clock"].strip()
    elapsed = _moved(clock, here, back) - here if clock else NO_TIME
    return Wish(_moved(calendar, here, back) if calendar else None, elapsed)


def _moved(amounts: str, base: datetime, back: bool) -> datetime:
    amounts = amounts.removesuffix(" and").replace(" and ", " ").replace(",", ".")
    phrase = f"{amounts} ago" if back else f"in {amounts}"
    moved = _work_out(phrase, base)
    if moved is None:
        raise WhenProblem("past") if back else WhenProblem("too_far")
    return moved


def _day_and_time(said: str, here: datetime) -> Wish:
    at, day_offset, day = _take_time(said)
    if day == "today" and day_offset and at is not None and here.time() < min(at, _NIGHT_ENDS):
        day_offset = NO_TIME  # the night that is not over yet, and not the coming one
    if not day and at is not None:
        return Wish(datetime.combine(here.date(), at), again=ONE_DAY)
    weekday = _WEEKDAY.fullmatch(day)
    if weekday is not None:
        on = _coming(weekday, here)
        again = None if weekday["next"] else ONE_WEEK
        return Wish(datetime.combine(on, at or USUAL_TIME) + day_offset, again=again)
    on = _date(day, here)
    if day == "today" and at == TIMES_OF_DAY["midnight"] and not day_offset:
        day_offset = ONE_DAY  # the midnight that ends the day, not the one that began it
    return Wish(datetime.combine(on, at or USUAL_TIME) + day_offset)


def _take_time(said: str) -> tuple[time | None, timedelta, str]:
    """Return the time of day, the days it adds, and what is left of the words."""
    found = next((t for t in _TIME.finditer(said) if _is_a_time(t)), None)
    if found is None:
        part = _PART.search(said)
        if part is None:
            return None, NO_TIME, said
        return TIMES_OF_DAY[part[0]], NO_TIME, _without(said, part)
    rest = _without(said, found)
    part_name = found["part"]
    if part := _PART.search(rest):
        rest = _without(rest, part)
    hour, days = _hour(int(found["hour"]), part_name, part[0] if part else None)
    at = time(hour, int(found["minute"] or 0), int(found["second"] or 0))
    return at, timedelta(days=days), rest


def _is_a_time(found: re.Match[str]) -> bool:
    """A number alone may be a day or an hour; an hour needs "at", minutes or a part of the day."""
    return found[0].startswith("at ") or bool(found["minute"]) or bool(found["part"])


def _without(said: str, found: re.Match[str]) -> str:
    return " ".join(f"{said[: found.start()]} {said[found.end() :]}".split())


def _hour(hour: int, part: str | None, named: str | None = None) -> tuple[int, int]:
    """Return the hour of the 24-hour day, and the days to add to the day that was named.

    :param part: what stands at the hour itself: am, pm or a part of the day.
    :param named: the part of the day that is named elsewhere: "tomorrow night at 9 pm".
    """
    if part in {"am", "pm"}:
        if not 1 <= hour <= 12:
            raise WhenProblem("not_understood")
        hour = hour % 12 + (12 if part == "pm" else 0)
        return _whole_hour_in(hour, named) if named else (hour, 0)
    if part and named:
        raise WhenProblem("not_understood")
    return _hour_in(hour, part or named)


def _whole_hour_in(hour: int, part: str) -> tuple[int, int]:
    """The same for an hour of the 24-hour day, which must be one of the part that is named."""
    if hour not in _WHOLE_HOURS_OF[part]:
        raise WhenProblem("not_understood")
    return hour, 1 if part == "night" and hour in _SMALL_HOURS else 0


def _hour_in(hour: int, part: str | None) -> tuple[int, int]:
    if hour not in (_HOURS_OF[part] if part else range(24)):
        raise WhenProblem("not_understood")
    if part == "night" and hour in _SMALL_HOURS:
        return hour % 12, 1  # they belong to the date after the evening that was named
    return hour + (12 if part in {"noon", "afternoon", "night"} and hour < 12 else 0), 0


def _coming(weekday: re.Match[str], here: datetime) -> date:
    """Return the next date of that name; today counts unless the word was "next"."""
    if here.strftime("%A").lower() == weekday["name"] and not weekday["next"]:
        return here.date()
    return _worked_out(weekday["name"], here).date()


def _date(day: str, here: datetime) -> date:
    if _NEAR_DAY.fullmatch(day):
        return _worked_out(day, here).date()
    if weekday := _WEEKDAY_OF_NEXT_WEEK.fullmatch(day):
        monday = here.date() - timedelta(days=here.weekday()) + ONE_WEEK
        return monday + timedelta(days=WEEKDAYS.index(weekday["name"] or weekday["name2"]))
    if numbered := _DAY_OF_MONTH.fullmatch(day):
        return _coming_day(int(numbered["day"]), here)
    length = _length(day, here)
    if length is not None and length.wall is not None and length.elapsed == NO_TIME:
        return length.wall.date()
    if _ISO_DATE.fullmatch(day):
        return _iso_date(day)
    if named := _NAMED_DATE.fullmatch(day):
        return _named_date(named, here)
    if numbers := _NUMBER_DATE.fullmatch(day):
        return _number_date(int(numbers["first"]), int(numbers["second"]), numbers["year"])
    raise WhenProblem("not_understood")


def _coming_day(number: int, here: datetime) -> date:
    """Return the next day with this number that a month has, today included."""
    first = here.date().replace(day=1)
    for _ in range(12):
        with suppress(ValueError):
            found = first.replace(day=number)
            if found >= here.date():
                return found
        first = (first + timedelta(days=32)).replace(day=1)
    raise WhenProblem("not_understood")


def _named_date(named: re.Match[str], here: datetime) -> date:
    """A date without a year is the next one, today included."""
    years = [named["year"]] if named["year"] else [str(here.year + more) for more in range(5)]
    day, month = named["day"] or named["day2"], named["month"] or named["month2"]
    for year in years:
        found = _work_out(f"{day} {month} {year}", here)
        if found is not None and (named["year"] or found.date() >= here.date()):
            if named["weekday"] not in {None, found.strftime("%A").lower()}:
                break
            return found.date()
    raise WhenProblem("not_understood")


def _number_date(first: int, second: int, year: str) -> date:
    """03/04/2026 differs between countries; 25/12/2026 and 03/03/2026 have one meaning."""
    if first <= 12 and second <= 12 and first != second:
        raise WhenProblem(
            "ambiguous",
            day_first=f"{year}-{second:02}-{first:02}",
            month_first=f"{year}-{first:02}-{second:02}",
        )
    month, day = sorted((first, second))
    return _iso_date(f"{year}-{month:02}-{day:02}")


def _iso_date(text: str) -> date:
    """Parse ISO dates without dateparser, which reads 2026-13-01 as the 13th of January."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WhenProblem("not_understood") from None


def _worked_out(phrase: str, base: datetime) -> datetime:
    found = _work_out(phrase, base)
    if found is None:
        raise WhenProblem("not_understood")
    return found


def _work_out(phrase: str, base: datetime) -> datetime | None:
    """Ask dateparser; it sees only phrases of a known shape, never what was typed."""
    import dateparser  # here: workers parse no times, and save 5 MiB

    return dateparser.parse(
        phrase,
        languages=["en"],
        settings={
            "RELATIVE_BASE": base,
            "PREFER_DATES_FROM": "future",
            "RETURN_AS_TIMEZONE_AWARE": False,
            "TIMEZONE": "UTC",
        },
    )
