"""X's way with text: how long it is, what it refuses, and when two texts are the same Tweet."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import regex

from app.networks.http import ascii_host
from app.networks.links import MAX_TCO_SLUG, MAX_URL_CHARACTERS, top_level_domains, urls_in

__all__ = [
    "MAX_TCO_SLUG",
    "MAX_URL_CHARACTERS",
    "TWEET_LIMIT",
    "URL_WEIGHT",
    "WIDE_WEIGHT",
    "TextProblem",
    "allowed",
    "check",
    "clean",
    "comparable",
    "comparable_found",
    "graphemes",
    "known_tlds",
    "refuse_far_too_long",
    "urls_in",
    "weighted_length",
]

TWEET_LIMIT = 280
URL_WEIGHT = 23
COUNTED_IN_NO_TIME = 10_000
"""Characters of a text that is counted exactly, so that people read by how much it is too long."""
WIDE_WEIGHT = 2  # an emoji of any length, and every character outside the light ranges

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
# Slides, word processors and old files break lines with these.
_LINE_END = regex.compile(r"\r\n|[\r\x0B\x0C\x85\u2028\u2029]")
# A mark that files begin with shows nothing anywhere. The override around a phone number comes
# from address books, and digits look the same without it.
_SHOWS_NOTHING = regex.compile(r"\uFEFF")
_AROUND_DIGITS = regex.compile(
    r"\u202D([0-9+()\-./#*,;:\t \u00A0\u2010-\u2015\u202F\uFEFF]*+)(?:\u202C|$)", regex.MULTILINE
)
# Controls, the three code points X refuses, halves of surrogate pairs, and the two overrides
# that show letters in an order nobody typed. Embeddings and isolates stay: Arabic and Hebrew
# keyboards and phone numbers bring them, and X takes them.
_REFUSED = regex.compile(
    r"[\x00-\x08\x0B-\x1F\x7F-\x9F\u202D\u202E\uFEFF\uFFFE\uFFFF\uD800-\uDFFF]"
)
SHOWN_AROUND = 20
"""Characters on either side of one that is refused, so that people find it."""
# \X looks back over a whole run of flags at each of them: only the last of a run is left to it.
_GRAPHEME = regex.compile(r"\p{Regional_Indicator}{2}(?=\p{Regional_Indicator})|\X")
_INVISIBLE = regex.compile(r"[\s\p{Default_Ignorable_Code_Point}\p{Cf}]*+")
_ENTITY = regex.compile(r"&(?:amp;)*+(?:(?P<angle>[lg]t);)?+")
_ANY_TCO = regex.compile(r"https?://t\.co/[A-Za-z0-9]+")
_LAST_TCO = regex.compile(r"(?:^|\s)(https?://t\.co/[A-Za-z0-9]+)\s*$")
_MEDIA_PAGE = regex.compile(r"://(?:\w+\.)?(?:twitter|x)\.com/\w+/status/\d+/(?:photo|video)/\d+$")
_SCHEME = regex.compile(r"https?://", regex.IGNORECASE)
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class TextProblem(ValueError):
    """A text that cannot be published; ``code`` and ``params`` say why.

    Codes: ``empty``; ``too_long`` with ``limit`` and, unless it is far too long to be counted,
    ``length`` (weighted characters);
    ``control_characters`` with ``position`` (the first character is 0; each line end is one),
    ``code_point``, ``name`` ("" where Unicode has none), ``before`` and ``after``, a few words
    around it in one line.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def weighted_length(text: str) -> int:
    """Return the length of ``text`` as X counts it: links 23, emoji and wide characters 2."""
    text = _normalised(text)
    length, done = 0, 0
    for start, end, _ in urls_in(text):
        length += _prose_length(text[done:start]) + URL_WEIGHT
        done = end
    return length + _prose_length(text[done:])


def _prose_length(text: str) -> int:
    rest, emojis = _EMOJI.subn("", text)
    return emojis * WIDE_WEIGHT + len(rest) + len(_WIDE.findall(rest)) * (WIDE_WEIGHT - 1)


def known_tlds() -> list[str]:
    """Return the top-level domains that make ``name.tld`` a link, for the browser's counter."""
    return sorted(top_level_domains())


def clean(text: str) -> str:
    """Return ``text`` as it is stored and sent.

    NFC, LF line ends, no white space around it, and without what shows nothing: byte order marks,
    and overrides of the direction that only hold digits.
    """
    return _normalised(text).strip()


def check(text: str, limit: int = TWEET_LIMIT) -> str:
    """Return the cleaned text.

    :param limit: the most weighted characters the network takes.
    :raises TextProblem: it is empty, too long, or has characters that must not be sent.
    """
    cleaned = allowed(text)
    refuse_far_too_long(cleaned, limit)
    length = weighted_length(cleaned)
    if length > limit:
        raise TextProblem("too_long", length=length, limit=limit)
    return cleaned


