"""Mastodon's way with text: how long it is, and when a post carries what was sent."""

from __future__ import annotations

import html
from collections.abc import Iterable

import regex

from app.networks import text
from app.networks.base import Limits
from app.networks.links import MAX_URL_CHARACTERS, urls_in
from app.networks.text import TextProblem

_MENTION = regex.compile(
    r"(?<![=/\w])@(?P<user>[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?)"
    r"(?P<host>@[\p{L}\p{N}_](?:[\p{L}\p{N}_.\-]*[\p{L}\p{N}_])?(?::[0-9]++)?)?"
)
_MAY_BE_A_LINK = regex.compile(
    rf"https?://(?:(?!https?://)\S){{0,{MAX_URL_CHARACTERS}}}+", regex.IGNORECASE
)
_TAG = regex.compile(r"</?(?P<name>[A-Za-z0-9]*+)[^<>]*+>")
_BREAKS = frozenset({"br", "p", "div", "li", "blockquote", "pre", "ul", "ol"})


def check(written: str, limits: Limits) -> None:
    """Raise TextProblem for a text that a server with these limits does not take."""
    cleaned = text.allowed(written)
    text.refuse_far_too_long(cleaned, limits.characters)
    if len(cleaned) > text.COUNTED_IN_NO_TIME and _least(cleaned) > limits.characters:
        raise TextProblem("too_long", limit=limits.characters)
    counted = length(cleaned, limits.link_length)
    if counted > limits.characters:
        raise TextProblem("too_long", length=counted, limit=limits.characters)


def _least(written: str) -> int:
    """Return a length that the exact one is never below: all that may be a link counts 0.

    Unless a mention's server has a name of thousands of letters, which no server has.
    """
    return text.graphemes(_MENTION.sub(r"@\g<user>", _MAY_BE_A_LINK.sub("", written)))


def length(written: str, link_length: int | None) -> int:
    """Return how many characters Mastodon counts.

    :param link_length: what a link with a scheme counts, however long it is; None: all of it.
    """
    parts, done = [], 0
    for start, end, url in urls_in(written) if "://" in written else []:
        if link_length is not None and url[:8].lower().startswith(("http://", "https://")):
            parts += [written[done:start], "x" * link_length]
            done = end
    counted = _MENTION.sub(r"@\g<user>", "".join([*parts, written[done:]]))
    return text.graphemes(counted)


def comparable(written: str, pictures: Iterable[str]) -> str:
    """Return the form in which what was sent and what a server shows are equal.

    White space is one space, for the HTML of a post keeps no more; a mention has no host, for
    people are shown without. Text with the number of its pictures; no text: their ids.
    """
    named = _MENTION.sub(lambda found: f"@{found['user'].lower()}", written)
    words = " ".join(text.comparable(named).split())
    ids = sorted(pictures)
    return f"{words} [{len(ids)}]" if words else "pictures " + ",".join(ids)


def plain(content: str) -> str:
    """Return the words of a post's HTML; of a link, also what is hidden from the eye.

    In linear time, whatever a server sends, which the standard library's parser does not promise.
    """
    return html.unescape(_TAG.sub(_break, content))


def _break(tag: regex.Match[str]) -> str:
    return "\n" if tag["name"].lower() in _BREAKS else ""
