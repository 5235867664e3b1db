"""Mastodon's way with text: how long it is, and when a post carries what was sent."""

from __future__ import annotations

import html
import sys

import regex

from app.networks import text
from app.networks.base import Limits
from app.networks.links import urls_in
from app.networks.text import TextProblem

_GRAPHEME = regex.compile(r"\X")
_MENTION = regex.compile(
    r"(?<![=/\w])@(?P<user>[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?)"
    r"(?P<host>@[\p{L}\p{N}_](?:[\p{L}\p{N}_.\-]*[\p{L}\p{N}_])?(?::[0-9]++)?)?"
)
_AMPERSANDS = regex.compile(r"&(?:amp;)++")
_UNSEEN = regex.compile(r"\p{Default_Ignorable_Code_Point}++")
_TAG = regex.compile(r"</?(?P<name>[A-Za-z0-9]*+)[^<>]*+>")
_BREAKS = frozenset({"br", "p", "div", "li", "blockquote", "pre", "ul", "ol"})


def check(written: str, limits: Limits) -> None:
    """Raise TextProblem for a text that a server with these limits does not take."""
    cleaned = text.check(written, limit=sys.maxsize)
    counted = length(cleaned, limits.link_length)
    if counted > limits.characters:
        raise TextProblem("too_long", length=counted, limit=limits.characters)


def length(written: str, link_length: int | None) -> int:
    """Return how many characters Mastodon counts.

    :param link_length: what a link with a scheme counts, however long it is; None: all of it.
    """
    parts, done = [], 0
    for start, end, url in urls_in(written):
        if link_length is not None and url[:8].lower().startswith(("http://", "https://")):
            parts += [written[done:start], "x" * link_length]
            done = end
    counted = _MENTION.sub(r"@\g<user>", "".join([*parts, written[done:]]))
    return sum(1 for _ in _GRAPHEME.finditer(counted))


def comparable(written: str) -> str:
    """Return the form in which what was sent and what a server shows are equal.

    White space is one space, for the HTML of a post keeps no more; a mention has no host, for
    people are shown without. Entities are what they stand for, and what nobody sees is left out:
    some servers write quotes as entities, others drop joiners and variation selectors. It errs
    towards equal: a post taken for missing would be sent twice.
    """
    told = html.unescape(_AMPERSANDS.sub("&", written))
    named = _MENTION.sub(lambda found: f"@{found['user'].lower()}", _UNSEEN.sub("", told))
    return " ".join(text.comparable(named).split())


def plain(content: str) -> str:
    """Return the words of a post's HTML; of a link, also what is hidden from the eye.

    In linear time, whatever a server sends, which the standard library's parser does not promise.
    """
    return html.unescape(_TAG.sub(_break, content))


def _break(tag: regex.Match[str]) -> str:
    return "\n" if tag["name"].lower() in _BREAKS else ""
