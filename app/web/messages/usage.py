"""How much of what one may have somebody has, in words."""

from __future__ import annotations

from flask import current_app
from flask_babel import format_decimal
from flask_babel import gettext as _

from app.models import quota

STEP = 1024
UNITS = ("KB", "MB", "GB", "TB", "PB")


def in_words(user_id: int) -> list[str]:
    """Return a sentence about each quota of somebody: how much of it is used."""
    config = current_app.config
    return [
        _(
            "Waiting tweets: %(used)s of %(limit)s.",
            used=format_decimal(quota.waiting_tweets(user_id)),
            limit=format_decimal(config["MAX_WAITING_TWEETS"]),
        ),
        _(
            "Pictures: %(used)s of %(limit)s.",
            used=size_in_words(quota.picture_bytes(user_id)),
            limit=size_in_words(config["MAX_PICTURE_BYTES"]),
        ),
    ]


def size_in_words(size: int) -> str:
    """Return a number of bytes as people say it: at most three digits and a unit."""
    number, unit = size / STEP, UNITS[0]
    for larger in UNITS[1:]:
        if round(number) < STEP:
            break
        number, unit = number / STEP, larger
    digits = 1 if 0 < number < 10 else 0
    return f"{format_decimal(round(number, digits))} {unit}"


def too_many_waiting(limit: int) -> str:
    """Say that no further tweet can wait."""
    return _(
        "%(limit)s of your tweets wait already, and more cannot. Cancel some, or come back when "
        "some are out.",
        limit=format_decimal(limit),
    )


def no_room_for_pictures() -> str:
    """Say that no further picture can be kept."""
    return _(
        "There is no room for this picture: yours take up %(limit)s, as much as one person may "
        "have. Remove some that no tweet has, or come back later: a week after a tweet is over, "
        "its pictures make room.",
        limit=size_in_words(current_app.config["MAX_PICTURE_BYTES"]),
    )
