"""The calendar's address: JSON for programs, a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, pgettext
from flask_login import current_user, login_required

from app.db import utcnow
from app.models import Account, calendar
from app.web import rate_limits, schemas
from app.web.calendar import grid
from app.web.calendar.spans import AGENDA, MONTH, VIEWS, WEEK, Span, span_of
from app.web.context import networks
from app.web.errors import wants_json
from app.web.i18n import iso_utc
from app.web.tweets import lists
from app.when import bounds, days_from, local_day, usual_week_start

bp = Blueprint("calendar", __name__)


@bp.get("/calendar")
@rate_limits.reads
@login_required
def show() -> ResponseReturnValue:
    """Show what is due in a month, in a week, or from a day on."""
    asked = schemas.query(schemas.calendar_calls.CalendarQuery)
    accounts = lists.accounts_of_reader()
    meant = [one for one in accounts if asked.account in {None, one.id}]
    if asked.account is not None and not meant:
        abort(404)
    week_start = week_start_of_reader()
    day = date.fromisoformat(asked.date) if asked.date else _today()
    span = span_of(asked.view or MONTH, day, week_start)
    if wants_json():
        return jsonify(_as_json(span, week_start, due_in(span, meant)))
    page = span.in_whole_weeks(week_start) if span.view == MONTH else span
    shown = _page(span, page, day, due_in(page, meant), asked.account)
    return render_template("calendar/calendar.html", choices=_choices(accounts), **shown)


def _today() -> date:
    return local_day(utcnow(), current_user.zone)


def week_start_of_reader() -> int:
    """Return the first day of the person's week, 1 for Monday to 7 for Sunday."""
    chosen: int | None = current_user.week_start
    return chosen or usual_week_start(current_user.zone, str(get_locale()))


def due_in(span: Span, accounts: Sequence[Account]) -> grid.ByDay:
    """Return what is due for these accounts on each day of a span that there is, in that order."""
    zone, networks_of = current_user.zone, {one.id: one.network for one in accounts}
    by_day: dict[date, list[calendar.CalendarEntry]] = {
        day: [] for day in days_from(span.first, span.last, zone)
    }
    for entry in calendar.entries(networks_of, *bounds(span.first, span.last, zone)):
        by_day.get(local_day(entry.due_at, zone), []).append(entry)
    return by_day


def _as_json(span: Span, week_start: int, by_day: grid.ByDay) -> dict[str, Any]:
    zone = current_user.zone
    texts = calendar.texts_of(one.tweet_id for entries in by_day.values() for one in entries)
    return {
        "view": span.view,
        "from": span.first.isoformat(),
        "to": span.last.isoformat(),
        "timezone": zone.key,
        "week_start": week_start,
        "days": [
            {
                "date": day.isoformat(),
                "tweets": [_tweet_as_json(one, zone, texts) for one in entries],
            }
            for day, entries in by_day.items()
        ],
    }


def _tweet_as_json(
    entry: calendar.CalendarEntry, zone: ZoneInfo, texts: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "id": entry.tweet_id,
        "text": texts.get(entry.tweet_id, ""),
        "due_at": iso_utc(entry.due_at),
        "local": entry.due_at.astimezone(zone).isoformat(),
        "state": entry.kind.state,
        "networks": entry.kind.networks,
        "movable": entry.kind.movable,
    }


def _page(
    span: Span, page: Span, day: date, by_day: grid.ByDay, account_id: int | None
) -> dict[str, Any]:
    """Return what the page shows.

    :param page: the days that are on it: of a month also those that fill its weeks.
    """
    if span.view == AGENDA:
        span = page = grid.cut_agenda(span, by_day)
    place = {"account": account_id} if account_id else {}
    here = urlencode({"view": span.view, "date": day, **place})
    reading = grid.Reading(
        now=utcnow(),
        zone=current_user.zone,
        place=place,
        compose_at=url_for("tweets.index", when=""),
        calendar_url=url_for("calendar.show"),
        tweet_url=url_for("tweets.show", tweet_id=0),
        move_url=f"{url_for('actions.move', tweet_id=0)}?{here}&due_at=",
        looks={},
    )
    days = grid.days_of(page, span, by_day, reading)
    chosen = next((one for one in days if one["date"] == day.isoformat()), None)
    for one in days:
        if span.view == MONTH:
            grid.add_few(one, reading)
        if span.view != MONTH or one is chosen:
            most = None if span.view == AGENDA else grid.MOST_IN_LIST
            grid.add_entries(one, reading, most)
    hours = grid.hours_of(days, reading) if span.view == WEEK else []
    cells = [cell for hour in hours for cell in hour["cells"]]
    return {
        "view": span.view,
        "title": grid.title_of(span),
        "tabs": [(name, label, reading.url(name, day)) for name, label in _labels().items()],
        "earlier_url": reading.url(span.view, span.earlier) if _has(span.earlier) else None,
        "later_url": reading.url(span.view, span.later) if _has(span.later) else None,
        "today_url": reading.url(span.view, _today()),
        "today": _today().isoformat(),
        "day": day.isoformat(),
        "account_id": account_id,
        "weekdays": grid.weekday_names(page.first),
        "days": days,
        "hours": hours,
        "texts": grid.excerpts([*days, *cells]),
        "chosen": chosen,
        "is_empty": not any(by_day.values()),
    }


def _has(day: date) -> bool:
    """Return whether the calendar has this day's year."""
    return day.year in schemas.YEARS


def _labels() -> dict[str, str]:
    names = (pgettext("view", "Month"), pgettext("view", "Week"), pgettext("view", "Agenda"))
    return dict(zip(VIEWS, names, strict=True))


def _choices(accounts: Sequence[Account]) -> list[tuple[int, str, str]]:
    """Return the accounts to choose from: id, handle and network."""
    return [(one.id, f"@{one.handle}", networks()[one.network].title) for one in accounts]
