"""What people read when a picture is not taken, and when one is not published."""

from __future__ import annotations

from collections.abc import Mapping

from flask import current_app
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

STEP = 1024
UNITS = ("KB", "MB", "GB", "TB", "PB")

_GONE = _l("This picture is no longer here. Add it again.")
_REFUSALS = {
    "picture_too_heavy": _l("This file is larger than 40 MB. Choose a smaller one."),
    "picture_unknown": _l("This is not a JPEG, PNG, GIF, WebP, HEIC or AVIF picture."),
    "picture_polyglot": _l(
        "This file is more than a picture. Export it again as a plain JPEG or PNG."
    ),
    "picture_too_many_pixels": _l(
        "This picture has too many pixels. Make it smaller: up to 50 megapixels are fine, "
        "16 for a GIF."
    ),
    "picture_broken": _l("This picture is damaged and cannot be read completely. Export it again."),
    "picture_moving": _l(
        "A moving picture must be a GIF. Export this one as a GIF, or as a picture that does not "
        "move."
    ),
    "picture_too_long": _l(
        "This GIF is too long or too large. It can have 500 frames, and 100 megapixels in all of "
        "them together. Shorten it, or make it smaller."
    ),
    "picture_gone": _GONE,
    "unknown_picture": _GONE,
    "too_many_pictures": _l("At most four pictures."),
    "too_many_waiting": _l(
        "You have added many pictures without using them. Remove some, or come back tomorrow."
    ),
    "quota": _l(
        "There is no room for this picture: yours already use %(limit)s, as much as one person "
        "may have. Remove pictures that are in no tweet, or come back later: a week after a "
        "tweet is finished, its pictures make room."
    ),
    "pictures_away": _l("Pictures cannot be stored right now. Please try again in a minute."),
    "picture_used": _l("This picture already belongs to a tweet."),
}
_OTHER = _l("Choose another picture and try again.")
PICTURE_ERRORS = {code: (words, _OTHER) for code, words in _REFUSALS.items()} | {
    "picture_refused": (_l("%(n)s refused a picture."), _OTHER),
    "picture_gone": (_l("A picture of this tweet is no longer there."), _OTHER),
    "picture_broken": (_l("A picture of this tweet cannot be read."), _OTHER),
    "picture_moves": (_l("%(n)s does not show moving pictures."), _OTHER),
    "picture_does_not_fit": (_l("A picture cannot be made small enough for %(n)s."), _OTHER),
    "alt_too_long": (
        _l("The description of a picture is too long for %(n)s."),
        _l("Shorten it and try again."),
    ),
    "pictures_gone": (_l("%(n)s has lost a picture of this tweet."), _l("We upload it again.")),
    "pictures_processing": (
        _l("%(n)s is still processing a picture of this tweet."),
        _l("It goes out when that is done."),
    ),
}
"""Message and next step for each code with which a Delivery fails over a picture.

``n`` is the title of its network, ``limit`` is ``room_for_pictures()``.
"""
_CONTENT_PROBLEMS = {
    "too_many_pictures": _l("%(network)s takes at most %(limit)s pictures with one text."),
    "picture_moves": _l(
        "%(network)s does not show moving pictures. Remove the GIF, or leave %(network)s out."
    ),
    "picture_moves_too_much": _l(
        "This GIF is too large for %(network)s, which takes %(limit)s kB. Make it shorter or "
        "smaller, or leave %(network)s out."
    ),
    "picture_moves_alone": _l(
        "On %(network)s a moving picture must be the only picture. Remove the others."
    ),
    "alt_too_long": _l(
        "%(network)s takes at most %(limit)s characters to describe a picture; one of these has "
        "%(length)s. Shorten it, or leave %(network)s out."
    ),
    "picture_twice": _l("The same picture is there twice. Remove one of them."),
}


def picture_refusal(code: str, name: str = "") -> str:
    """Return the sentence for a picture that was not taken, after the name of its file."""
    words = _REFUSALS.get(code) or _("This picture could not be used.")
    sentence: str = words % {"limit": room_for_pictures()}
    return f"{name}: {sentence}" if name else sentence


def of_contents(code: str, named: Mapping[str, object]) -> str | None:
    """Return why these pictures cannot be published together or there; None for other codes.

    :param named: the ``network``, and the ``limit`` and ``length`` that it is about.
    """
    if code == "alt_too_long" and not named.get("network"):
        return _(
            "A description can have at most %(limit)s characters; one of these has %(length)s.",
            **named,
        )
    return _CONTENT_PROBLEMS[code] % named if code in _CONTENT_PROBLEMS else None


def room_for_pictures() -> str:
    """Return how much the pictures of one person may need, in words."""
    return size_in_words(current_app.config["MAX_PICTURE_BYTES"])


def size_in_words(size: int) -> str:
    """Return a number of bytes as people say it: at most three digits and a unit."""
    number, unit = size / STEP, UNITS[0]
    for larger in UNITS[1:]:
        if round(number) < STEP:
            break
        number, unit = number / STEP, larger
    digits = 1 if 0 < number < 10 else 0
    return f"{format_decimal(round(number, digits))} {unit}"
