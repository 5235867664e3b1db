"""Times of the week as people type them, and those that an account's past suggests."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import time

from app.models import BestHours
from app.when import Slot

_BETWEEN = re.compile(r"[\s,;]+")
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d\d))?(am|pm)?")
_SPACED = re.compile(r"(?<=\d)\s+(?=[ap]m\b)")


class NoTimes(ValueError):
    """These words are no times of day."""


def typed(words: str) -> list[time]:
    """Return the times of day in words such as "9:00, 13:30" or "9am 1.30pm".

    :raises NoTimes: something there is no time of day.
    """
    plain = _SPACED.sub("", words.strip().lower())
    return [_time(word) for word in _BETWEEN.split(plain) if word]


def _time(word: str) -> time:
    found = _TIME.fullmatch(word)
    if found is None:
        raise NoTimes
    hour, half = int(found[1]), found[3]
    if half and not 1 <= hour <= 12:
        raise NoTimes
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, int(found[2] or 0))
    except ValueError:
        raise NoTimes from None


def suggested(hours: BestHours | None, zone: str, known: Collection[Slot]) -> Sequence[Slot]:
    """Return the best hours of an account that are no slots of it yet, the best first.

    :param zone: its person's; hours that were found in another one say nothing.
    """
    if hours is None or not hours.enough or hours.zone != zone:
        return []
    best = [Slot(one["weekday"], time(one["hour"])) for one in hours.best]
    return [one for one in best if one not in known]
