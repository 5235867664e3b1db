"""Storing a page of a list: what is in it, and where to go on, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, update

from app.db import db, id_in, rows_changed, utcnow
from app.learning import allowance
from app.learning.allowance import Reserved
from app.learning.reading import Subject
from app.learning.steps import Position, Step, after
from app.models import LearnedItem, ReadingList, interest, sameness
from app.networks import HistoryPage, PastItem, ReadKind

_NUMBERS = ("likes", "reposts", "replies")


class Overtaken(Exception):
    """Another worker has read this page: it is stored, and this one is not."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a page brought."""

    new: int
    changed: int
    gone: int
    position: Position


def store(
    subject: Subject, step: Step, page: HistoryPage, reserved: Reserved | None, is_loop: bool
) -> Stored:
    """Store a page and move the list on; commits.

    :param is_loop: the page leads to one that was read: the list stays where it is.
    :raises Overtaken: the list has moved since the step was chosen; nothing was stored.
    """
    account_id = subject.account_id
    this = (ReadingList.account_id == account_id, ReadingList.kind == step.kind)
    mine = (*this, ReadingList.version == step.position.version)
    if not rows_changed(update(ReadingList).where(*mine).values(version=ReadingList.version + 1)):
        db.session.rollback()
        raise Overtaken
    if reserved is not None:
        allowance.correct(reserved, page.returned)
    items = list({item.remote_id: item for item in page.items}.values())
    known = _known(account_id, step.kind, items)
    fresh = [item for item in items if item.remote_id not in known]
    _insert(account_id, step, fresh)
    again = [item for item in items if item.remote_id in known]
    changed = _update(account_id, step, again, known)
    last_is_known = bool(items) and items[-1].remote_id in known
    position = step.position if is_loop else after(step, page, last_is_known)
    gone = _forget_gone(account_id, step.kind, position) if position.ends_pass else 0
    values = {**position.columns(), "found": ReadingList.found + len(fresh) - gone}
    if position.is_read:
        values["read_at"] = utcnow()
    rows_changed(update(ReadingList).where(*this).values(values))
    if fresh or changed or gone:
        interest.stale_by(account_id)
    db.session.commit()
    return Stored(len(fresh), changed, gone, replace(position, version=step.position.version + 1))


def lose_cursor(subject: Subject, step: Step) -> None:
    """Begin again at the latest items, because the network no longer knows the cursor; commits.

    Where reading costs, what is old is not read again: it stays as far as it came.
    """
    this = (ReadingList.account_id == subject.account_id, ReadingList.kind == step.kind)
    as_read = ReadingList.version == step.position.version
    values: dict[str, Any] = {"version": ReadingList.version + 1}
    if step.is_news:
        values |= {"news_cursor": None, "news_id": None}
    else:
        values |= {"back_cursor": None, "back_count": 0, "back_done": not subject.is_free}
    rows_changed(update(ReadingList).where(*this, as_read).values(values))
    db.session.commit()


def _known(account_id: int, kind: ReadKind, items: Sequence[PastItem]) -> dict[str, Row[Any]]:
    names = ("id", "remote_id", "hidden", "text", "author", "url", "likes", "reposts", "replies")
    columns = [getattr(LearnedItem, name) for name in names]
    rows = db.session.execute(
        db.select(*columns).where(
            LearnedItem.account_id == account_id,
            LearnedItem.kind == kind,
            id_in(LearnedItem.remote_id, [item.remote_id for item in items]),
        )
    )
    return {row.remote_id: row for row in rows}


def _insert(account_id: int, step: Step, items: Sequence[PastItem]) -> None:
    if not items:
        return
    now = utcnow()
    rows = [
        {
            "account_id": account_id,
            "kind": step.kind,
            "remote_id": item.remote_id,
            "created_at": item.created_at,
            "sort_at": _sorted_at(item, now),
            "turn": step.position.turn,
            **_words(step.kind, item),
        }
        for item in items
    ]
    db.session.connection().execute(insert(LearnedItem), rows)


def _sorted_at(item: PastItem, now: datetime) -> datetime:
    """Return when it was written; a clock that is wrong puts nothing into the future."""
    return min(item.created_at, now) if item.created_at else now


def _words(kind: ReadKind, item: PastItem) -> dict[str, Any]:
    """Return what a network says of an item and may say otherwise the next time."""
    own = kind == ReadKind.POSTS and item.text
    return {
        "text": item.text,
        "text_key": sameness.text_key(item.text) if own else None,
        "author": item.author,
        "url": item.url,
        "likes": item.numbers.likes,
        "reposts": item.numbers.reposts,
        "replies": item.numbers.replies,
    }


def _update(
    account_id: int, step: Step, items: Sequence[PastItem], known: dict[str, Row[Any]]
) -> int:
    """Bring known items up to date; return how many say something else now."""
    if not items:
        return 0
    met = (
        LearnedItem.account_id == account_id,
        LearnedItem.kind == step.kind,
        id_in(LearnedItem.remote_id, [item.remote_id for item in items]),
    )
    rows_changed(update(LearnedItem).where(*met).values(turn=step.position.turn))
    changes, worded = [], 0
    for item in items:
        row, words = known[item.remote_id], _words(step.kind, item)
        for name in _NUMBERS:
            if words[name] is None:  # this time it was not told
                words[name] = getattr(row, name)
        if row.hidden or all(getattr(row, k) == v for k, v in words.items() if k != "text_key"):
            continue
        worded += row.text != item.text
        changes.append({"this": row.id, **words})
    if changes:
        names = [name for name in changes[0] if name != "this"]
        table = LearnedItem.__table__
        statement = update(table).where(table.c.id == bindparam("this"))
        values: dict[str, Any] = {name: bindparam(name) for name in names}
        db.session.connection().execute(statement.values(values), changes)
    return worded


def _forget_gone(account_id: int, kind: ReadKind, position: Position) -> int:
    """Delete what a whole pass did not meet; return how many of these were still shown."""
    unmet = [
        LearnedItem.account_id == account_id,
        LearnedItem.kind == kind,
        LearnedItem.turn < position.turn,
    ]
    if not position.reached_end:
        if kind != ReadKind.POSTS or position.oldest_at is None:
            return 0
        unmet.append(LearnedItem.sort_at > position.oldest_at)
    rows_changed(delete(LearnedItem).where(*unmet, LearnedItem.hidden))
    return rows_changed(delete(LearnedItem).where(*unmet))
