"""How a list is read: which page is next, and where that leaves the list. No database, no calls.

*News* is read from the latest item until one is known, *back* from the latest item to the end of
the list. See decision 22.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.db import utcnow
from app.networks import Asked, HistoryPage, ReadKind

BACK = timedelta(days=367)
"""Posts that are older are not read: a year, and a day for clocks and leap years each."""
MOST = {ReadKind.POSTS: 3_200, ReadKind.LIKES: 3_200, ReadKind.FOLLOWS: 5_000}
"""Items of one pass over a list."""
NEWS_PAGE = 5
"""Items of a page of news where reading costs and known ones cannot be left out."""
FULL_PAGE = {ReadKind.POSTS: 100, ReadKind.LIKES: 100, ReadKind.FOLLOWS: 1_000}
"""Items of a page where reading costs, and nothing is known yet."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a list is read: columns of ReadingList, and what the last page decided."""

    version: int
    newest_id: str | None
    news_cursor: str | None
    news_id: str | None
    back_cursor: str | None
    back_done: bool
    back_count: int
    turn: int
    oldest_at: datetime | None
    is_read: bool = False
    """Everything new is read now."""
    ends_pass: bool = False
    """The whole list is read now."""
    reached_end: bool = False
    """And nothing of it was left out because it is old."""

    @classmethod
    def of(cls, row: Any) -> Position:
        """Return the position of a ReadingList."""
        names = (one for one in cls.__slots__ if one not in _DECIDED)
        return cls(**{name: getattr(row, name) for name in names})

    def columns(self) -> dict[str, Any]:
        """Return what the row keeps of it."""
        return {k: v for k, v in asdict(self).items() if k not in {*_DECIDED, "version"}}

    def begun_anew(self) -> Position:
        """Return the position before a further pass over the whole list."""
        return replace(
            self,
            version=self.version + 1,
            back_cursor=None,
            back_done=False,
            back_count=0,
            oldest_at=None,
            turn=self.turn + 1,
        )


_DECIDED = ("is_read", "ends_pass", "reached_end")


@dataclass(frozen=True, slots=True)
class Step:
    """One page to read."""

    kind: ReadKind
    is_news: bool
    position: Position

    def asked(self, most: int | None) -> Asked:
        """Return what the network is asked.

        :param most: items that may be returned, where reading costs.
        """
        position = self.position
        cursor = position.news_cursor if self.is_news else position.back_cursor
        return Asked(self.kind, cursor, position.newest_id if self.is_news else None, most)

    def size(self) -> int:
        """Return how many items a page should have where reading costs."""
        if self.is_news and self.kind != ReadKind.POSTS:
            return NEWS_PAGE
        left = MOST[self.kind] - (0 if self.is_news else self.position.back_count)
        return max(1, min(FULL_PAGE[self.kind], left))


def following(kind: ReadKind, position: Position, wants_news: bool) -> Step | None:
    """Return the next page to read of a list; None when it is read.

    :param wants_news: the latest items were not looked at yet in this run.
    """
    is_begun = position.newest_id is not None or position.back_done
    at_top = position.back_cursor is None and not position.back_done
    if position.news_cursor is not None or (wants_news and is_begun and not at_top):
        return Step(kind, True, position)
    return None if position.back_done else Step(kind, False, position)


def after(step: Step, page: HistoryPage, last_is_known: bool) -> Position:
    """Return the position after a page was stored.

    :param last_is_known: its last item was known before; so are those that come after it.
    """
    return _after_news(step, page, last_is_known) if step.is_news else _after_back(step, page)


def _after_news(step: Step, page: HistoryPage, last_is_known: bool) -> Position:
    position = step.position
    news_id = position.news_id or _first_of(page)
    if page.following is None or last_is_known or page.returned == 0:
        newest = news_id or position.newest_id
        return replace(position, newest_id=newest, news_cursor=None, news_id=None, is_read=True)
    return replace(position, news_cursor=page.following, news_id=news_id, is_read=False)


def _first_of(page: HistoryPage) -> str | None:
    return page.newest_id or (page.items[0].remote_id if page.items else None)


def _after_back(step: Step, page: HistoryPage) -> Position:
    position = step.position
    is_top = position.back_cursor is None
    newest = (_first_of(page) if is_top else None) or position.newest_id
    moments = [item.created_at for item in page.items if item.created_at]
    oldest = min([*moments, *filter(None, [position.oldest_at])], default=None)
    count = position.back_count + len(page.items)
    is_old = step.kind == ReadKind.POSTS and bool(moments) and max(moments) < utcnow() - BACK
    is_cut = count >= MOST[step.kind] or is_old
    is_over = page.following is None or is_cut
    return replace(
        position,
        newest_id=newest,
        back_cursor=None if is_over else page.following,
        back_done=is_over,
        back_count=count,
        oldest_at=oldest,
        is_read=is_top or is_over,
        ends_pass=is_over,
        reached_end=page.following is None,
    )
