"""What people are told: what failed, what waits for them, which access ends.

A notice is what happened, and no sentence: that is made in the language of whoever reads it. Its
``key`` names one occurrence, so whoever finds the same thing again stores nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, rows_changed
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.indexes import partial_index
from app.models.user import User
from app.states import State


class NoticeKind(StrEnum):
    """What a notice is about."""

    FAILED = "failed"  # a delivery ended without a post
    HELD = "held"  # a delivery that was due waits
    REVIEW = "review"  # only its owner can tell whether a delivery went out
    ACCESS_ENDING = "access_ending"  # our access ends before something is due
    ACCESS_ENDED = "access_ended"  # our access has ended before something is due
    PUBLISHED = "published"
    DIGEST = "digest"  # a week in numbers


Choice = dict[str, dict[str, bool]]
"""``{kind: {channel: bool}}``."""
CHANNELS = ("mail", "bell", "push")
USUAL = {
    kind: dict.fromkeys(CHANNELS, kind not in (NoticeKind.PUBLISHED, NoticeKind.DIGEST))
    for kind in NoticeKind
}
"""How people are told what, until they say otherwise."""
WHILE = {
    NoticeKind.FAILED: State.FAILED,
    NoticeKind.HELD: State.HELD,
    NoticeKind.REVIEW: State.REVIEW,
}
"""The states of deliveries in which people are to be told of these."""
OF_ACCESS = (NoticeKind.ACCESS_ENDING, NoticeKind.ACCESS_ENDED)
AT_A_TIME = 500
"""Rows of one statement that stores notices."""


class Notice(db.Model):  # type: ignore[name-defined,misc]
    """One thing that a person is told, once."""

    __tablename__ = "notices"
    __table_args__ = (
        partial_index("notices_listed", "user_id", "id", where="bell"),
        partial_index("notices_mail_at", "mail_at", where="mail_at IS NOT NULL"),
        partial_index("notices_access", "account_id", "version", where="version IS NOT NULL"),
        Index("notices_at", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    """A NoticeKind."""
    key: Mapped[str] = mapped_column(unique=True)
    """What happened, to which delivery or account, and the time that it happened."""
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When it happened, as far as that is known; else when it was found."""
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    bell: Mapped[bool]
    """Whether pages show it, as its person wanted when it was stored."""
    mail_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When its mail is to be stored at the latest; null without one, or when that is done."""
    topic: Mapped[str]
    """Kind, account and cause: what shares it and is near in time shares a mail."""
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    version: Mapped[int | None]
    """Of the account's credentials, where it is about the end of its access."""
    job_id: Mapped[str | None]
    """The delivery. It is deleted some day, before or after this row."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the sentence needs: ``cause``, ``tweet_id``, ``ends_at`` (ISO 8601), ``counts``."""


