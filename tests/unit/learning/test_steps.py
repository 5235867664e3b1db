"""How a list is read: what follows from each page, without a database or a network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.learning.steps import BACK, Position, Step, after, following
from app.networks import HistoryPage, PastItem, ReadKind

NEW = Position(0, None, None, None, None, False, 0, 1, None)
"""A list that was never read."""
READ = replace(NEW, newest_id="9", back_done=True, back_count=9)
NOW = datetime.now(UTC)


def page(*ids: str, to: str | None = None, at: datetime | None = NOW) -> HistoryPage:
    """Return a page of posts."""
    return HistoryPage(tuple(PastItem(one, created_at=at) for one in ids), to, len(ids))


def read_all(pages: list[HistoryPage], start: Position) -> tuple[Position, list[str | None]]:
    """Read pages one after the other; return where that ends, and what was asked for."""
    position, asked, wants_news = start, [], True
    rest = iter(pages)
    while step := following(ReadKind.POSTS, position, wants_news):
        asked.append(step.asked(None).cursor)
        position = after(step, next(rest), last_is_known=False)
        wants_news = wants_news and not position.is_read
    assert next(rest, None) is None
    return position, asked


def test_a_new_list_is_read_back_to_its_end() -> None:
    """From the top, with the cursors that the pages give; the first item is the newest."""
    end, asked = read_all([page("9", "8", to="a"), page("7", to="b"), page("6")], NEW)
    assert asked == [None, "a", "b"]
    assert (end.newest_id, end.back_done, end.reached_end, end.back_count) == ("9", True, True, 4)


def test_an_empty_list_is_looked_at_again() -> None:
    """As news: what comes later is found."""
    end, _ = read_all([page()], NEW)
    step = following(ReadKind.POSTS, end, wants_news=True)
    assert step is not None
    assert step.is_news
    assert after(step, page("1"), last_is_known=False).newest_id == "1"


def test_news_is_read_until_something_is_known() -> None:
    """And only then the newest item is the one that was at the top."""
    first = following(ReadKind.LIKES, READ, wants_news=True)
    assert first is not None
    between = after(first, page("12", "11", to="n"), last_is_known=False)
    assert (between.newest_id, between.news_cursor, between.is_read) == ("9", "n", False)
    second = following(ReadKind.LIKES, between, wants_news=False)  # after a restart, say
    assert second is not None
    assert second.asked(5).cursor == "n"
    end = after(second, page("10", "9", to="m"), last_is_known=True)
    assert (end.newest_id, end.news_cursor, end.is_read) == ("12", None, True)
    assert following(ReadKind.LIKES, end, wants_news=False) is None


def test_no_news_changes_nothing() -> None:
    """An empty page of news leaves the newest item as it was."""
    step = following(ReadKind.POSTS, READ, wants_news=True)
    assert step is not None
    end = after(step, page(), last_is_known=False)
    assert (end.newest_id, end.is_read) == ("9", True)


def test_news_goes_before_what_is_old() -> None:
    """A list that was broken off, such as by a cap, is first looked at from the top."""
    broken = replace(NEW, newest_id="9", back_cursor="b", back_count=200)
    step = following(ReadKind.POSTS, broken, wants_news=True)
    assert step is not None
    assert step.is_news
    then = following(ReadKind.POSTS, after(step, page(), last_is_known=False), wants_news=False)
    assert then is not None
    assert (then.is_news, then.asked(100).cursor) == (False, "b")


def test_old_posts_end_a_pass() -> None:
    """Where a whole page is older than a year; one wrong clock among others does not."""
    step = Step(ReadKind.POSTS, is_news=False, position=NEW)
    ancient = NOW - BACK - timedelta(days=1)
    over = after(step, page("2", "1", to="c", at=ancient), last_is_known=False)
    assert (over.back_done, over.ends_pass, over.reached_end) == (True, True, False)
    mixed = HistoryPage((PastItem("3", created_at=NOW), PastItem("2", created_at=ancient)), "c", 2)
    assert not after(step, mixed, last_is_known=False).back_done
    likes = replace(step, kind=ReadKind.LIKES)
    assert not after(likes, page("2", to="c", at=ancient), last_is_known=False).back_done


def test_a_pass_ends_at_3200_posts() -> None:
    """What is older is not read, and not deleted either."""
    near = replace(NEW, newest_id="9", back_cursor="c", back_count=3_199)
    step = following(ReadKind.POSTS, near, wants_news=False)
    assert step is not None
    assert step.size() == 1
    over = after(step, page("1", to="d"), last_is_known=False)
    assert (over.back_done, over.reached_end) == (True, False)


def test_a_further_pass_begins_at_the_top() -> None:
    """It brings the news, too, and has a number of its own."""
    again = READ.begun_anew()
    step = following(ReadKind.POSTS, again, wants_news=True)
    assert step is not None
    assert (step.is_news, step.asked(None).cursor, again.turn) == (False, None, 2)
    end = after(step, page("11", "9"), last_is_known=True)
    assert (end.newest_id, end.ends_pass, end.is_read) == ("11", True, True)
