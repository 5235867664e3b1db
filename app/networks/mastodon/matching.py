"""Whether a post that a server shows is what we sent: surely, perhaps, or not.

Servers change what they are given: pictures get other ids in a post, links become pictures, quotes
become entities. A published post that is not recognised would be sent again, so where it is likely
and not sure, its owner is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from app import untrusted
from app.networks.base import Body
from app.networks.mastodon import text
from app.networks.mastodon.posts import DESCRIPTIONS, SENT_AT

MARKUP_FACTOR = 60
"""How many times longer the HTML of a post may be than its words: many short links."""
LEEWAY_CHARACTERS = 2_000
FAR_TOO_LONG = "\N{REPLACEMENT CHARACTER}"
"""Stands for the words of a post that is far longer than all that is looked for."""
CLOSE = (timedelta(minutes=2), timedelta(minutes=10))
"""How far before and after the first try a post may be dated that is recognised by its time."""
NEAR = (timedelta(minutes=15), timedelta(minutes=30))
"""The same for a post whose source is worth a call; both clocks may be wrong."""


class Likeness(IntEnum):
    """How sure a comparison is."""

    OTHER = 0
    LIKELY = 1
    SAME = 2


@dataclass(frozen=True)
class Sought:
    """What a look-up wants to know about one body."""

    comparable: str
    words: str
    pictures: tuple[str, ...]
    descriptions: tuple[str, ...]
    sent_at: datetime | None
    warning: str = ""

    @classmethod
    def of(cls, body: Body) -> Sought:
        """Return what is compared of a body; older ones have neither descriptions nor a time."""
        pictures = tuple(str(one) for one in body.get("media_ids") or ())
        told = body.get(SENT_AT)
        return cls(
            comparable_of(body),
            text.comparable(body.get("status") or ""),
            pictures,
            tuple(body.get(DESCRIPTIONS) or [""] * len(pictures)),
            datetime.fromisoformat(told) if told else None,
            _warning_of(body),
        )

    def is_within(self, span: tuple[timedelta, timedelta], moment: datetime | None) -> bool:
        """Whether a post of this moment is dated so near the first try; true if unknown."""
        if moment is None or self.sent_at is None:
            return True
        before, after = span
        return self.sent_at - before <= moment <= self.sent_at + after


@dataclass(frozen=True)
class Shown:
    """A post as the list of a server shows it."""

    words: str
    pictures: tuple[str, ...]
    descriptions: tuple[str, ...]
    created_at: datetime | None
    warning: str = ""

    @classmethod
    def of(cls, status: Mapping[str, Any], created_at: datetime | None, longest: int) -> Shown:
        """Return what is compared of a post.

        :param longest: how long the words are that are looked for.
        """
        media = status.get("media_attachments") or []
        content = str(status.get("content") or "")
        fits = len(content) <= MARKUP_FACTOR * longest + LEEWAY_CHARACTERS
        return cls(
            _comparable(text.plain(content), longest) if fits else FAR_TOO_LONG,
            tuple(str(untrusted.identifier(one["id"])) for one in media),
            tuple(_trimmed(one.get("description")) for one in media),
            created_at,
            _comparable(str(status.get("spoiler_text") or ""), longest),
        )


def name_of(shown: Shown) -> str:
    """Return what a post is called that is none of those that are looked for."""
    return f"{shown.words} behind {shown.warning}" if shown.warning else shown.words


def comparable_of(body: Body) -> str:
    """Return the name of what is looked for: the words, or the pictures where there are none.

    With the warning, where it has one: the same words behind another are another post.
    """
    words = text.comparable(body.get("status") or "")
    if warning := _warning_of(body):
        return f"{words} behind {warning}"
    return words or "pictures " + ",".join(sorted(map(str, body.get("media_ids") or ())))


def likeness(sought: Sought, shown: Shown, source: Callable[[], str]) -> Likeness:
    """Compare. The same words behind another warning may be it: servers change what they are given.

    :param source: returns what was typed as the server kept it, "" where it does not tell; asked
        only about posts that may well be it.
    """
    alike = _likeness_of_contents(sought, shown, source)
    if alike == Likeness.OTHER or sought.warning == shown.warning:
        return alike
    return Likeness.LIKELY if sought.is_within(NEAR, shown.created_at) else Likeness.OTHER


def _likeness_of_contents(sought: Sought, shown: Shown, source: Callable[[], str]) -> Likeness:
    if not sought.words:
        return _likeness_of_pictures(sought, shown)
    same_words = sought.words == shown.words
    if same_words and len(sought.pictures) == len(shown.pictures):
        return Likeness.SAME
    if not same_words and not _of_like_length(sought, shown):
        return Likeness.OTHER
    typed = _comparable(source(), len(sought.words))
    if typed == sought.words:
        return Likeness.SAME  # a server may make pictures of links, or leave one out
    is_likely = same_words and sought.is_within(NEAR, shown.created_at)
    return Likeness.LIKELY if is_likely else Likeness.OTHER


def _likeness_of_pictures(sought: Sought, shown: Shown) -> Likeness:
    """Recognise a post of pictures only: by their ids, else by number, description and time."""
    if shown.words or len(sought.pictures) != len(shown.pictures):
        return Likeness.OTHER
    if sorted(sought.pictures) == sorted(shown.pictures):
        return Likeness.SAME
    if not sought.is_within(CLOSE, shown.created_at):
        return Likeness.OTHER
    same = tuple(map(_trimmed, sought.descriptions)) == shown.descriptions
    return Likeness.SAME if same and sought.sent_at is not None else Likeness.LIKELY


def _of_like_length(sought: Sought, shown: Shown) -> bool:
    """Whether a post may be what was sent in other words: near its time and about as long."""
    if not sought.is_within(NEAR, shown.created_at):
        return False
    one, other = len(sought.words), len(shown.words)
    return abs(one - other) <= max(12, max(one, other) // 3)


def _comparable(written: str, longest: int) -> str:
    """Return the form that is compared; FAR_TOO_LONG for a text that cannot be it.

    Finding links takes time, and a server may send millions of them.
    """
    if len(written) > 2 * longest + LEEWAY_CHARACTERS:
        return FAR_TOO_LONG
    return text.comparable(written)


def _warning_of(body: Body) -> str:
    return text.comparable(body.get("spoiler_text") or "")


def _trimmed(description: Any) -> str:
    return " ".join(str(description or "").split())


def sought_of(bodies: Sequence[Body]) -> list[Sought]:
    """Return what is looked for, each once."""
    return list({one.comparable: one for one in map(Sought.of, bodies)}.values())
