"""Text on Bluesky: how long it is, and what in it can be clicked.

Bluesky makes nothing clickable by itself: a post says with byte offsets what is a link, a mention
or a tag (docs/networks/bluesky.md). How much fits is ``LIMITS`` in posts.py.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import regex

from app.networks import text
from app.networks.base import Limits
from app.networks.links import addresses_in
from app.networks.text import TextProblem

MAX_TAG_GRAPHEMES = 64
MAX_TAG_BYTES = 640
MAX_HANDLE_CHARACTERS = 253

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_MENTION = regex.compile(
    rf"(?<![\p{{Latin}}\p{{N}}_@＠/.\-])[@＠]"
    rf"(?P<handle>(?>{_LABEL}(?:\.{_LABEL})++))(?![A-Za-z0-9_@\-])"
)
# U+FE0F after the sign makes it a picture of a key.
_TAG = regex.compile(
    r"(?<![\w#＃&/])[#＃](?!\uFE0F)(?P<tag>[^\s#＃,;!?()\[\]{}<>\"“”„«»、。，！？；：「」『』（）]++)"
)

Span = tuple[int, int, dict[str, str]]


def check(written: str, limits: Limits) -> None:
    """Raise TextProblem for a text that Bluesky does not take.

    Beside the codes of ``app.networks.text``: ``too_many_bytes`` with ``length`` and ``limit``,
    for a text of so many joined marks or pictures that it is too large although it looks short.
    """
    cleaned = text.allowed(written)
    text.refuse_far_too_long(cleaned, limits.characters)
    text.refuse_too_long(text.graphemes(cleaned), limits.characters)
    size = len(cleaned.encode())
    if limits.bytes is not None and size > limits.bytes:
        raise TextProblem("too_many_bytes", length=size, limit=limits.bytes)


def mentions(written: str) -> list[str]:
    """Return every handle that is mentioned, once, in small letters, in order."""
    return list(dict.fromkeys(handle for _, _, handle in _mentioned(written)))


def facets(written: str, dids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what in the text can be clicked, in order and without overlaps.

    :param dids: the DID of each mentioned handle that exists, by handle in small letters; other
        mentions stay plain text.
    """
    found: list[Span] = [*_links(written), *_named(written, dids), *_tags(written)]
    kept: list[Span] = []
    for span in sorted(found, key=lambda span: span[0]):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return [
        {
            "index": {"byteStart": _bytes(written[:start]), "byteEnd": _bytes(written[:end])},
            "features": [feature],
        }
        for start, end, feature in kept
    ]


def first_link(written: str) -> str | None:
    """Return where the first link of the text leads, as its facet says; None without one."""
    features = (facet["features"][0] for facet in facets(written, {}))
    return next((feature["uri"] for feature in features if "uri" in feature), None)


def _bytes(written: str) -> int:
    return len(written.encode("utf-8", "surrogatepass"))


def _links(written: str) -> list[Span]:
    return [
        (start, end, {"$type": "app.bsky.richtext.facet#link", "uri": uri})
        for start, end, uri in addresses_in(written)
    ]


def _mentioned(written: str) -> Iterable[tuple[int, int, str]]:
    for match in _MENTION.finditer(written):
        handle = match["handle"].lower()
        if len(handle) <= MAX_HANDLE_CHARACTERS and handle.rpartition(".")[2][0].isalpha():
            yield match.start(), match.end(), handle


def _named(written: str, dids: Mapping[str, str]) -> list[Span]:
    return [
        (start, end, {"$type": "app.bsky.richtext.facet#mention", "did": dids[handle]})
        for start, end, handle in _mentioned(written)
        if handle in dids
    ]


def _tags(written: str) -> list[Span]:
    found: list[Span] = []
    for match in _TAG.finditer(written):
        tag = _without_last_marks(match["tag"])
        is_word = any(unicodedata.category(character)[0] in "LS" for character in tag)
        if is_word and text.graphemes(tag) <= MAX_TAG_GRAPHEMES and _bytes(tag) <= MAX_TAG_BYTES:
            end = match.start("tag") + len(tag)
            found.append((match.start(), end, {"$type": "app.bsky.richtext.facet#tag", "tag": tag}))
    return found


def _without_last_marks(tag: str) -> str:
    while tag and unicodedata.category(tag[-1])[0] == "P":
        tag = tag[:-1]
    return tag
