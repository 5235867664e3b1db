"""What holds for text on every network: what is refused, and when two texts are the same Tweet."""

from __future__ import annotations

import contextlib
import unicodedata
from itertools import islice
from typing import Any

import regex

from app.networks.http import ascii_host
from app.networks.links import (
    LINK_LENGTH,
    MAX_URL_CHARACTERS,
    percent_encoded,
    split_url,
    top_level_domains,
    urls_in,
)

MAX_EXACT_CHARACTERS = 10_000
"""A text of so many characters is counted exactly; people read by how much it is too long."""
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


def known_tlds() -> list[str]:
    """Return the top-level domains that make ``name.tld`` a link, for the browser's counter."""
    return sorted(top_level_domains())


def clean(text: str) -> str:
    """Return ``text`` as it is stored and sent.

    NFC, LF line ends, no white space around it, and without what shows nothing: byte order marks,
    and overrides of the direction that only hold digits.
    """
    return normalised(text).strip()


def refuse_far_too_long(text: str, limit: int) -> None:
    """Refuse at once what is too long however it is counted: counting it exactly takes long.

    A link is the most that can be written for its weight, and each word weighs at least 1.

    :param limit: characters as the network counts them.
    :raises TextProblem: ``too_long``, without a ``length``.
    """
    if len(text) <= MAX_EXACT_CHARACTERS:
        return
    most = limit * MAX_URL_CHARACTERS // LINK_LENGTH
    if len(text) > most or len(text.split()) > limit:
        raise TextProblem("too_long", limit=limit)


def refuse_too_long(length: int, limit: int) -> None:
    """Raise TextProblem for a length above the limit, both as the network counts."""
    if length > limit:
        raise TextProblem("too_long", length=length, limit=limit)


def graphemes(text: str) -> int:
    """Return how many characters people see: grapheme clusters, in linear time."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many grapheme clusters; the last is … where some are left out."""
    ends = [found.end() for found in islice(_GRAPHEME.finditer(text), most + 1)]
    return text if len(ends) <= most else f"{text[: ends[most - 2]].rstrip()}…"


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


def _line_ends(text: str) -> str:
    return _LINE_END.sub("\n", text)


def _harmless(text: str) -> str:
    """Return ``text`` without characters that show nothing and change nothing."""
    return _SHOWS_NOTHING.sub("", _AROUND_DIGITS.sub(r"\1", text))


def normalised(text: str) -> str:
    """Return ``text`` in NFC with LF line ends, without what shows nothing."""
    return unicodedata.normalize("NFC", _harmless(_line_ends(text)))


def _decoded(entity: regex.Match[str]) -> str:
    return {"lt": "<", "gt": ">"}.get(entity["angle"], "&")


def _address(url: str) -> str:
    """Return one spelling for a link: X may show another scheme, script or last slash."""
    _, host, rest = split_url(url)
    with contextlib.suppress(ValueError):  # no name anybody could register stays as it is
        host = ascii_host(host)
    rest = "" if rest == "/" else percent_encoded(rest)
    return f"http://{host.lower()}{rest}"
