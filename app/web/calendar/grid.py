"""What the page of the calendar shows: its days and hours, and what is due in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_interval, format_skeleton
from flask import get_template_attribute
from flask_babel import format_date, get_locale
from markupsafe import Markup

from app.models import calendar
from app.web.calendar.spans import AGENDA, DAYS_OF_WEEK, MONTH, Span
from app.web.context import networks
from app.web.i18n import iso_utc
from app.web.messages import label_of
from app.when import MAX_AHEAD, ONE_DAY, exists, first_in_hour, which_of_two

ByDay = Mapping[date, Sequence[calendar.CalendarEntry]]
MOST_IN_CELL = 3
"""Tweets that a day of a month, or an hour of a week, shows before "more"."""
MOST_IN_AGENDA = 100
"""Tweets after which an agenda begins no further day on its page."""
MOST_IN_LIST = 12
"""Tweets of a day that is a list beside a month or a week."""
MAX_EXCERPT = 140
MORNING = time(9)
"""When a day without a time means, as in words."""
HOURS = range(24)
MARKS = "calendar/_marks.html"


class Look(NamedTuple):
    """How entries of a kind are shown; drawn once for a page."""

    state: str
    label: str
    needs_owner: bool
    movable: bool
    classes: str
    networks: Sequence[Mapping[str, str]]
    head: Markup
    """Networks and state as they are in a line of a cell."""
    facts: Markup
    """The same in a row of a list."""


class EntryView(NamedTuple):
    """What is shown of an entry; its words are among the page's texts."""

    id: int
    due_at: str
    wall: str
    time: str
    look: Look
    url: str
    move_url: str


class Reading(NamedTuple):
    """Whose calendar it is, and when it is read."""

    now: datetime
    zone: ZoneInfo
    place: Mapping[str, Any]
    """What the page's address says beside view and date."""
    compose_at: str
    """Where tweets are written; the time is missing."""
    calendar_url: str
    """Without a view."""
    tweet_url: str
    """Of a tweet with the id 0."""
    move_url: str
    """Where it is asked to which time that is moved; what is meant of it is missing."""
    looks: dict[calendar.CalendarKind, Look]
    """What is drawn already."""

    @property
    def wall(self) -> datetime:
        """The time on clocks there, without a zone."""
        return self.now.astimezone(self.zone).replace(tzinfo=None)

    def url(self, view: str, day: date) -> str:
        """Return the address of a view."""
        return f"{self.calendar_url}?{urlencode({'view': view, 'date': day, **self.place})}"

    def compose_url(self, wall: datetime) -> str | None:
        """Return where a tweet for this time is written; None for what is past or too far."""
        if not self.wall < wall < self.wall + MAX_AHEAD - ONE_DAY or not exists(wall, self.zone):
            return None
        return f"{self.compose_at}{wall:%Y-%m-%d+%H:%M}"


def title_of(span: Span) -> str:
    """Return "November 2026", or "26 Oct – 1 Nov 2026", in the page's language."""
    locale = get_locale()
    if span.view == MONTH:
        named = str(format_skeleton("yMMMM", span.first, locale=locale))
        return named[:1].upper() + named[1:]
    if span.first == span.last:
        return long_date(span.first)
    as_here = "en_GB" if str(locale) == "en" else locale  # days come before months here
    return str(format_interval(span.first, span.last, "yMMMd", locale=as_here))


def long_date(day: date) -> str:
    """Return "Sunday 1 November 2026" in the page's language."""
    return _long_date(day, str(get_locale()))


@cache
def _long_date(day: date, language: str) -> str:
    return str(format_date(day, "EEEE d MMMM y" if language == "en" else "full"))


def weekday_names(first: date) -> list[tuple[str, str]]:
    """Return the long and the short name of each weekday, from that of a day on."""
    days = [first + number * ONE_DAY for number in range(DAYS_OF_WEEK)]
    return [(str(format_date(day, "EEEE")), str(format_date(day, "EEE"))) for day in days]


def cut_agenda(span: Span, by_day: ByDay) -> Span:
    """Return the days of an agenda that fit onto a page; the first one always does."""
    shown = 0
    for day, entries in by_day.items():
        if shown and shown + len(entries) > MOST_IN_AGENDA:
            return span._replace(last=day - ONE_DAY)
        shown += len(entries)
    return span


def days_of(span: Span, chosen: Span, by_day: ByDay, reading: Reading) -> list[dict[str, Any]]:
    """Return a view of each day from the first to the last, also of those that were skipped.

    :param chosen: days that are outside of it only fill its first and last week.
    """
    count = (span.last - span.first).days + 1
    days = [span.first + number * ONE_DAY for number in range(count)]
    return [_day_view(day, chosen, by_day.get(day), reading) for day in days]


