"""How many tweets of a person are in each tab: counted by workers, read by pages.

A row says when to count its person's again, so nothing has to be told to anybody, a crash forgets
nothing, and what publishes does not know of it. Whoever uses a session is counted every few seconds
until they have been away for a while; then nobody counts for them before they come back.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Select,
    bindparam,
    case,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import BuiltStatement, UTCDateTime, db, from_now, rows_changed
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.indexes import partial_index
from app.models.session import UserSession
from app.models.tweet_lists import ALL, STATES, TABS

EVERY = 10.0
"""Seconds from one count of a person to the next, while they are here."""
SHARE = 50
"""Counting may take a fiftieth of the time: who has very many tweets is counted less often."""
HERE_FOR = 900.0
"""Seconds since a session's ``seen_at`` for which its person counts as here. That moment is written
every five minutes, and each time a count is asked for."""
LEASE = 60.0
"""Seconds after which somebody is counted again whose count was begun and not stored."""
BUDGET = 0.5
"""Seconds that one round of a worker takes; whoever is left over comes first in the next."""


class TweetCounts(db.Model):  # type: ignore[name-defined,misc]
    """The numbers of one person."""

    __tablename__ = "tweet_counts"
    __table_args__ = (
        partial_index("tweet_counts_recount_at", "recount_at", where="recount_at IS NOT NULL"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    counts: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))
    """By tab; None before the first count."""
    as_of: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When that was true, by the database's clock."""
    recount_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When to count again; None while the person is away."""


class Counted(NamedTuple):
    """What a page shows; each is None before the first count."""

    counts: dict[str, int | None]
    as_of: datetime | None


_MINE = BuiltStatement(
    db.select(TweetCounts.counts, TweetCounts.as_of).where(
        TweetCounts.user_id == bindparam("user_id")
    )
)


def of(user_id: int) -> Counted:
    """Return what was counted last for a person. It reads one row and counts nothing."""
    found = _MINE.run({"user_id": user_id})
    known, as_of = found[0] if found else (None, None)
    return Counted({tab: (known or {}).get(tab) for tab in TABS}, as_of)


def want(user_id: int) -> None:
    """Let a worker count a person's tweets soon; commits nothing."""
    dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(TweetCounts).values(user_id=user_id, recount_at=from_now())
    now = {"recount_at": from_now()}
    db.session.execute(insert.on_conflict_do_update(index_elements=["user_id"], set_=now))


_one_at_a_time = threading.Lock()


def recount_due() -> int:
    """Count for those whose time has come, the longest waiting first; return how many. Commits.

    Repeatable, and several workers may do it at once. It returns at once while another thread of
    this process does it.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return 0
    try:
        ends, counted = time.monotonic() + BUDGET, 0
        while time.monotonic() < ends and (claimed := _claim()):
            _count(*claimed)
            counted += 1
        return counted
    finally:
        _one_at_a_time.release()


def _claim() -> tuple[int, datetime | None] | None:
    """Take whoever has waited longest; return the person and the end of the lease, None for nobody.

    Another worker that looked at the same time takes nobody, and counts in its next round.
    """
    due = (
        select(TweetCounts.user_id)
        .where(TweetCounts.recount_at <= from_now())
        .order_by(TweetCounts.recount_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claimed = (
        update(TweetCounts)
        .where(TweetCounts.user_id == due, TweetCounts.recount_at <= from_now())
        .values(recount_at=from_now(LEASE))
        .returning(TweetCounts.user_id, TweetCounts.recount_at)
        .execution_options(synchronize_session=False)
    )
    found = db.session.execute(claimed).one_or_none()
    db.session.commit()
    return (found[0], found[1]) if found else None


def _count(user_id: int, lease_until: datetime | None) -> None:
    """Count, and store it unless the person came back meanwhile, who is counted again then."""
    began = time.monotonic()
    row = db.session.execute(_counting(), {"user_id": user_id}).mappings().one()
    db.session.commit()
    rests = max(EVERY, SHARE * (time.monotonic() - began))
    counted = {"counts": {tab: row[tab] or 0 for tab in TABS}, "as_of": row["as_of"]}
    again = case((_is_here(user_id), from_now(rests)))
    mine = update(TweetCounts).where(TweetCounts.user_id == user_id)
    claimed = TweetCounts.recount_at == lease_until
    if not rows_changed(mine.where(claimed).values(counted | {"recount_at": again})):
        rows_changed(mine.values(counted))
    db.session.commit()


def _counting() -> Select[Any]:
    """Return the query: each tweet counts once in a tab, however many of its jobs are there."""
    mine = select(Account.id).where(Account.user_id == bindparam("user_id"))
    in_tab = [
        func.max(case((Delivery.state.in_(sorted(states)), 1), else_=0)).label(tab)
        for tab, states in STATES.items()
    ]
    tweets = (
        select(*in_tab).where(Delivery.account_id.in_(mine)).group_by(Delivery.tweet_id).subquery()
    )
    sums = [func.sum(tweets.c[tab]).label(tab) for tab in STATES]
    columns: list[Any] = [from_now().label("as_of"), func.count().label(ALL), *sums]
    return select(*columns).select_from(tweets)


def _is_here(user_id: int) -> ColumnElement[bool]:
    used = (UserSession.user_id == user_id, UserSession.seen_at > from_now(-HERE_FOR))
    return exists().where(*used)
