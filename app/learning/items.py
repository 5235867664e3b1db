"""What was imported, as its owner looks through it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Row, Select, or_, tuple_, update

from app.db import EPOCH, db, id_in, rows_changed, text_says
from app.models import Delivery, LearnedItem, ReadingList, interest
from app.networks import ReadKind

PAGE = 100
MOST_MATCHES = 10_000
"""Matches of a search that are counted."""
_SLACK = timedelta(days=1)
"""By which a network's clock may differ from ours."""
MOST_THREADS = 500


class Job(NamedTuple):
    """The job that published an item."""

    tweet_id: int
    job_id: str


class Listed(NamedTuple):
    """A page of items."""

    items: Sequence[LearnedItem]
    jobs: dict[str, Job]
    """By the remote id of own posts that we sent."""
    total: int
    following: str | None


def listed(
    account_id: int, kind: ReadKind | None = None, words: str = "", before: str | None = None
) -> Listed:
    """Return a page, the latest first.

    :param words: what must be in the text or the author's name.
    :param before: ``following`` of the page before.
    """
    query = _matching(account_id, kind, words)
    page = query.order_by(LearnedItem.sort_at.desc(), LearnedItem.id.desc()).limit(PAGE + 1)
    if before and (cursor := _cursor(before)):
        page = page.where(tuple_(_sort_ms(), LearnedItem.id) < cursor)
    found = db.session.scalars(page).all()
    items = found[:PAGE]
    following = _named(items[-1]) if len(found) > PAGE else None
    return Listed(items, _jobs(account_id, items), _total(account_id, kind, words), following)


def _matching(account_id: int, kind: ReadKind | None, words: str) -> Select[Any]:
    query = db.select(LearnedItem).where(LearnedItem.account_id == account_id, ~LearnedItem.hidden)
    if kind is not None:
        query = query.where(LearnedItem.kind == kind)
    if words:
        said = (text_says(LearnedItem.text, words), text_says(LearnedItem.author, words))
        query = query.where(or_(*said))
    return query


def _total(account_id: int, kind: ReadKind | None, words: str) -> int:
    """Return how many there are: the workers count them, but for a search."""
    if words:
        ids = _matching(account_id, kind, words).with_only_columns(LearnedItem.id)
        return len(db.session.scalars(ids.limit(MOST_MATCHES)).all())
    lists = db.select(ReadingList.kind, ReadingList.found)
    rows = db.session.execute(lists.where(ReadingList.account_id == account_id))
    return sum(row.found for row in rows if kind is None or row.kind == kind)


def _sort_ms() -> Any:
    return db.type_coerce(LearnedItem.sort_at, BigInteger)


def _named(item: LearnedItem) -> str:
    return f"{(item.sort_at - EPOCH) // timedelta(milliseconds=1)}-{item.id}"


def _cursor(before: str) -> tuple[int, int] | None:
    moment, _, number = before.rpartition("-")
    try:
        return int(moment), int(number)
    except ValueError:
        return None


def _jobs(account_id: int, items: Sequence[LearnedItem]) -> dict[str, Job]:
    """Return which of our jobs published these, by remote id."""
    posts = [item for item in items if item.kind == ReadKind.POSTS]
    if not posts:
        return {}
    ids = [item.remote_id for item in posts]
    columns = (Delivery.remote_id, Delivery.tweet_id, Delivery.id)
    mine = db.select(*columns).where(Delivery.account_id == account_id)
    rows = db.session.execute(mine.where(id_in(Delivery.remote_id, ids)))
    jobs = {row.remote_id: Job(row.tweet_id, row.id) for row in rows}
    return {
        **_jobs_of_parts(account_id, [one for one in posts if one.remote_id not in jobs]),
        **jobs,
    }


def _jobs_of_parts(account_id: int, posts: Sequence[LearnedItem]) -> dict[str, Job]:
    """Return the jobs of those that are a later part of a thread."""
    if not posts:
        return {}
    moments = [item.sort_at for item in posts]
    columns = (Delivery.posted, Delivery.tweet_id, Delivery.id)
    rows = db.session.execute(
        db.select(*columns)
        .where(
            Delivery.account_id == account_id,
            Delivery.finished_at >= min(moments) - _SLACK,
            Delivery.finished_at <= max(moments) + _SLACK,
            db.cast(Delivery.posted, db.Text) != "[]",
        )
        .limit(MOST_THREADS)
    )
    return {
        str(part.get("remote_id")): Job(row.tweet_id, row.id) for row in rows for part in row.posted
    }


def delete(account_id: int, item_id: int) -> bool:
    """Take the words out of an item, for ever: later imports do not bring it back.

    :returns: False when there is no such item.
    """
    this = (LearnedItem.id == item_id, LearnedItem.account_id == account_id, ~LearnedItem.hidden)
    gone = (
        update(LearnedItem)
        .where(*this)
        .values(hidden=True, text="", text_key=None, author="", url="", created_at=None)
    )
    kind: Row[Any] | None = db.session.execute(gone.returning(LearnedItem.kind)).first()
    if kind is not None:
        mine = (ReadingList.account_id == account_id, ReadingList.kind == kind[0])
        fewer = update(ReadingList).where(*mine).values(found=ReadingList.found - 1)
        rows_changed(fewer)
        interest.stale_by(account_id)
    db.session.commit()
    return kind is not None