def refuse_far_too_long(text: str, limit: int) -> None:
    """Refuse at once what is too long however it is counted: counting it exactly takes long.

    A link is the most that can be written for its weight, and each word weighs at least 1.

    :param limit: characters as the network counts them.
    :raises TextProblem: ``too_long``, without a ``length``.
    """
    if len(text) <= COUNTED_IN_NO_TIME:
        return
    most = limit * MAX_URL_CHARACTERS // URL_WEIGHT
    if len(text) > most or len(text.split()) > limit:
        raise TextProblem("too_long", limit=limit)


def graphemes(text: str) -> int:
    """Return how many characters people see: grapheme clusters, in linear time."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def allowed(text: str) -> str:
    """Return the cleaned text, however long it is.

    :raises TextProblem: it is empty, or has characters that must not be sent.
    """
    written = _line_ends(text)
    if _REFUSED.search(_harmless(written)):
        raise _control_character(written)
    cleaned = clean(text)
    if _INVISIBLE.fullmatch(cleaned):
        raise TextProblem("empty")
    return cleaned


def _control_character(written: str) -> TextProblem:
    """Return the refusal that says which character is in the way, and where it was written."""
    safe = {found.start() for found in _AROUND_DIGITS.finditer(written)}
    refused = next(
        found
        for found in _REFUSED.finditer(written)
        if found[0] != "\ufeff" and found.start() not in safe
    )
    start, end = refused.span()
    return TextProblem(
        "control_characters",
        position=start,
        code_point=f"U+{ord(refused[0]):04X}",
        name=unicodedata.name(refused[0], ""),
        before=_in_one_line(written[max(0, start - SHOWN_AROUND) : start]),
        after=_in_one_line(written[end : end + SHOWN_AROUND]),
    )


def _in_one_line(words: str) -> str:
    return " ".join(_REFUSED.sub("\N{REPLACEMENT CHARACTER}", words).split())


def comparable(text: str) -> str:
    """Return the form in which a sent text and the one X shows are equal.

    NFC, white space trimmed, ``&amp; &lt; &gt;`` decoded however often they were encoded, and
    each link as ``http://`` with its host in small ASCII letters, because X shows the link
    ``example.com`` as ``http://example.com``. It errs towards equal: a Tweet taken for missing
    would be sent twice.
    """
    text = clean(_ENTITY.sub(_decoded, _line_ends(text)))
    parts, done = [], 0
    for start, end, url in urls_in(text):
        parts += [text[done:start], _address(url)]
        done = end
    return clean("".join([*parts, text[done:]]))


def comparable_found(text: str, urls: Iterable[Mapping[str, Any]]) -> str:
    """Return ``comparable`` of a text as X's API answers it.

    :param urls: the post's ``entities.urls``: each t.co link becomes its ``expanded_url`` again;
        a last one that only stands for the post's media is removed.
    """
    known = {str(url.get("url")): url for url in urls}
    last = _LAST_TCO.search(text)
    if last is not None and _stands_for_media(known.get(last[1])):
        text = text[: last.start()]

    def expanded(link: regex.Match[str]) -> str:
        return str(known.get(link[0], {}).get("expanded_url") or link[0])

    return comparable(_ANY_TCO.sub(expanded, text))


def _line_ends(text: str) -> str:
    return _LINE_END.sub("\n", text)


def _harmless(text: str) -> str:
    """Return ``text`` without characters that show nothing and change nothing."""
    return _SHOWS_NOTHING.sub("", _AROUND_DIGITS.sub(r"\1", text))


def _normalised(text: str) -> str:
    return unicodedata.normalize("NFC", _harmless(_line_ends(text)))


def _decoded(entity: regex.Match[str]) -> str:
    return {"lt": "<", "gt": ">"}.get(entity["angle"], "&")


def _stands_for_media(url: Mapping[str, Any] | None) -> bool:
    """A link without an entity was added by X itself; one that a person wrote always has one."""
    if url is None or url.get("media_key"):
        return True
    if "display_url" in url:
        return str(url["display_url"]).startswith(("pic.twitter.com/", "pic.x.com/"))
    return bool(_MEDIA_PAGE.search(str(url.get("expanded_url"))))


def _address(url: str) -> str:
    """Return one spelling for a link: X may answer another scheme, script or last slash."""
    bare = _SCHEME.sub("", url, count=1)
    host = regex.split(r"[/?#:]", bare, maxsplit=1)[0]
    rest = bare[len(host) :]
    with contextlib.suppress(ValueError):  # no name anybody could register stays as it is
        host = ascii_host(host)
    rest = "" if rest == "/" else quote(rest, safe=_PRINTABLE_ASCII, errors="surrogatepass")
    return f"http://{host.lower()}{rest}"
