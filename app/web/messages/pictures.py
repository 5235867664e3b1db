"""What people read when a picture is not taken, and when one is not published."""

from __future__ import annotations

from collections.abc import Mapping

from flask import current_app
from flask_babel import format_decimal
from flask_babel import gettext as _

STEP = 1024
UNITS = ("KB", "MB", "GB", "TB", "PB")


def picture_refusal(code: str, name: str = "") -> str:
    """Return the sentence for a picture that was not taken, after the name of its file."""
    sentence = _refusals().get(code) or _("This picture could not be used.")
    return f"{name}: {sentence}" if name else sentence


def of_contents(code: str, named: Mapping[str, object]) -> str | None:
    """Return why these pictures cannot be published together or there; None for other codes.

    :param named: the ``network``, and the ``limit`` and ``length`` that it is about.
    """
    sentences = {
        "too_many_pictures": _("%(network)s takes at most %(limit)s pictures with one text."),
        "picture_moves": _(
            "%(network)s does not show moving pictures. Remove the GIF, or leave %(network)s out."
        ),
        "picture_moves_too_much": _(
            "This GIF is too large for %(network)s, which takes %(limit)s kB. Make it shorter or "
            "smaller, or leave %(network)s out."
        ),
        "picture_moves_alone": _(
            "On %(network)s a moving picture must be the only picture. Remove the others."
        ),
        "alt_too_long": _(
            "%(network)s takes at most %(limit)s characters to describe a picture; one of these "
            "has %(length)s. Shorten it, or leave %(network)s out."
        ),
        "picture_twice": _("The same picture is there twice. Remove one of them."),
    }
    if code == "alt_too_long" and not named.get("network"):
        return _(
            "A description can have at most %(limit)s characters; one of these has %(length)s.",
            **named,
        )
    return sentences[code] % named if code in sentences else None


def picture_delivery_errors(network: str) -> dict[str, tuple[str, str]]:
    """Return (message, next step) for each code with which a Delivery fails over a picture."""
    other = _("Choose another picture and try again.")
    codes = {
        "picture_refused": _("%(n)s refused a picture.", n=network),
        "picture_gone": _("A picture of this tweet is no longer there."),
        "picture_broken": _("A picture of this tweet cannot be read."),
        "picture_moves": _("%(n)s does not show moving pictures.", n=network),
        "picture_does_not_fit": _("A picture cannot be made small enough for %(n)s.", n=network),
    }
    return {code: (words, other) for code, words in (_refusals() | codes).items()} | {
        "alt_too_long": (
            _("The description of a picture is too long for %(n)s.", n=network),
            _("Shorten it and try again."),
        ),
        "pictures_gone": (
            _("%(n)s has lost a picture of this tweet.", n=network),
            _("We upload it again."),
        ),
        "pictures_processing": (
            _("%(n)s is still processing a picture of this tweet.", n=network),
            _("It goes out when that is done."),
        ),
    }


def _refusals() -> dict[str, str]:
    gone = _("This picture is no longer here. Add it again.")
    return {
        "picture_too_heavy": _("This file is larger than 40 MB. Choose a smaller one."),
        "picture_unknown": _("This is not a JPEG, PNG, GIF, WebP, HEIC or AVIF picture."),
        "picture_polyglot": _(
            "This file is more than a picture. Export it again as a plain JPEG or PNG."
        ),
        "picture_too_many_pixels": _(
            "This picture has too many pixels. Make it smaller: up to 50 megapixels are fine, "
            "16 for a GIF."
        ),
        "picture_broken": _(
            "This picture is damaged and cannot be read completely. Export it again."
        ),
        "picture_moving": _(
            "A moving picture must be a GIF. Export this one as a GIF, or as a picture that does "
            "not move."
        ),
        "picture_too_long": _(
            "This GIF is too long or too large. It can have 500 frames, and 100 megapixels in all "
            "of them together. Shorten it, or make it smaller."
        ),
        "picture_gone": gone,
        "unknown_picture": gone,
        "too_many_pictures": _("At most four pictures."),
        "too_many_waiting": _(
            "You have added many pictures without using them. Remove some, or come back tomorrow."
        ),
        "quota": _no_room(),
        "pictures_away": _("Pictures cannot be stored right now. Please try again in a minute."),
        "picture_used": _("This picture already belongs to a tweet."),
    }


def _no_room() -> str:
    """Say that no further picture can be kept."""
    return _(
        "There is no room for this picture: yours already use %(limit)s, as much as one person "
        "may have. Remove pictures that are in no tweet, or come back later: a week after a "
        "tweet is finished, its pictures make room.",
        limit=size_in_words(current_app.config["MAX_PICTURE_BYTES"]),
    )


def size_in_words(size: int) -> str:
    """Return a number of bytes as people say it: at most three digits and a unit."""
    number, unit = size / STEP, UNITS[0]
    for larger in UNITS[1:]:
        if round(number) < STEP:
            break
        number, unit = number / STEP, larger
    digits = 1 if 0 < number < 10 else 0
    return f"{format_decimal(round(number, digits))} {unit}"
