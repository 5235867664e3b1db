"""What was shown is what is stored: words that drift with the clock, and words that do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.when import as_shown, understand

MADRID = ZoneInfo("Europe/Madrid")
SHOWN = datetime(2026, 11, 28, 22, 55, 0, 400_000, UTC)  # 23:55:00 in Madrid


@pytest.mark.parametrize(
    "words",
    ["in one hour", "en dos horas", "in 3 days", "in 20 minutes", "in a week", "en media hora"],
)
@pytest.mark.parametrize("late", [1, 59, 122, 899])
def test_words_that_drift_keep_what_was_shown(words: str, late: int) -> None:
    """Within a quarter of an hour, also over midnight."""
    shown_at = understand(words, MADRID, SHOWN).at
    moment, is_as_shown = as_shown(words, shown_at, MADRID, SHOWN + timedelta(seconds=late))
    assert (moment.at, is_as_shown) == (shown_at, True)


@pytest.mark.parametrize(
    ("words", "late"),
    [
        ("tomorrow at 9", 301),
        ("mañana a las 9", 301),
        ("at 23:57", 200),
        ("in one hour", 902),
        ("in 1 minute", 61),
        ("in 20 minutes", 86_400),
    ],
)
def test_what_they_mean_no_more_is_asked(words: str, late: int) -> None:
    """Another day, a moment that has passed meanwhile, or too long ago: the new one is returned."""
    now = SHOWN + timedelta(seconds=late)
    shown_at = understand(words, MADRID, SHOWN).at
    moment, is_as_shown = as_shown(words, shown_at, MADRID, now)
    assert not is_as_shown
    assert moment == understand(words, MADRID, now)


@pytest.mark.parametrize("words", ["tomorrow at 9", "2026-12-24 18:00", "in one hour"])
@pytest.mark.parametrize("off", [-3600, -60, 2, 3600])
def test_a_moment_that_was_never_shown(words: str, off: int) -> None:
    """Words for a moment on the clock must mean just that; drift is backwards alone."""
    if words == "in one hour" and off == -60:
        return  # that is a minute of drift
    meant = understand(words, MADRID, SHOWN).at
    assert not as_shown(words, meant + timedelta(seconds=off), MADRID, SHOWN)[1]


def test_nothing_shown_and_now() -> None:
    """Without it the words count; now is always now."""
    assert as_shown("in one hour", None, MADRID, SHOWN)[1]
    assert as_shown("now", SHOWN - timedelta(minutes=3), MADRID, SHOWN) == (
        understand("now", MADRID, SHOWN),
        True,
    )
