"""How X counts and rewrites the text of a Tweet (docs: X counting rules)."""

import html
import random
import re
import string
import sys
import unicodedata
from importlib.resources import files
from types import ModuleType
from typing import Any

MAX_WEIGHT = 280
# Counting takes quadratic time; whatever is longer is refused without it.
MAX_CHARACTERS = 2_000
ANYTHING = random.SystemRandom()
SLUG_ALPHABET = string.ascii_letters + string.digits
CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")

HASHTAG = re.compile(r"(?<![\w&/#])#(\w*[^\W\d_]\w*)")
MENTION = re.compile(r"(?<![\w@/])@(\w{1,15})(?!\w)")

RESOURCES = "pkg_resources"


def _resource_string(module: str, name: str) -> bytes:
    """The bytes of a file beside ``module``."""
    return files(module.rpartition(".")[0]).joinpath(name).read_bytes()


def _import_parser() -> Any:
    """Import the parser that counts Tweets as X does, without setuptools.

    twitter-text-parser reads its table of emoji through ``pkg_resources``, which setuptools no
    longer has. The one function that it needs comes from the standard library, for the import.
    """
    stand_in = ModuleType(RESOURCES)
    vars(stand_in)["resource_string"] = _resource_string
    kept = sys.modules.get(RESOURCES)
    sys.modules[RESOURCES] = stand_in
    try:
        import twitter_text
    finally:
        del sys.modules[RESOURCES]
        if kept is not None:
            sys.modules[RESOURCES] = kept
    return twitter_text


_parser = _import_parser()
extract_urls_with_indices = _parser.extract_urls_with_indices
parse_tweet = _parser.parse_tweet


def normalise(text: str) -> str:
    """``text`` as X keeps it: NFC, Unix line ends, no white space around."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def weight(text: str) -> int:
    """The weighted length: links 23, emoji 2, most scripts 1, the rest 2 per character."""
    if len(text) > MAX_CHARACTERS:
        return len(text)
    return int(parse_tweet(text).weightedLength)


def has_invalid_characters(text: str) -> bool:
    """Whether ``text`` holds one of the three code points that X refuses."""
    return any(character in text for character in "\ufffe\ufeff\uffff")


def cashtags(text: str) -> list[str]:
    """The cashtags in ``text``; self-serve apps may use one per Tweet."""
    return CASHTAG.findall(text)


def wrap_links(text: str, chance: random.Random = ANYTHING) -> tuple[str, list[dict[str, Any]]]:
    """``text`` as the API returns it, and the ``entities.urls`` that tell the links apart.

    Every link becomes a t.co one, ``&``, ``<`` and ``>`` become HTML entities; the indices count
    code points of the returned text. ``chance`` makes up the t.co links.
    """
    shown, urls, done = "", [], 0
    for found in extract_urls_with_indices(text):
        start, end = found["indices"]
        shown += _escape(text[done:start])
        short = _short_link(chance)
        urls.append(_entity(found["url"], short, len(shown)))
        shown += short
        done = end
    return shown + _escape(text[done:]), urls


def with_picture_link(
    shown: str, urls: list[dict[str, Any]], media_id: str, chance: random.Random = ANYTHING
) -> tuple[str, list[dict[str, Any]]]:
    """``shown`` and its links with the one that X adds for pictures."""
    short = _short_link(chance)
    start = len(shown) + 1 if shown else 0
    link = {
        "start": start,
        "end": start + len(short),
        "url": short,
        "expanded_url": f"https://x.com/i/status/{media_id}/photo/1",
        "display_url": f"pic.x.com/{short[-10:]}",
        "media_key": f"3_{media_id}",
    }
    return f"{shown} {short}".strip(), [*urls, link]


def expand_links(shown: str, urls: list[dict[str, Any]]) -> str:
    """What a person reads: the returned text with the links they wrote and no HTML entities."""
    for url in urls:
        shown = shown.replace(url["url"], url["display_url"])
    return html.unescape(shown)


def tags_in(shown: str) -> dict[str, list[dict[str, Any]]]:
    """The ``hashtags`` and ``mentions`` of a text that X returns, for its entities."""
    found = {
        "hashtags": [(tag, {"tag": tag[1]}) for tag in HASHTAG.finditer(shown)],
        "mentions": [(name, {"username": name[1]}) for name in MENTION.finditer(shown)],
    }
    return {
        kind: [{"start": match.start(), "end": match.end()} | facts for match, facts in matches]
        for kind, matches in found.items()
        if matches
    }


def _short_link(chance: random.Random) -> str:
    return "https://t.co/" + "".join(chance.choice(SLUG_ALPHABET) for _ in range(10))


def _entity(written: str, short: str, start: int) -> dict[str, Any]:
    has_scheme = re.match(r"https?://", written, re.IGNORECASE)
    return {
        "start": start,
        "end": start + len(short),
        "url": short,
        "expanded_url": written if has_scheme else f"http://{written}",
        "display_url": re.sub(r"^https?://(www\.)?", "", written, flags=re.IGNORECASE),
    }


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
