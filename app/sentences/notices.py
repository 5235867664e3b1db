"""What people are told of what happened while they were away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app import shown_times
from app.models import NoticeKind
from app.sentences.delivery import access_ended, delivery_error, hold_error

Facts = Mapping[str, Any]
"""Of a notice: ``kind``, ``title`` (of the network), ``handle``, ``words`` (how the text begins),
``cause``, ``code``, ``ends_at`` (ISO 8601), ``counts``; what does not apply is left out."""


def told(facts: Facts, zone: ZoneInfo) -> str:
    """Return one notice in full: which tweet, what happened, what to do.

    :param zone: the reader's.
    """
    happened, step = reason(facts, zone)
    headline = _headline(facts)
    return " ".join(sentence for sentence in (headline, happened, step) if sentence)


def _headline(facts: Facts) -> str:
    """Return which tweet it is about, and on which account; "" for what is about no tweet."""
    words = facts.get("words") or _("A tweet")
    named = {"words": words, "handle": facts["handle"], "network": facts["title"]}
    if facts["kind"] == NoticeKind.FAILED:
        return _("“%(words)s” was not published by @%(handle)s on %(network)s.", **named)
    if facts["kind"] == NoticeKind.HELD:
        return _("“%(words)s” waits, for @%(handle)s on %(network)s.", **named)
    if facts["kind"] == NoticeKind.REVIEW:
        return _("“%(words)s” may be out, by @%(handle)s on %(network)s.", **named)
    if facts["kind"] == NoticeKind.PUBLISHED:
        return _("“%(words)s” was published by @%(handle)s on %(network)s.", **named)
    return ""


def reason(facts: Facts, zone: ZoneInfo) -> tuple[str, str]:
    """Return what happened and what to do about it, each a sentence or two, or nothing."""
    kind, network, handle = facts["kind"], facts["title"], facts["handle"]
    if kind == NoticeKind.HELD:
        _code, waits, step = hold_error(facts["cause"], network, handle, facts.get("code"))
        return waits, step
    if kind == NoticeKind.ACCESS_ENDED:
        return access_ended(handle), _("Connect the account again. Its waiting tweets go out then.")
    if kind == NoticeKind.ACCESS_ENDING:
        return _ending(handle, facts["ends_at"], zone)
    if kind == NoticeKind.PUBLISHED:
        return "", ""
    if kind == NoticeKind.DIGEST:
        return _week(facts["counts"]), ""
    return delivery_error(facts["cause"] or None, network)


def _ending(handle: str, ends_at: str, zone: ZoneInfo) -> tuple[str, str]:
    known = datetime.fromisoformat(ends_at)
    moment = shown_times.exact(known, zone, get_locale(), seconds=False)
    ends = _(
        "Access to @%(handle)s ends on %(moment)s, before a tweet is due.",
        handle=handle,
        moment=moment,
    )
    return ends, _("Connect the account again before then.")


def _week(counts: Mapping[str, int]) -> str:
    """Return a week in numbers."""
    published, failed = counts["published"], counts["failed"]
    waiting, scheduled = counts["waiting"], counts["scheduled"]
    sentences = (
        _("Your week:"),
        ngettext("%(num)s tweet went out,", "%(num)s tweets went out,", published),
        ngettext("%(num)s failed,", "%(num)s failed,", failed),
        ngettext("%(num)s waits for you,", "%(num)s wait for you,", waiting),
        ngettext("%(num)s is scheduled.", "%(num)s are scheduled.", scheduled),
    )
    return " ".join(sentences)