def _day_view(
    day: date, chosen: Span, due: Sequence[calendar.CalendarEntry] | None, reading: Reading
) -> dict[str, Any]:
    today = reading.wall.date()
    return {
        "date": day.isoformat(),
        "number": day.day,
        "name": long_date(day),
        "short": str(format_date(day, "EEE d")),
        "exists": due is not None,
        "is_today": day == today,
        "is_past": day < today,
        "is_outside": not chosen.first <= day <= chosen.last,
        "due": due or (),
        "compose_url": reading.compose_url(_free_time(day, reading)),
        "month_url": reading.url(MONTH, day),
        "agenda_url": reading.url(AGENDA, day),
    }


def _free_time(day: date, reading: Reading) -> datetime:
    """Return when somebody is asked to write for a day: at nine, today in the next full hour."""
    next_hour = reading.wall.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    morning = datetime.combine(day, MORNING)
    return next_hour if next_hour.date() == day and next_hour > morning else morning


def add_entries(day: dict[str, Any], reading: Reading, most: int | None = None) -> None:
    """Give the view of a day what its list shows."""
    day["entries"] = [entry_view(entry, reading) for entry in day["due"][:most]]
    day["left"] = len(day["due"]) - len(day["entries"])


def add_few(cell: dict[str, Any], reading: Reading) -> None:
    """Give a cell what it shows, and how many more there are. What needs its owner comes first."""
    due: Sequence[calendar.CalendarEntry] = cell["due"]
    first = sorted(due, key=lambda entry: not entry.kind.needs_owner)[:MOST_IN_CELL]
    shown = sorted(first, key=lambda entry: entry.due_at)
    cell["shown"] = [entry_view(entry, reading) for entry in shown]
    cell["more"] = len(due) - len(shown)


def hours_of(days: Sequence[Mapping[str, Any]], reading: Reading) -> list[dict[str, Any]]:
    """Return the rows of a week: of each hour a cell for each day."""
    due: dict[tuple[str, int], list[calendar.CalendarEntry]] = {}
    for day in days:
        for entry in day["due"]:
            hour = entry.due_at.astimezone(reading.zone).hour
            due.setdefault((day["date"], hour), []).append(entry)
    return [
        {
            "hour": f"{hour:02}:00",
            "cells": [
                _hour_view(day, hour, due.get((day["date"], hour), []), reading) for day in days
            ],
        }
        for hour in HOURS
    ]


def _hour_view(
    day: Mapping[str, Any], hour: int, due: Sequence[calendar.CalendarEntry], reading: Reading
) -> dict[str, Any]:
    first = first_in_hour(date.fromisoformat(day["date"]), hour, reading.zone)
    cell = {
        "date": day["date"],
        "name": f"{day['name']}, {first or time(hour):%H:%M}",
        "exists": first is not None,
        "is_today": day["is_today"],
        "is_past": first is None or first <= reading.wall,
        "compose_url": first and reading.compose_url(first),
        "agenda_url": day["agenda_url"],
        "due": due,
    }
    add_few(cell, reading)
    return cell


def entry_view(entry: calendar.CalendarEntry, reading: Reading) -> EntryView:
    """Return what is shown of a tweet."""
    local = entry.due_at.astimezone(reading.zone)
    offset = which_of_two(entry.due_at, reading.zone)
    wall = local.isoformat(timespec="seconds")[:19]
    due_at, look = iso_utc(entry.due_at), reading.looks.get(entry.kind)
    if look is None:
        look = reading.looks[entry.kind] = _look(entry.kind)
    return EntryView(
        id=entry.tweet_id,
        due_at=due_at,
        wall=wall,
        time=f"{wall[11:16]} (UTC{offset})" if offset else wall[11:16],
        look=look,
        url=reading.tweet_url.replace("/0", f"/{entry.tweet_id}"),
        move_url=reading.move_url.replace("/0/", f"/{entry.tweet_id}/") + due_at,
    )


def _look(kind: calendar.CalendarKind) -> Look:
    look = Look(
        state=kind.state,
        label=label_of(kind.state),
        needs_owner=kind.needs_owner,
        movable=kind.movable,
        classes=f"net-{kind.networks[0]} is-{kind.state}"
        + (" needs-owner" if kind.needs_owner else ""),
        networks=[_network_view(name) for name in kind.networks],
        head=Markup(),
        facts=Markup(),
    )
    drawn = {name: get_template_attribute(MARKS, name)(look) for name in ("head", "facts")}
    return look._replace(**drawn)


def excerpts(days: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Return the beginnings of the words of everything that some days and hours show."""
    found = calendar.texts_of(view.id for day in days for view in _shown(day))
    return {tweet_id: _excerpt(text) for tweet_id, text in found.items()}


def _shown(day: Mapping[str, Any]) -> Iterator[EntryView]:
    yield from day.get("shown", ())
    yield from day.get("entries", ())


def _excerpt(text: str) -> str:
    words = " ".join(text[: 2 * MAX_EXCERPT].split())
    return words if len(words) <= MAX_EXCERPT else f"{words[:MAX_EXCERPT].rstrip()}…"


def _network_view(name: str) -> dict[str, str]:
    title = networks()[name].title
    return {"name": name, "title": title, "letter": title[:1]}
