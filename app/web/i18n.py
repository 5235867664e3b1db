"""Languages and the user's time zone in pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import TIMEDELTA_UNITS, format_timedelta
from flask import Flask, g, request
from flask_babel import Babel, get_locale, get_translations
from flask_login import current_user
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from app import shown_times
from app.db import utcnow

LOCALES = {"en": "English", "es": "Español"}
UNIT_USED_FROM = 0.9
"""The part of a unit that must be there for a time to be said in it: 54 minutes are "1 hour"."""

_NEVER = 1e9
"""The part of a larger unit from which it would be used instead of the one that is asked for."""


def init_app(app: Flask) -> None:
    """Choose the language by person, else by browser; add the time filters."""
    Babel(app, locale_selector=lambda: _locale(choose_locale()))
    app.add_template_filter(exact_time, "localtime")
    app.add_template_filter(relative_time, "reltime")
    app.add_template_filter(iso_utc, "isoutc")
    app.add_template_global(get_locale, "get_locale")
    app.context_processor(translations)


def translations() -> dict[str, Any]:
    """Return ``_`` and ``ngettext`` for one page: the language is asked for once, and so is each
    sentence. As in all templates, what is filled in is escaped and ``%`` is written ``%%``.
    """
    translations = get_translations()

    @cache
    def looked_up(sentence: str) -> Markup:
        return Markup(translations.ugettext(sentence))

    @cache
    def plain(sentence: str) -> Markup:
        return looked_up(sentence) % {}

    def translated(sentence: str, **values: Any) -> Markup:
        return looked_up(sentence) % values if values else plain(sentence)

    def counted(one: str, many: str, num: int, **values: Any) -> Markup:
        return Markup(translations.ungettext(one, many, num)) % {"num": num, **values}

    return {"_": translated, "ngettext": counted}


def prefer(locale: str | None, accepted: str = "") -> None:
    """Use a person's language, so that the user need not be loaded to know it.

    :param locale: what they have chosen, None for nothing.
    :param accepted: what their browser says that it accepts (``Accept-Language``).
    """
    g.preferred_locale = _chosen_or_best(locale, accepted)


def choose_locale() -> str:
    """Return the person's language, else the browser's."""
    if "preferred_locale" in g:
        return str(g.preferred_locale)
    chosen = current_user.locale if current_user.is_authenticated else None
    return _chosen_or_best(chosen, request.headers.get("Accept-Language", ""))


def _chosen_or_best(chosen: str | None, accepted: str) -> str:
    return chosen if chosen in LOCALES else _best_for(accepted)


@cache
def _locale(name: str) -> Locale:
    """Return Babel's own object, which it would look for in its files each time."""
    return Locale.parse(name)


@lru_cache(maxsize=256)
def _best_for(accepted: str) -> str:
    """Return which of ours suits a browser best, by what it says that it accepts."""
    languages = parse_accept_header(accepted, LanguageAccept)
    return languages.best_match(list(LOCALES)) or "en"


def exact_time(moment: datetime, shown_in: ZoneInfo | None = None, seconds: bool = True) -> str:
    """Return "Wed 14 Oct 2026, 16:05:09 (Europe/Berlin)" in the page's language.

    :param shown_in: the zone; by default the person's own.
    :param seconds: False leaves them out where they are none.
    """
    if shown_in is None:
        shown_in = current_user.zone if current_user.is_authenticated else ZoneInfo("UTC")
    return shown_times.exact(moment, shown_in, get_locale(), seconds)


def relative_time(moment: datetime) -> str:
    """Return "in 2 hours" or "5 minutes ago" in the page's language."""
    difference = moment - utcnow()
    seconds = difference.days * 86_400 + difference.seconds
    unit, size = next(
        (one for one in TIMEDELTA_UNITS if abs(seconds) / one[1] >= UNIT_USED_FROM),
        TIMEDELTA_UNITS[-1],
    )
    count = round(abs(seconds) / size)
    return _in_words(-count if seconds < 0 else count, unit, size, str(get_locale()))


@lru_cache(maxsize=1_000)
def _in_words(count: int, unit: Any, size: int, locale: str) -> str:
    """Return a time from now in one unit; kept, because a page has many and few of them differ."""
    away = timedelta(seconds=count * size)
    return format_timedelta(away, unit, _NEVER, add_direction=True, locale=locale)


def iso_utc(moment: datetime) -> str:
    """Return "2026-10-14T14:05:09.250Z"."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
