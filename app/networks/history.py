"""What networks tell of an account's past: own posts, likes, follows, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app import untrusted

MAX_TEXT = 30_000
"""Characters of a post that are kept; the longest that X takes has 25,000."""
MAX_CURSOR = 2_000
MAX_COUNT = 10**12
"""A larger number is not believed."""


class ReadKind(StrEnum):
    """A list of an account that may be read."""

    POSTS = "posts"
    LIKES = "likes"
    FOLLOWS = "follows"


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a post was answered; None for what the network does not tell."""

    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None

    @classmethod
    def told(cls, likes: Any, reposts: Any, replies: Any) -> Numbers:
        """Return what a network tells, None for what is no number."""
        return cls(*(untrusted.whole(number, 0, MAX_COUNT) for number in (likes, reposts, replies)))


@dataclass(frozen=True, slots=True)
class PastItem:
    """A post, a liked post or a followed account, as plain text."""

    remote_id: str
    """Unique among the account's items of its kind. Of a like on Bluesky, the like's own id."""
    text: str = ""
    """Without markup. Of a follow, what the account says about itself, where that is told."""
    author: str = ""
    """The handle of who wrote it, or is followed; "" for the account's own posts."""
    url: str = ""
    created_at: datetime | None = None
    """When it was written, or followed; None where that is not told."""
    numbers: Numbers = Numbers()

    def __post_init__(self) -> None:
        """Bound what the network said. Raises ValueError for what cannot be named."""
        remote_id = untrusted.identifier(self.remote_id)
        if remote_id is None:
            raise ValueError("an item without an id")
        object.__setattr__(self, "remote_id", remote_id)
        object.__setattr__(self, "text", untrusted.fit_text(self.text[:MAX_TEXT]))
        object.__setattr__(self, "author", untrusted.line(self.author))
        object.__setattr__(self, "url", untrusted.web_address(self.url))


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some items, the latest first, and where to go on."""

    items: tuple[PastItem, ...]
    following: str | None
    """The cursor of the next page; None at the end."""
    returned: int
    """How many things the server gave, which is what X charges for."""
    newest_id: str | None = None
    """What ``Asked.newest_id`` is to be after this page; None for the id of its first item."""
    rest_s: float = 0.0
    """Seconds to leave the account alone first: the rest of its allowance belongs to publishing."""

    def __post_init__(self) -> None:
        """Raise ValueError for a cursor that no address can carry."""
        if self.following is not None and not 0 < len(self.following) <= MAX_CURSOR:
            raise ValueError("a cursor that is no cursor")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page is asked for."""

    kind: ReadKind
    cursor: str | None = None
    """``HistoryPage.following`` of the page before; None for the latest items."""
    newest_id: str | None = None
    """The newest item that is known. A network may leave this one and older ones out."""
    most: int | None = None
    """At most so many items, where reading costs; None for as many as the network gives."""
