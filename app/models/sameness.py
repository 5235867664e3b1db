"""When two texts are the same, and when they are nearly the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NEARLY = 90.0
"""How alike two texts are that are nearly the same, of 100."""
COMPARED = 1_000
"""Characters of a text that are looked at to tell whether another one is nearly the same."""
_TELLING = re.compile(r"\d|\w[./]\w")
"""What makes a word telling: a number in it, or what links have."""
_NO_DIGITS = re.compile(r"\D+")
_AROUND = ".,:;!?…()[]\"'“”‘’«»¡¿"


def text_key(text: str) -> str:
    """Return what texts that are the same share: case, white space and Unicode form aside."""
    return hashlib.blake2b(_plain(text).encode(), digest_size=16).hexdigest()


def key_of(parts: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the ``text_key`` of all that an account publishes; None for pictures without words.

    :param parts: as in ``Tweet.parts``.
    """
    words = "\n".join(part["text"] for part in parts)
    return text_key(words) if words.strip() else None


def nearest(text: str, others: Iterable[tuple[int, str]]) -> int | None:
    """Return the id of the first of these texts that is nearly the same, None without one.

    A text with another number or another link says something else: "Episode 41", "Episode 42".
    """
    from rapidfuzz import fuzz, process  # loaded where they are used: not every process compares

    known = list(others)
    plain = [_plain(other[:COMPARED]) for _key, other in known]
    alike = process.extract(
        _plain(text[:COMPARED]), plain, scorer=fuzz.ratio, score_cutoff=NEARLY, limit=None
    )
    said = text[:COMPARED]
    digits, telling = _digits(said), _telling(said)
    for place in sorted(place for _words, _score, place in alike):
        key, other = known[place][0], known[place][1][:COMPARED]
        # Most differ in a number, and to compare the digits takes a fraction of the time.
        if digits == _digits(other) and telling == _telling(other):
            return key
    return None


def _plain(text: str) -> str:
    if text.isascii():
        return " ".join(text.lower().split())
    words = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return unicodedata.normalize("NFC", words)


def _telling(text: str) -> list[str]:
    """Return the numbers and links of a text, in order."""
    return [word.strip(_AROUND) for word in text.split() if _TELLING.search(word)]


def _digits(text: str) -> str:
    return _NO_DIGITS.sub("", text)
