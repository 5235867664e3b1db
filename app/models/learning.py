"""What is read of an account's past, with its owner's consent, and how far that has come.

One row for the account, and one for each of its lists. The worker that reads a page stores what is
in it and moves the list's row on in one transaction, by compare-and-set of its ``version``: so a
worker that was killed or slept is gone on from, and two at the same time store every page once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import UTCDateTime, db, utcnow
from app.models.account import Account
from app.models.indexes import partial_index


class Learning(db.Model):  # type: ignore[name-defined,misc]
    """An account whose owner was asked whether to learn from it, and said yes once."""

    __tablename__ = "learnings"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    """False once its owner has switched it off."""
    needs_consent: Mapped[bool] = mapped_column(default=False)
    """True while the network has not granted the access that the chosen lists need."""
    runs: Mapped[int] = mapped_column(default=0)
    """Runs that ended well; every fourth reads everything again, where that is free."""
    whole: Mapped[bool] = mapped_column(default=False)
    """The next run is to read everything again, because its owner asked for that."""
    pace: Mapped[float] = mapped_column(default=1.0)
    """How many intervals pass between runs: fewer when there is news, more when there is none."""
    last_run_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the last run ended, well or not."""
    error_code: Mapped[str | None]
    """Why the last run ended before its end; None after one that ended well."""
    error_detail: Mapped[str | None]
    consented_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    account: Mapped[Account] = relationship()
    lists: Mapped[list[ReadingList]] = relationship(order_by="ReadingList.kind")


class ReadingList(db.Model):  # type: ignore[name-defined,misc]
    """One list of an account: own posts, likes or follows."""

    __tablename__ = "reading_lists"

    account_id: Mapped[int] = mapped_column(ForeignKey("learnings.account_id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """A ReadKind."""
    wanted: Mapped[bool] = mapped_column(default=True)
    cap: Mapped[int | None]
    """At most so many are read in a month, where reading costs; None where it is free."""
    month: Mapped[str] = mapped_column(default="")
    """The calendar month in UTC that ``used`` is of, such as 2026-11."""
    used: Mapped[int] = mapped_column(default=0)
    """What the network returned in that month, and what was asked for without an answer yet."""
    found: Mapped[int] = mapped_column(default=0)
    """Items that are kept; those that their owner deleted here are not counted."""
    version: Mapped[int] = mapped_column(default=0)
    newest_id: Mapped[str | None]
    """The newest item that is known; what is newer is news."""
    news_cursor: Mapped[str | None]
    """Where reading the news goes on, None when that has ended."""
    news_id: Mapped[str | None]
    """The newest item of the news that are being read: ``newest_id`` once they are all read."""
    back_cursor: Mapped[str | None]
    """Where reading back goes on, None at the latest item."""
    back_done: Mapped[bool] = mapped_column(default=False)
    back_count: Mapped[int] = mapped_column(default=0)
    """Items that this pass has read."""
    turn: Mapped[int] = mapped_column(default=1)
    """Counts the passes over the whole list: items that a pass does not meet are gone."""
    oldest_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The oldest moment that this pass has met."""
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it was last read to the end of what is new."""


class LearnedItem(db.Model):  # type: ignore[name-defined,misc]
    """A post, a liked post or a followed account that was imported.

    One that its owner deleted here keeps its row without words, so that it is not imported again.
    """

    __tablename__ = "learned_items"
    __table_args__ = (
        Index("learned_items_remote", "account_id", "kind", "remote_id", unique=True),
        Index("learned_items_list", "account_id", "kind", "sort_at", "id"),
        partial_index("learned_items_text", "account_id", "text_key", where="text_key IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    """A ReadKind."""
    remote_id: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    text_key: Mapped[str | None]
    """Of an own post: what texts that are the same have in common (app/models/sameness.py)."""
    author: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it was written at its network, where that is told; its clock may be wrong."""
    sort_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """``created_at``, or when it was imported."""
    likes: Mapped[int | None] = mapped_column(BigInteger)
    reposts: Mapped[int | None] = mapped_column(BigInteger)
    replies: Mapped[int | None] = mapped_column(BigInteger)
    turn: Mapped[int] = mapped_column(default=1)
    """The last pass over the whole list that met it."""
    hidden: Mapped[bool] = mapped_column(default=False)
    """True for one that its owner deleted here."""
