"""How X counts text, and how a post of its timeline is compared with what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import regex

from app.networks.links import LINK_LENGTH, MAX_TCO_SLUG, MAX_URL_CHARACTERS, urls_in
from app.networks.text import allowed, comparable, normalised, refuse_far_too_long, refuse_too_long

MAX_WEIGHTED_LENGTH = 280
WIDE_WEIGHT = 2  # an emoji of any length, and every character outside the light ranges
X_COUNTING: Mapping[str, int] = {
    "urlWeight": LINK_LENGTH,
    "wideWeight": WIDE_WEIGHT,
    "maxUrlCharacters": MAX_URL_CHARACTERS,
    "maxTcoSlug": MAX_TCO_SLUG,
}
"""What a page needs to count as X does."""

_WIDE = regex.compile(r"[^\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]")
# The signs © and ® are pictures only with a variation selector.
_PICTURE = (
    r"(?:\p{Emoji_Modifier_Base}\p{Emoji_Modifier}"
    r"|(?![©®](?!\uFE0F))\p{Extended_Pictographic}\uFE0F?+)"
)
# No emoji joins more than four pictures: without a bound a chain of any length would weigh 2.
_EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}"
    r"|[0-9#*]\uFE0F?\u20E3"
    r"|\U0001F3F4[\U000E0030-\U000E0039\U000E0061-\U000E007A]{3,6}\U000E007F"
    rf"|{_PICTURE}(?:\u200D{_PICTURE}){{0,3}}+"
)
_LAST_TCO = regex.compile(r"(?:^|\s)(https?://t\.co/[A-Za-z0-9]+)\s*$")
_MEDIA_PAGE = regex.compile(r"://(?:\w+\.)?(?:twitter|x)\.com/\w+/status/\d+/(?:photo|video)/\d+$")

_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_ENTITY = regex.compile("|".join(_ENTITIES))
"""All that X writes as entities."""


def check(text: str, limit: int = MAX_WEIGHTED_LENGTH) -> str:
    """Return the cleaned text.

    :param limit: the most weighted characters the network takes.
    :raises TextProblem: it is empty, too long, or has characters that must not be sent.
    """
    cleaned = allowed(text)
    refuse_far_too_long(cleaned, limit)
    refuse_too_long(weighted_length(cleaned), limit)
    return cleaned


def weighted_length(text: str) -> int:
    """Return the length of ``text`` as X counts it: links 23, emoji and wide characters 2."""
    text = normalised(text)
    length, done = 0, 0
    for start, end, _ in urls_in(text):
        length += _prose_length(text[done:start]) + LINK_LENGTH
        done = end
    return length + _prose_length(text[done:])


def _prose_length(text: str) -> int:
    rest, emojis = _EMOJI.subn("", text)
    return emojis * WIDE_WEIGHT + len(rest) + len(_WIDE.findall(rest)) * (WIDE_WEIGHT - 1)


def comparable_found(text: str, urls: Iterable[Mapping[str, Any]]) -> str:
    """Return ``comparable`` of a text as X's API shows it.

    :param urls: the post's ``entities.urls``: each t.co link becomes its ``expanded_url`` again;
        a last one that only stands for the post's media is removed.
    """
    return comparable(_expanded(text, urls))


def readable(text: str, urls: Iterable[Mapping[str, Any]]) -> str:
    """Return a text as it was typed, from how X's API shows it.

    :param urls: as of ``comparable_found``.
    """
    # Before links are put in: what looks like an entity there is part of an address.
    return _expanded(_ENTITY.sub(lambda found: _ENTITIES[found[0]], text), urls).strip()


def _expanded(text: str, urls: Iterable[Mapping[str, Any]]) -> str:
    """Return the text with each t.co link as its ``expanded_url``, and without its media's."""
    known = {str(url.get("url")): url for url in urls}
    last = _LAST_TCO.search(text)
    if last is not None and _stands_for_media(known.get(last[1])):
        text = text[: last.start()]

    def expanded(link: regex.Match[str]) -> str:
        return str(known[link[0]].get("expanded_url") or link[0])

    # The links that X names, and not whatever looks like one: letters may follow without a space.
    links = "|".join(regex.escape(url) for url in sorted(known, key=len, reverse=True) if url)
    return regex.sub(links, expanded, text) if links else text


def _stands_for_media(url: Mapping[str, Any] | None) -> bool:
    """A link without an entity was added by X itself; one that a person wrote always has one."""
    if url is None or url.get("media_key"):
        return True
    if "display_url" in url:
        return str(url["display_url"]).startswith(("pic.twitter.com/", "pic.x.com/"))
    return bool(_MEDIA_PAGE.search(str(url.get("expanded_url"))))
