"""Text on Mastodon: how long it is, and when a post carries what was sent."""

from __future__ import annotations

import html
from collections.abc import Iterator

import nh3
import regex

from app.networks import text
from app.networks.base import Limits
from app.networks.links import MASTODON_RULES, MAX_URL_CHARACTERS, urls_in
from app.networks.text import TextProblem

SINCE_2020 = {
    "cpa", "kids", "llp", "music", "spa", "merck", "amazon", "アマゾン", "亚马逊",
    "xn--cckwcxetd", "xn--jlq480n2rg", "ລາວ", "xn--q7ce6a", "ישראל", "xn--4dbrk0ce",
    "موريتانيا", "xn--mgbah1a3hjkrd",
}  # fmt: skip
"""Top-level domains that are younger than Mastodon's list."""

_LETTERS = regex.compile(r"[\p{L}\p{M}\u200D]++")
_CLUSTER = regex.compile(r"\X")
_JOINED = regex.compile(r"\p{M}\u200D?\p{Lo}")
"""Two letters that newer versions of Unicode count as one, and servers with older ones as two."""
_MENTION = regex.compile(
    r"(?<![=/\w])@(?P<user>[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?)"
    r"(?P<host>@[\p{L}\p{N}_](?:[\p{L}\p{N}_.\-]*[\p{L}\p{N}_])?(?::[0-9]++)?)?"
)
_AMPERSANDS = regex.compile(r"&(?:amp;)++")
_UNSEEN = regex.compile(r"\p{Default_Ignorable_Code_Point}++")
_MAY_BE_A_LINK = regex.compile(
    rf"https?://(?:(?!https?://)\S){{0,{MAX_URL_CHARACTERS}}}+", regex.IGNORECASE
)
_TAG = regex.compile(r"</?(?P<name>[A-Za-z0-9]*+)[^<>]*+>")
_BREAKS = frozenset({"br", "p", "div", "li", "blockquote", "pre", "ul", "ol"})
MAX_TAGS = 2_000
"""Of one post; to understand tags that are nested deeply takes long."""
_EMPTY_LINES = regex.compile(r"\n{3,}+")


def check(written: str, limits: Limits) -> None:
    """Raise TextProblem for a text that a server with these limits does not take."""
    cleaned = text.allowed(written)
    count = _code_points_up_to if limits.unit == "codepoints" else _length_up_to
    text.refuse_too_long(count(cleaned, limits), limits.characters)


def _code_points_up_to(cleaned: str, limits: Limits) -> int:
    text.refuse_too_long(len(cleaned), limits.characters)  # it counts at least as many
    return code_points(cleaned, limits.link_length)


def _length_up_to(cleaned: str, limits: Limits) -> int:
    text.refuse_far_too_long(cleaned, limits.characters)
    if len(cleaned) > text.MAX_EXACT_CHARACTERS and _least(cleaned) > limits.characters:
        raise TextProblem("too_long", limit=limits.characters)
    return length(cleaned, limits.link_length)


def _least(written: str) -> int:
    """Return a lower bound of the length, quickly: whatever may be a link counts 0.

    It would be too high only for a mention whose server has a name of thousands of letters.
    """
    return text.graphemes(_MENTION.sub(r"@\g<user>", _MAY_BE_A_LINK.sub("", written)))


def length(written: str, link_length: int | None) -> int:
    """Return how many characters Mastodon counts.

    :param link_length: what a link with a scheme counts, however long it is; None: all of it.
    """
    parts, done = [], 0
    for start, end, url in _links(written):
        if link_length is not None and not _is_unknown(url):
            parts += [written[done:start], "x" * link_length]
            done = end
    counted = _MENTION.sub(r"@\g<user>", "".join([*parts, written[done:]]))
    return text.graphemes(counted) + _joined(counted)


def _joined(written: str) -> int:
    """Return how many clusters more there are for an older Unicode."""
    if _JOINED.search(written) is None:
        return 0
    clusters = (one for run in _LETTERS.findall(written) for one in _CLUSTER.findall(run))
    return sum(len(_JOINED.findall(one)) for one in clusters)


def code_points(written: str, link_length: int | None) -> int:
    """Return the length of a text for servers that are not Mastodon: the most that any counts.

    :param link_length: what it reserves for a link with a scheme; a longer one counts whole.
    """
    shorter = (max(0, (link_length or 0) - len(url)) for _, _, url in _links(written))
    return len(written) + sum(shorter)


def _links(written: str) -> Iterator[tuple[int, int, str]]:
    if "://" not in written:
        return
    for start, end, url in urls_in(written, MASTODON_RULES):
        if url[:8].lower().startswith(("http://", "https://")):
            yield start, end, url


def _is_unknown(url: str) -> bool:
    """Whether Mastodon sees no link there: its list of top-level domains is of 2020."""
    host = regex.split(r"[/?#:]", url.partition("//")[2], maxsplit=1)[0]
    return host.rpartition(".")[2].lower() in SINCE_2020


def comparable(written: str) -> str:
    """Return the form in which what was sent and what a server shows are equal.

    White space is one space, for the HTML of a post keeps no more; a mention has no host, for
    servers show people without. Entities are decoded, and characters that are not seen left out:
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


def readable(content: str) -> str:
    """Return a post's HTML as plain text, with an empty line between paragraphs."""
    start = "<".join(content.split("<", MAX_TAGS)[:MAX_TAGS])
    kept = nh3.clean(start, tags=set(_BREAKS), attributes={})
    lines = _TAG.sub(lambda tag: "\n" if tag["name"] in {"br", "li"} else "\n\n", kept)
    return _EMPTY_LINES.sub("\n\n", html.unescape(lines)).strip()
