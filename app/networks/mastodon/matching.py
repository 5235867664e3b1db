"""Whether a post that a server shows is what we sent: surely, perhaps, or not.

Servers change what they are given: pictures get other ids in a post, links become pictures, quotes
become entities. A post that is there and is not recognised would be sent again, so what is likely
and not sure is a question to its owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from app import untrusted as words
from app.networks.base import Body
from app.networks.mastodon import text

SENT_AT = "sent_at"
"""When the first try of a body began, ISO 8601; stays here."""
DESCRIPTIONS = "descriptions"
"""What the pictures of a body show, in order; stays here."""
MARKUP = 60
"""How much longer the HTML of a post may be than its words: many short links."""
LEEWAY = 2_000
FAR_TOO_LONG = "\N{REPLACEMENT CHARACTER}"
"""Stands for the words of a post that is far longer than all that is looked for."""
CLOSE = (timedelta(minutes=2), timedelta(minutes=10))
"""How far before and after its first try a post may be dated that is told by its time."""
NEAR = (timedelta(minutes=15), timedelta(minutes=30))
"""The same of a post whose source is worth a call; both clocks may be wrong."""


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
        )

    def is_within(self, span: tuple[timedelta, timedelta], moment: datetime | None) -> bool:
        """Whether a post of this moment is dated so near the first try; true if nobody knows."""
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

    @classmethod
    def of(cls, status: Mapping[str, Any], created_at: datetime | None, longest: int) -> Shown:
        """Return what is compared of a post.

        :param longest: how long the words are that are looked for.
        """
        media = status.get("media_attachments") or []
        content = str(status.get("content") or "")
        fits = len(content) <= MARKUP * longest + LEEWAY
        return cls(
            _comparable(text.plain(content), longest) if fits else FAR_TOO_LONG,
            tuple(str(words.identifier(one["id"])) for one in media),
            tuple(_trimmed(one.get("description")) for one in media),
            created_at,
        )


def comparable_of(body: Body) -> str:
    """Return the name of what is looked for: the words, or the pictures where there are none."""
    words = text.comparable(body.get("status") or "")
    return words or "pictures " + ",".join(sorted(map(str, body.get("media_ids") or ())))


def likeness(sought: Sought, shown: Shown, source: Callable[[], str]) -> Likeness:
    """Compare.

    :param source: returns what was typed as the server kept it, "" where it does not tell; asked
        only about posts that may well be it.
    """
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
    """Pictures alone are told by their ids, else by number, description and time."""
    if shown.words or len(sought.pictures) != len(shown.pictures):
        return Likeness.OTHER
    if sorted(sought.pictures) == sorted(shown.pictures):
        return Likeness.SAME
    if not sought.is_within(CLOSE, shown.created_at):
        return Likeness.OTHER
    same = tuple(map(_trimmed, sought.descriptions)) == shown.descriptions
    return Likeness.SAME if same and sought.sent_at is not None else Likeness.LIKELY


def _of_like_length(sought: Sought, shown: Shown) -> bool:
    """Whether a post may be what was sent, shown in other words: near its time and as long."""
    if not sought.is_within(NEAR, shown.created_at):
        return False
    one, other = len(sought.words), len(shown.words)
    return abs(one - other) <= max(12, max(one, other) // 3)


def _comparable(written: str, longest: int) -> str:
    """Return the form that is compared. Finding links takes its time, and a server may send
    millions of them.
    """
    if len(written) > 2 * longest + LEEWAY:
        return FAR_TOO_LONG
    return text.comparable(written)


def _trimmed(description: Any) -> str:
    return " ".join(str(description or "").split())


def sought_of(bodies: Sequence[Body]) -> list[Sought]:
    """Return what is looked for, each once."""
    return list({one.comparable: one for one in map(Sought.of, bodies)}.values())
