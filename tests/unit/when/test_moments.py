"""What a person types as a time is understood as they mean it, or refused; never guessed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.when import Moment, WhenProblem, understand, zone_named, zone_names
from app.when.moments import local

BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday, at three in the afternoon.
NOW = datetime(2026, 8, 12, 15, 0, tzinfo=BERLIN)

ENGLISH = [
    ("in one hour", "2026-08-12 16:00"),
    ("In  2  Hours", "2026-08-12 17:00"),
    ("in an hour and a half", "2026-08-12 16:30"),
    ("in two and a half hours", "2026-08-12 17:30"),
    ("in half an hour", "2026-08-12 15:30"),
    ("in 90 minutes", "2026-08-12 16:30"),
    ("in 1h", "2026-08-12 16:00"),
    ("in 1h30", "2026-08-12 16:30"),
    ("in 30 min", "2026-08-12 15:30"),
    ("in 1.5 hours", "2026-08-12 16:30"),
    ("in 2 hours and 5 minutes", "2026-08-12 17:05"),
    ("2 hours from now", "2026-08-12 17:00"),
    ("+2h", "2026-08-12 17:00"),
    ("in two weeks", "2026-08-26 15:00"),
    ("in 2 days at 9", "2026-08-14 09:00"),
    ("in a month", "2026-09-12 15:00"),
    ("tomorrow", "2026-08-13 09:00"),
    ("TOMORROW AT 9", "2026-08-13 09:00"),
    ("tomorrow 9", "2026-08-13 09:00"),
    ("tomorrow 9am", "2026-08-13 09:00"),
    ("Tomorrow, 9 a.m.", "2026-08-13 09:00"),
    ("tomorrow at 9:30 pm", "2026-08-13 21:30"),
    ("9:30 pm tomorrow", "2026-08-13 21:30"),
    ("tomorrow evening", "2026-08-13 20:00"),
    ("the day after tomorrow at 8", "2026-08-14 08:00"),
    ("at 18:00", "2026-08-12 18:00"),
    ("at 6pm", "2026-08-12 18:00"),
    ("9pm", "2026-08-12 21:00"),
    ("at 9", "2026-08-13 09:00"),
    ("at nine", "2026-08-13 09:00"),
    ("half past nine", "2026-08-13 09:30"),
    ("12am", "2026-08-13 00:00"),
    ("noon", "2026-08-13 12:00"),
    ("midnight", "2026-08-13 00:00"),
    ("today at midnight", "2026-08-13 00:00"),
    ("tonight", "2026-08-12 20:00"),
    ("tonight at 8", "2026-08-12 20:00"),
    ("tonight at 12", "2026-08-13 00:00"),
    ("tonight at midnight", "2026-08-13 00:00"),
    ("tonight at 1", "2026-08-13 01:00"),
    ("tomorrow night at 9:30pm", "2026-08-13 21:30"),
    ("tomorrow night at 9:30", "2026-08-13 21:30"),
    ("tomorrow morning at 8am", "2026-08-13 08:00"),
    ("the 20th at 12pm", "2026-08-20 12:00"),
    ("on the 11th", "2026-09-11 09:00"),
    ("the 31st at 9", "2026-08-31 09:00"),
    ("monday of next week", "2026-08-17 09:00"),
    ("sunday of next week at 10", "2026-08-23 10:00"),
    ("monday next week at 8pm", "2026-08-17 20:00"),
    ("at 21:30 h", "2026-08-12 21:30"),
    ("Thu 13 Aug 2026, 09:00", "2026-08-13 09:00"),
    ("Thu 13 Aug 2026, 09:00:07 (Europe/Berlin), in 18 hours", "2026-08-13 09:00:07"),
    ("Thu 13 Aug 2026, 09:00 (America/New_York)", "2026-08-13 15:00"),
    ("monday", "2026-08-17 09:00"),
    ("mon at 9:15", "2026-08-17 09:15"),
    ("next monday at 9", "2026-08-17 09:00"),
    ("wednesday at 6pm", "2026-08-12 18:00"),
    ("wednesday", "2026-08-19 09:00"),
    ("next wednesday at 6pm", "2026-08-19 18:00"),
    ("on friday at noon", "2026-08-14 12:00"),
    ("next week", "2026-08-19 09:00"),
    ("25 december 9:00", "2026-12-25 09:00"),
    ("dec 25 at 9am", "2026-12-25 09:00"),
    ("Friday, December 25th at 9:15", "2026-12-25 09:15"),
    ("11 august", "2027-08-11 09:00"),
    ("29 february", "2028-02-29 09:00"),
    ("2026-12-25 at 9", "2026-12-25 09:00"),
    ("25/12/2026 at 9", "2026-12-25 09:00"),
    ("12/25/2026", "2026-12-25 09:00"),
]

SPANISH = [
    ("en una hora", "2026-08-12 16:00"),
    ("en 2 horas", "2026-08-12 17:00"),
    ("en media hora", "2026-08-12 15:30"),
    ("en hora y media", "2026-08-12 16:30"),
    ("dentro de una hora y media", "2026-08-12 16:30"),
    ("en 30 minutos", "2026-08-12 15:30"),
    ("en un cuarto de hora", "2026-08-12 15:15"),
    ("dentro de dos días", "2026-08-14 15:00"),
    ("dentro de dos dias a las 9", "2026-08-14 09:00"),
    ("mañana", "2026-08-13 09:00"),
    ("Mañana a las 9", "2026-08-13 09:00"),
    ("manana a las 9 de la noche", "2026-08-13 21:00"),
    ("mañana a las 9 de la mañana", "2026-08-13 09:00"),
    ("mañana por la mañana", "2026-08-13 09:00"),
    ("mañana por la tarde a las 5", "2026-08-13 17:00"),
    ("hoy a las 18:00", "2026-08-12 18:00"),
    ("esta noche", "2026-08-12 20:00"),
    ("esta noche a las diez", "2026-08-12 22:00"),
    ("a las 9", "2026-08-13 09:00"),
    ("a la una", "2026-08-13 01:00"),
    ("a las nueve y media de la noche", "2026-08-12 21:30"),
    ("a las 6 menos cuarto de la tarde", "2026-08-12 17:45"),
    ("el lunes", "2026-08-17 09:00"),
    ("EL LUNES A LAS 9", "2026-08-17 09:00"),
    ("el próximo viernes a las 10:30", "2026-08-14 10:30"),
    ("el miércoles que viene", "2026-08-19 09:00"),
    ("la semana que viene", "2026-08-19 09:00"),
    ("pasado mañana a las 8", "2026-08-14 08:00"),
    ("a mediodía", "2026-08-13 12:00"),
    ("25 de diciembre a las 9", "2026-12-25 09:00"),
    ("el viernes 25 de diciembre de 2026 a las 21:15", "2026-12-25 21:15"),
    ("el 3 de marzo", "2027-03-03 09:00"),
    ("jue 13 ago 2026, 09:00", "2026-08-13 09:00"),
    ("mar 2 mar 2027, 09:00 (Europe/Madrid)", "2027-03-02 09:00"),
    ("vie a las 9", "2026-08-14 09:00"),
    ("mar a las 9", "2026-08-18 09:00"),
    ("sáb a las 21", "2026-08-15 21:00"),
    ("a las 8 y diez", "2026-08-13 08:10"),
    ("a las 8 y cinco de la noche", "2026-08-12 20:05"),
    ("a las ocho menos veinticinco de la tarde", "2026-08-12 19:35"),
    ("a las 9 hs", "2026-08-13 09:00"),
    ("a las 21:30 h", "2026-08-12 21:30"),
    ("mañana a las 9 horas", "2026-08-13 09:00"),
    ("el 20 a las 12", "2026-08-20 12:00"),
    ("el día 20", "2026-08-20 09:00"),
    ("el lunes de la semana que viene", "2026-08-17 09:00"),
    ("esta noche a medianoche", "2026-08-13 00:00"),
]

ISO = [
    ("2026-10-01T09:30", "2026-10-01 09:30"),
    ("2026-10-01 09:30", "2026-10-01 09:30"),
    ("2026-10-01t09:30:15", "2026-10-01 09:30:15"),
    ("2026-10-01", "2026-10-01 09:00"),
    ("2026-10-01T09:30Z", "2026-10-01 11:30"),
    ("2026-10-01T09:30:00.000Z", "2026-10-01 11:30"),
    ("2026-10-01T09:30:00-05:00", "2026-10-01 16:30"),
    ("2026-10-01 09:30 +0200", "2026-10-01 09:30"),
]

NONSENSE = [
    "banana", "asdf", "tomorrow banana", "9999", "!!!", "?", "12", "2026", "friday 13",
    "31 february", "monday 25 december", "25:00", "at 25", "13pm", "9:75", "in", "in 5", "at",
    "tomorrow tomorrow", "mañana mañana", "at 9 at 10", "9:00 10:00", "monday tuesday",
    "in 1 hour in 2 hours", "18h",
    "in 2 hours at 9", "tomorrow noon at 9", "in 1.5 months", "may", "last monday", "now banana",
    "the 32nd", "friday the 13th", "the 0th", "tomorrow night at 9am", "tonight at 3pm",
    "a las 8 y 70", "Thu 13 Aug 2026, 09:00 (Mars/Base)",
    "2026-13-01", "2026-02-30T10:00", "2026-10-01T25:00", "0001-01-01T00:00", "at 9\x00", "1e9",
    "tomorrow at 9; drop table", "{}", "x" * 10_000, "in " + "1 hour " * 2_000, "9" * 10_000,
]  # fmt: skip

PAST = ["yesterday at 5", "yesterday", "in -5 minutes", "5 minutes ago", "hace 5 minutos", "ayer",
        "today at 9", "hoy a las 9", "12 august", "25 december 2020", "2026-08-12T14:58",
        "anteayer"]  # fmt: skip


def shown(words: str) -> str:
    """How ``words`` are understood, as people in Berlin read it."""
    moment = understand(words, BERLIN, NOW)
    return f"{local(moment.at, BERLIN):%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def refusal(words: object, zone: ZoneInfo = BERLIN) -> WhenProblem:
    """The problem with ``words``."""
    with pytest.raises(WhenProblem) as problem:
        understand(words, zone, NOW)  # type: ignore[arg-type]
    return problem.value


@pytest.mark.parametrize(("words", "expected"), ENGLISH + SPANISH + ISO)
def test_understands(words: str, expected: str) -> None:
    """Times in English, in Spanish and in ISO 8601 are what their writer means."""
    assert shown(words) == expected


@pytest.mark.parametrize(
    "words",
    [None, "", "  ", "now", "NOW", "now!", "at once", "ahora", "¡ahora!", "ahora mismo", "ya"],
)
def test_nothing_and_now_are_now(words: str | None) -> None:
    """An empty field publishes at once, at exactly the present moment."""
    assert understand(words, BERLIN, NOW) == Moment(NOW.astimezone(UTC), BERLIN)


@pytest.mark.parametrize("words", NONSENSE, ids=lambda words: words[:30])
def test_nonsense_is_not_understood(words: str) -> None:
    """What is not wholly understood is refused: no part of it is taken for the whole."""
    assert refusal(words).code == "not_understood"


@pytest.mark.parametrize("words", PAST)
def test_the_past_is_refused(words: str) -> None:
    """A moment gone by more than a minute is an error, not "now"."""
    assert refusal(words).code == "past"


@pytest.mark.parametrize(
    "words", ["in 3 years", "1 january 2040", "in 99999999 years", "in 999999999 hours",
              "9999-12-31T23:59", timedelta(days=800), timedelta.max]
)  # fmt: skip
def test_the_far_future_is_refused(words: object) -> None:
    """About two years ahead is the end."""
    assert refusal(words).code == "too_far"


SMALL_HOURS = [
    ("tonight at 1", "2026-08-13 01:00"),
    ("tonight at 1am", "2026-08-13 01:00"),
    ("esta noche a las 2", "2026-08-13 02:00"),
    ("tonight at 12:15", "2026-08-14 00:15"),
    ("tonight", "2026-08-13 20:00"),
    ("tonight at 9", "2026-08-13 21:00"),
    ("tonight at midnight", "2026-08-14 00:00"),
    ("at 1", "2026-08-13 01:00"),
    ("tomorrow night at 1", "2026-08-15 01:00"),
]


@pytest.mark.parametrize(("words", "expected"), SMALL_HOURS)
def test_after_midnight_tonight_is_this_night(words: str, expected: str) -> None:
    """At half past midnight, "tonight at 1" is in half an hour and not a day later."""
    late = datetime(2026, 8, 13, 0, 30, tzinfo=BERLIN)
    assert f"{local(understand(words, BERLIN, late).at, BERLIN):%Y-%m-%d %H:%M}" == expected


def test_two_dates_in_one_are_ambiguous() -> None:
    """03/04/2026 is April in Spain and March in the USA, so both are offered and none is taken."""
    problem = refusal("03/04/2027 at 9")
    assert problem.code == "ambiguous"
    assert problem.params == {"day_first": "2027-04-03", "month_first": "2027-03-04"}
    assert shown("03/03/2027") == "2027-03-03 09:00"


def test_the_last_minute_is_now() -> None:
    """Somebody who typed the present minute, or took a moment to press send, means now."""
    just_after = NOW + timedelta(seconds=20, milliseconds=300)
    for words in ("15:00", "hoy a las 15:00", "2026-08-12T15:00", NOW, timedelta(seconds=-60)):
        moment = understand(words, BERLIN, just_after)
        assert moment == Moment(just_after.astimezone(UTC), BERLIN, "past_is_now")
    assert refusal(timedelta(seconds=-60, microseconds=-1)).code == "past"


def test_people_mean_whole_seconds_and_code_keeps_fractions() -> None:
    """Words end on a second; datetimes, timedeltas and ISO fractions are kept exactly."""
    now = NOW + timedelta(milliseconds=250)
    hour = timedelta(hours=1)
    assert understand("in one hour", BERLIN, now).at == NOW + hour
    assert understand(hour, BERLIN, now).at == now + hour
    assert understand(now + hour, BERLIN, NOW).at == now + hour
    assert understand("2026-08-12T16:00:00.250", BERLIN, NOW).at == now + hour
    assert understand(now + hour, BERLIN, NOW).at.tzinfo is UTC


def test_a_datetime_needs_a_zone() -> None:
    """Code that forgot the time zone is told so instead of being off by hours."""
    with pytest.raises(TypeError):
        understand(datetime(2026, 9, 1, 9, 0), BERLIN, NOW)  # noqa: DTZ001
    with pytest.raises(TypeError):
        understand("tomorrow", BERLIN, NOW.replace(tzinfo=None))
    with pytest.raises(TypeError):
        understand(5, BERLIN, NOW)  # type: ignore[arg-type]


@pytest.mark.slow
@given(st.text() | st.lists(st.sampled_from([w for w, _ in ENGLISH + SPANISH])).map(" ".join))
@example("at 9 tomorrow at 9 tomorrow")
def test_any_text_is_a_time_in_range_or_a_problem(words: str) -> None:
    """No text makes it fail in another way, and no time comes out that could not be kept."""
    try:
        moment = understand(words, BERLIN, NOW)
    except WhenProblem:
        return
    assert NOW <= moment.at <= NOW + timedelta(days=732)
    assert moment.at.tzinfo is UTC


@pytest.mark.slow
@pytest.mark.parametrize("process_zone", ["Pacific/Kiritimati", "America/St_Johns", ":nowhere"])
def test_the_zone_of_the_process_does_not_matter(process_zone: str) -> None:
    """A server may keep any clock; warnings of the libraries stay away as well."""
    program = (
        "from datetime import datetime; from zoneinfo import ZoneInfo\n"
        "from app.when import understand\n"
        "now = datetime.fromisoformat('2026-08-12T13:00:00+00:00')\n"
        "for words in ('mañana a las 9', 'in one hour', 'dec 25', 'monday', '2026-10-01T09:30'):\n"
        "    print(understand(words, ZoneInfo('Europe/Berlin'), now).at.isoformat())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": process_zone, "PYTHONWARNINGS": "default", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        "2026-08-13T07:00:00+00:00", "2026-08-12T14:00:00+00:00", "2026-12-25T08:00:00+00:00",
        "2026-08-17T07:00:00+00:00", "2026-10-01T07:30:00+00:00",
    ]  # fmt: skip
    assert "when" not in done.stderr
    assert "dateparser" not in done.stderr


def test_is_quick_once_warm() -> None:
    """Echoing a time while somebody types costs a few milliseconds."""
    understand("dec 25 at 9am", BERLIN, NOW)
    started = time.process_time()
    for words, _ in SPANISH:
        understand(words, BERLIN, NOW)
    assert (time.process_time() - started) / len(SPANISH) < 0.1


class TestZones:
    """Zones are named as IANA does."""

    def test_listed_zones_are_known(self) -> None:
        """Every zone that is offered works, and none is a nickname."""
        names = zone_names()
        assert list(names) == sorted(set(names))
        assert {"Europe/Madrid", "America/Argentina/Buenos_Aires", "UTC"} <= set(names)
        assert not {"US/Eastern", "EST", "GMT+0", "Asia/Calcutta"} & set(names)
        assert all(zone_named(name).key == name for name in names)

    def test_older_names_of_browsers_are_known(self) -> None:
        """Some browsers still say Asia/Calcutta."""
        assert zone_named("Asia/Calcutta").utcoffset(NOW) == timedelta(hours=5, minutes=30)

    @pytest.mark.parametrize("name", ["", "Europe", "Mars/Base", "../etc/passwd", "/UTC", "\x00"])
    def test_others_are_refused(self, name: str) -> None:
        """A name that is no zone is a problem, not a crash and not a file."""
        with pytest.raises(WhenProblem) as problem:
            zone_named(name)
        assert (problem.value.code, problem.value.params) == ("unknown_zone", {"zone": name})
