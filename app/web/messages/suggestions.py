"""What people read about suggestions: why each is made, and the words that it begins with."""

from __future__ import annotations

from datetime import date, timedelta

from babel.dates import format_date
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.learning import Found
from app.models import InterestKind, Reason, SuggestionKind
from app.sentences import shortened

MAX_QUOTED = 140
"""Characters of somebody else's post that are quoted."""
MAX_LABEL = 60
MONDAY = date(2026, 1, 5)

_STARTERS = (
    _l("What I learned about %(label)s this week: "),
    _l("A question about %(label)s: "),
    _l("What I wish I had known earlier about %(label)s: "),
    _l("A small tip about %(label)s: "),
    _l("What I like about %(label)s: "),
)
_ABOUT_PEOPLE = (
    _l("What I learned from %(label)s: "),
    _l("Something by %(label)s that is worth reading: "),
)


def label_of(found: Found) -> str:
    """Return what a suggestion is about, in a few words."""
    return found.label or shortened(found.text, MAX_LABEL)


def starter_of(found: Found, number: int) -> str:
    """Return the words for the composer.

    :param number: which of several beginnings; any number.
    """
    if found.kind == SuggestionKind.POST:
        return found.text
    if found.kind == SuggestionKind.LIKE:
        quoted = _("“%(words)s”", words=shortened(found.text, MAX_QUOTED))
        return f"{quoted}\n{found.url}" if found.url else quoted
    is_person = found.interest_kind == InterestKind.PERSON
    starters = _ABOUT_PEOPLE if is_person else _STARTERS
    return str(starters[number % len(starters)] % {"label": found.label})


def reason_of(found: Found, ago: str) -> str:
    """Return why something is suggested, in one sentence.

    :param ago: when it was written, in words.
    """
    label = found.label
    if found.reason == Reason.WEEKDAY:
        return _weekly(label, int(found.facts["weekday"]))
    if found.reason == Reason.DID_WELL:
        return _("This did well %(ago)s: say it again?", ago=ago)
    if found.reason == Reason.WROTE:
        return _("You wrote this %(ago)s.", ago=ago)
    if found.reason == Reason.LIKED:
        if found.author:
            return _("You liked this post of @%(author)s.", author=found.author)
        return _("You liked this post.")
    if found.reason == Reason.HOBBY:
        return _("%(label)s is one of your hobbies.", label=label)
    if found.reason == Reason.PINNED:
        return _("You pinned %(label)s.", label=label)
    if found.reason == Reason.OFTEN:
        return _("You often write about %(label)s.", label=label)
    return _("%(label)s is one of your interests.", label=label)


def _weekly(label: str, weekday: int) -> str:
    day = format_date(MONDAY + timedelta(days=weekday - 1), "EEEE", locale=get_locale())
    days = day if day.endswith("s") else f"{day}s"  # Mondays, but "los lunes"
    return _("You often write about %(label)s on %(days)s.", label=label, days=days)
