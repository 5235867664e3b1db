"""Adding up what many texts are about, in bounded memory."""

from __future__ import annotations

import heapq
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from app.learning.words import Key
from app.models import InterestKind

HALF_LIFE_DAYS = 120.0
"""After so long a text counts half."""
MAX_FACTOR = 3.0
"""A text with very many answers counts at most so many times as much as a usual one."""
MIN_FACTOR = 0.5
MAX_TERMS = 40_000
"""Terms that are counted at a time; when there are more, those met least are forgotten."""
MAX_FORMS = 20
KEPT = {
    InterestKind.HASHTAG: 60,
    InterestKind.TOPIC: 60,
    InterestKind.PHRASE: 30,
    InterestKind.PERSON: 50,
}
"""Interests of a person, by kind: the strongest."""
MET = {
    InterestKind.HASHTAG: 1,
    InterestKind.TOPIC: 2,
    InterestKind.PHRASE: 3,
    InterestKind.PERSON: 1,
}
"""In how many texts something must be to be an interest."""
TOGETHER = 0.25
"""Words are a phrase if at least this share of the rarer one's texts has them together."""
DAY = 86_400.0


def recency(at: datetime, now: datetime) -> float:
    """Return how much a text of a moment counts: 1 for now, half of it every ``HALF_LIFE_DAYS``.

    Clocks of networks may be wrong: what seems to come from the future counts as of now.
    """
    days = max(0.0, (now - at).total_seconds()) / DAY
    return float(0.5 ** (days / HALF_LIFE_DAYS))


def success(answers: int | None, usual: float) -> float:
    """Return how much the answers to a post count: 1 for as many as usual, or an unknown number.

    :param usual: the median of the account's own posts.
    """
    if answers is None:
        return 1.0
    relative = ((answers + 1) / (usual + 1)) ** 0.5
    return min(MAX_FACTOR, max(MIN_FACTOR, relative))


def median(numbers: Iterable[int]) -> float:
    """Return the median, 0 for none."""
    known = list(numbers)
    return float(statistics.median(known)) if known else 0.0


class Term:
    """One thing that texts are about."""

    __slots__ = ("count", "forms", "weekdays", "weight")

    def __init__(self) -> None:
        self.count = 0
        self.weight = 0.0
        self.forms: Counter[str] = Counter()
        self.weekdays: list[int] | None = None
        """Own posts about it, by day of the week from Monday on; None for none."""

    @property
    def label(self) -> str:
        """How it is written most often."""
        return max(self.forms, key=lambda form: (self.forms[form], form))

    def merge(self, other: Term) -> None:
        """Add what was counted of the same thing under another name."""
        self.count += other.count
        self.weight += other.weight
        self.forms.update(other.forms)
        if other.weekdays:
            mine = self.weekdays or [0] * 7
            self.weekdays = [one + more for one, more in zip(mine, other.weekdays, strict=True)]


class Tally:
    """What the texts of one person are about so far."""

    def __init__(self) -> None:
        self.terms: dict[Key, Term] = {}

    def add(self, terms: Mapping[Key, str], weight: float, weekday: int | None = None) -> None:
        """Count what one text is about.

        :param weekday: on which day of the week a post of the person's own was written, from 0.
        """
        for key, written in terms.items():
            term = self.terms.get(key)
            if term is None:
                term = self.terms[key] = Term()
            term.count += 1
            term.weight += weight
            if written in term.forms or len(term.forms) < MAX_FORMS:
                term.forms[written] += 1
            if weekday is not None:
                term.weekdays = term.weekdays or [0] * 7
                term.weekdays[weekday] += 1
        if len(self.terms) > MAX_TERMS:
            self._forget_rare()

    def _forget_rare(self) -> None:
        least = 1
        while len(self.terms) > MAX_TERMS // 2:
            self.terms = {key: one for key, one in self.terms.items() if one.count > least}
            least += 1

    def strongest(self) -> dict[Key, Term]:
        """Return the interests: of each kind the strongest, as many as are kept."""
        self._join_topics()
        found: dict[Key, Term] = {}
        for kind, most in KEPT.items():
            known = [
                key for key, term in self.terms.items() if key[0] == kind and self._is_one(key)
            ]
            best = heapq.nlargest(most, known, key=lambda key: (self.terms[key].weight, key))
            found |= {key: self.terms[key] for key in best}
        return {key: term for key, term in found.items() if not _is_in_longer(key, term, found)}

    def _join_topics(self) -> None:
        """Let a word that was read in both languages, which gave it two stems, be one topic."""
        first: dict[str, Key] = {}
        for key in sorted(self.terms, key=lambda key: (len(key[1]), key)):
            if key[0] != InterestKind.TOPIC:
                continue
            known = first.setdefault(self.terms[key].label.casefold(), key)
            if known != key:
                self.terms[known].merge(self.terms.pop(key))

    def _is_one(self, key: Key) -> bool:
        kind, name = key
        term = self.terms[key]
        if term.count < MET[kind]:
            return False
        if kind != InterestKind.PHRASE:
            return True
        words = name.split(" ")
        ends = [self.terms.get((InterestKind.TOPIC, word)) for word in (words[0], words[-1])]
        rarest = min((end.count for end in ends if end), default=term.count)
        return term.count >= TOGETHER * rarest


def _is_in_longer(key: Key, term: Term, found: Mapping[Key, Term]) -> bool:
    """True for a phrase that is hardly ever met outside a longer one."""
    kind, name = key
    return kind == InterestKind.PHRASE and any(
        other[0] == kind and f" {name} " in f" {other[1]} " and longer.count >= 0.8 * term.count
        for other, longer in found.items()
        if len(other[1]) > len(name)
    )
