"""How a series looks to programs and pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.models import Account
from app.models import series as rows
from app.planning import repeating
from app.web.context import networks
from app.web.i18n import exact_time, iso_utc
from app.web.messages import series as sentences

SHOWN_IN_LISTS = 3
"""Next times of each series in a list."""
MAX_ON_A_PAGE = 40


def plain(series: rows.Series, most: int = repeating.MAX_SHOWN) -> dict[str, Any]:
    """Return a series as programs see it.

    :param most: of its next times.
    """
    zone = series.zone
    return {
        "id": series.id,
        "rrule": series.rrule,
        "start": series.start,
        "timezone": series.timezone,
        "text": series.parts[0]["text"],
        "parts": series.parts,
        "variants": {key: {"parts": own} for key, own in series.contents["variants"].items()},
        "options": series.contents["options"],
        "accounts": series.account_ids,
        "missed": series.missed,
        "next": [
            {
                "due_at": iso_utc(one.due_at),
                "local": one.due_at.astimezone(zone).isoformat(timespec="seconds"),
                "tweet_id": one.tweet_id,
                "note": sentences.gap_note() if one.note else None,
            }
            for one in repeating.coming(series, most)
        ],
    }


def warnings_of(accounts: Sequence[Account]) -> list[dict[str, str]]:
    """Return what a network may refuse: X a text that it had before."""
    if any(account.network == "x" for account in accounts):
        return [{"code": "identical_text", "message": sentences.identical_text()}]
    return []


def card(series: rows.Series, most: int = MAX_ON_A_PAGE) -> dict[str, Any]:
    """Return what pages show of a series."""
    coming = repeating.coming(series, most)
    return {
        "id": series.id,
        "text": series.parts[0]["text"],
        "rule": sentences.in_words(series.rrule, series.starts, series.zone),
        "zone": series.timezone,
        "missed": sentences.missed_note(series.missed) if series.missed else None,
        "handles": [
            {"handle": one.handle, "title": networks()[one.network].title}
            for one in repeating.accounts_of(series)
        ],
        "next": [
            {
                "at": one.due_at,
                "since": iso_utc(one.due_at),
                "exact": exact_time(one.due_at, series.zone, seconds=False),
                "tweet_id": one.tweet_id,
                "note": sentences.gap_note() if one.note else None,
            }
            for one in coming
        ],
    }
