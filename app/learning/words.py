"""What a text is about: its hashtags, words, phrases and the people it names. English and Spanish.

Words are told apart by their stems, and words that say nothing by themselves ("the", "pero") are
left out; both come from lists in packages. Of languages that write no spaces between words only
hashtags and people are found. Links are no words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import regex

from app.models import InterestKind

MAX_READ = 2_000
"""Characters of one text that are read."""
MAX_WORD = 40
MIN_WORD = 3
LANGUAGES = {"en": "english", "es": "spanish"}
MAX_KNOWN_STEMS = 20_000
"""Stems that one reader keeps; most words come again."""

Key = tuple[InterestKind, str]
"""What all ways of writing the same thing share."""

_LINK = regex.compile(r"(?:https?://|www\.)\S++", regex.IGNORECASE)
_MENTION = regex.compile(
    r"(?<![\p{L}\p{N}_/@.#])@([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
    r"(?:@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)?)"
)
_HASHTAG = regex.compile(
    r"(?<![\p{L}\p{N}_&/])[#＃](?=[\p{L}\p{M}\p{N}_]*\p{L})([\p{L}\p{M}\p{N}_]++)"
)
_ADDRESS = regex.compile(r"[^\s@]++@[^\s@]++|[\p{L}\p{N}-]++(?:\.[\p{L}\p{N}-]++)++(?:/\S*+)?")
"""An e-mail address, or a domain without a scheme."""
_END_OF_PHRASE = regex.compile(r"[^\p{L}\p{M}\p{N}'’\- \t]+")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*")
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
)
_DIGIT = regex.compile(r"\p{N}")


class Word(NamedTuple):
    """A word as it stands in a text; ``stem`` is None for one that says nothing by itself."""

    written: str
    stem: str | None


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the words of a language that say nothing by themselves, in lower case."""
    import stopwordsiso  # here: a process that reads no words saves 7 MiB

    return frozenset(stopwordsiso.stopwords(language))


@cache
def _all_stop_words() -> frozenset[str]:
    return frozenset().union(*(stop_words(language) for language in LANGUAGES))


class WordReader:
    """Reads texts of one person; for one thread, as stemmers are."""

    def __init__(self, language: str | None = None) -> None:
        """Read what could be in either language as this one; by default as English."""
        import snowballstemmer  # here: as above, 3 MiB

        self._usual = language if language in LANGUAGES else "en"
        self._stemmers = {
            language: snowballstemmer.stemmer(name) for language, name in LANGUAGES.items()
        }
        self._stems: dict[tuple[str, str], str] = {}

    def terms(self, text: str) -> dict[Key, str]:
        """Return everything that a text is about, each once: how it is written there."""
        found: dict[Key, str] = {}
        rest = _LINK.sub("\n", text[:MAX_READ])
        for handle in _MENTION.findall(rest):
            found.setdefault(person(handle), f"@{handle}")
        rest = _MENTION.sub("\n", rest)
        for tag in _HASHTAG.findall(rest):
            if len(tag) <= MAX_WORD:
                found.setdefault((InterestKind.HASHTAG, tag.casefold()), f"#{tag}")
        rest = _ADDRESS.sub("\n", _HASHTAG.sub("\n", rest))
        language = self.language_of(rest)
        for part in _END_OF_PHRASE.split(rest):
            words = [self._word(written, language) for written in _WORD.findall(part)]
            for key, label in _topics_and_phrases(words):
                found.setdefault(key, label)
        return found

    def language_of(self, text: str) -> str:
        """Return the language that more of a text's small words are in; the usual one if none."""
        words = _WORD.findall(text.casefold())
        counts = {
            language: sum(word in stop_words(language) for word in words) for language in LANGUAGES
        }
        most = max(counts.values())
        return self._usual if counts[self._usual] == most else max(counts, key=counts.__getitem__)

    def stem(self, word: str, language: str) -> str:
        """Return what the forms of a word share, in lower case."""
        known = self._stems.get((language, word))
        if known is None:
            if len(self._stems) >= MAX_KNOWN_STEMS:
                self._stems.clear()
            known = self._stems[language, word] = self._stemmers[language].stemWord(word)
        return known

    def _word(self, written: str, language: str) -> Word:
        plain = written.casefold().replace("’", "'").removesuffix("'s")
        written = written.removesuffix("'s").removesuffix("’s")
        fits = MIN_WORD <= len(plain) <= MAX_WORD and plain not in _all_stop_words()
        says_something = fits and 2 * len(_DIGIT.findall(plain)) <= len(plain)
        if not says_something or _UNSPACED.search(plain):
            return Word(written, None)
        return Word(written, self.stem(plain, language))


def person(handle: str) -> Key:
    """Return the key of whoever has a handle."""
    return InterestKind.PERSON, handle.casefold()


def _topics_and_phrases(words: Sequence[Word]) -> Iterator[tuple[Key, str]]:
    """Yield words that say something, and two or three in a row from one such to another."""
    for at, first in enumerate(words):
        if first.stem is None:
            continue
        yield (InterestKind.TOPIC, first.stem), first.written
        for length in (2, 3):
            phrase = words[at : at + length]
            if len(phrase) == length and phrase[-1].stem is not None:
                key = " ".join(one.stem or one.written.casefold() for one in phrase)
                yield (InterestKind.PHRASE, key), " ".join(one.written for one in phrase)
