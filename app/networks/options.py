"""What the posts of a network can have beyond their text.

Each network's own ``options.py`` says what there is, with the network's own names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Given = Mapping[str, Any]
"""What somebody has set: values by the name of the option."""
Shown = Sequence[tuple[str, int]]
"""Of each part, the text and the number of pictures."""
_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv "
    "cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho "
    "hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku "
    "kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn "
    "no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm "
    "sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi "
    "vo wa wo xh yi yo za zh zu"
)
LANGUAGES = tuple(_CODES.split())
"""The codes of ISO 639-1."""


class Value(NamedTuple):
    """One value of a choice, and what pages call it; they translate that."""

    word: str
    label: str


@dataclass(frozen=True, slots=True)
class Poll:
    """What a poll may be."""

    duration: str
    """The field that says how long it runs."""
    seconds: int
    """Of one unit of that field."""
    shortest: int
    longest: int
    """In that unit."""
    answers: int = 4
    """At most; at least two."""
    characters: int = 50
    """Of one answer."""
    flags: tuple[str, ...] = ()
    """Its fields that are true or false."""
    length: Callable[[str], int] = len
    """How an answer is counted."""

    @property
    def most(self) -> dict[str, int]:
        """The limits, as programs see them."""
        return {
            "options": self.answers,
            "characters": self.characters,
            f"min_{self.duration}": self.shortest,
            f"max_{self.duration}": self.longest,
        }


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that a post can have."""

    name: str
    """The network's own."""
    kind: str
    """``choice``, ``choices``, ``language``, ``languages``, ``text``, ``boolean``, ``poll``,
    ``link`` (a web address) or ``post`` (the address of one)."""
    label: str
    """What pages call it; they translate that."""
    values: tuple[Value, ...] = ()
    """Of a choice."""
    default: Any = None
    """What holds where nothing is set, if that is known."""
    limit: int | None = None
    """At most so many characters, or values."""
    source: str = "network"
    """Who says it: the ``network``, or the account's own ``server``."""
    poll: Poll | None = None
    alone: str = ""
    """A value of several that stands for itself: no other goes with it."""

    @property
    def words(self) -> tuple[str, ...] | None:
        """The values that are accepted, None where there are too many to list."""
        if self.kind in {"language", "languages"}:
            return LANGUAGES
        return tuple(value.word for value in self.values) or None


class OptionProblem(ValueError):
    """An option that a post cannot have; ``code`` and ``params`` say why.

    ``params`` have the ``name`` of the option, and ``field`` where it was set for an account.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