class NoticeSettings(db.Model):  # type: ignore[name-defined,misc]
    """How a person wants to be told; without a row as usual."""

    __tablename__ = "notice_settings"
    __table_args__ = (
        partial_index("notice_settings_published", "user_id", where="wants_published"),
        partial_index("notice_settings_digest_at", "digest_at", where="digest_at IS NOT NULL"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    chosen: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``{kind: {channel: bool}}``; what is left out is as usual."""
    wants_published: Mapped[bool] = mapped_column(default=False)
    digest_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the next digest is due; null for nobody who wants one."""


class NoticeProgress(db.Model):  # type: ignore[name-defined,misc]
    """The one row that says how far the search for what people must be told has come."""

    __tablename__ = "notice_progress"

    id: Mapped[int] = mapped_column(primary_key=True)
    ended_to: Mapped[datetime] = mapped_column(UTCDateTime)
    """Deliveries that ended before this moment were looked at."""


def still_so(notice_ids: Sequence[int]) -> set[int]:
    """Return those of these notices of which somebody still has to be told.

    What was retried, sent or cancelled since, and an access that is another one by now, is over.
    """
    columns = (Notice.id, Notice.kind, Notice.version)
    now = (Delivery.state, Account.connected, Account.credentials_version)
    rows = db.session.execute(
        db.select(*columns, *now)
        .outerjoin(Delivery, Delivery.id == Notice.job_id)
        .outerjoin(Account, Account.id == Notice.account_id)
        .where(Notice.id.in_(notice_ids))
    )
    return {row.id for row in rows if _is_still_so(row)}


def _is_still_so(row: Any) -> bool:
    if row.kind in OF_ACCESS:
        return bool(row.connected) and row.version == row.credentials_version
    return row.kind not in WHILE or row.state == WHILE[row.kind]


def choices_of(user_ids: Iterable[int]) -> dict[int, Choice]:
    """Return how each of these people wants to be told: ``{kind: {channel: bool}}``."""
    ids = sorted(set(user_ids))
    rows = db.session.execute(
        db.select(NoticeSettings.user_id, NoticeSettings.chosen).where(
            NoticeSettings.user_id.in_(ids)
        )
    )
    chosen = {row.user_id: row.chosen for row in rows}
    return {user_id: completed(chosen.get(user_id, {})) for user_id in ids}


def completed(chosen: Mapping[str, Any]) -> Choice:
    """Return a complete choice; what is left out is as usual."""
    return {kind.value: {**USUAL[kind], **chosen.get(kind, {})} for kind in NoticeKind}


def store(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Store notices, each once, and count what is new as unread; commits nothing.

    :returns: the id of each that is new, by its key.
    """
    dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    new: dict[str, int] = {}
    for start in range(0, len(rows), AT_A_TIME):
        insert = dialect.insert(Notice).values(list(rows[start : start + AT_A_TIME]))
        fresh = insert.on_conflict_do_nothing(index_elements=["key"])
        columns = (Notice.key, Notice.id, Notice.user_id, Notice.bell)
        stored = db.session.execute(fresh.returning(*columns)).all()
        new |= {row.key: row.id for row in stored}
        count_unread([row.user_id for row in stored if row.bell])
    return new


def count_unread(user_ids: Sequence[int], step: int = 1) -> None:
    """Change the numbers at people's bells, always in the same order; commits nothing.

    :param user_ids: a person as often as there are new notices, or, with -1, fewer of them.
    """
    for user_id, count in sorted(Counter(user_ids).items()):
        changed = User.unread_notices + step * count
        rows_changed(update(User).where(User.id == user_id).values(unread_notices=changed))


def listed(user_id: int, before: int | None, most: int) -> list[Notice]:
    """Return what a person's pages show, the newest first.

    :param before: only those with smaller ids than this.
    """
    mine = [Notice.user_id == user_id, Notice.bell]
    mine += [] if before is None else [Notice.id < before]
    newest_first = db.select(Notice).where(*mine).order_by(Notice.id.desc())
    return list(db.session.scalars(newest_first.limit(most)))


def unread(user_id: int, most: int) -> list[Notice]:
    """Return the newest that a person has not read."""
    mine = (Notice.user_id == user_id, Notice.bell, Notice.read_at.is_(None))
    newest_first = db.select(Notice).where(*mine).order_by(Notice.id.desc())
    return list(db.session.scalars(newest_first.limit(most)))


def mark_read(user_id: int, ids: Sequence[int] | None, now: datetime) -> int:
    """Mark notices of a person as read, all without ``ids``; return how many are unread. Commits.

    What is somebody else's stays as it is.
    """
    mine = [Notice.user_id == user_id, Notice.bell, Notice.read_at.is_(None)]
    mine += [] if ids is None else [Notice.id.in_(ids)]
    changed = rows_changed(update(Notice).where(*mine).values(read_at=now))
    less = User.unread_notices - changed
    left: int = db.session.scalars(
        update(User)
        .where(User.id == user_id)
        .values(unread_notices=less)
        .returning(User.unread_notices),
        execution_options={"synchronize_session": False},
    ).one()
    db.session.commit()
    return left
