"""A moment as people read it, in their language and time zone. A leaf but for ``when``."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from app.when import which_of_two


@lru_cache(maxsize=2_000)
def exact(moment: datetime, zone: ZoneInfo, locale: Any, seconds: bool = True) -> str:
    """Return "Wed 14 Oct 2026, 16:05:09 (Europe/Berlin)" in a language.

    ``when.understand`` reads it as the same second. A time that comes twice that night has its
    offset beside the zone.

    Kept, because the same moments are shown again whenever somebody looks at a list.

    :param locale: a locale of Babel's, or its name.
    :param seconds: False leaves them out where they are none.
    """
    local = moment.astimezone(zone)
    clock = "HH:mm:ss" if seconds or local.second else "HH:mm"
    text: str = format_datetime(local, f"EEE d MMM y, {clock}", locale=locale)
    offset = which_of_two(moment, zone)
    return f"{text} ({zone.key}, UTC{offset})" if offset else f"{text} ({zone.key})"
