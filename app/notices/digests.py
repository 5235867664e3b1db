"""A week in numbers, for those who want it: on Mondays, in the morning of their time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select, update

from app.db import database_now, db, from_now, rows_changed
from app.models import STUCK, Account, Delivery, NoticeKind, User, notice
from app.notices.rows import Happened, store
from app.states import State

DIGEST = "digest"
AT_HOUR = 8
WEEK = timedelta(days=7)
AT_A_TIME = 20
"""Digests of one run."""


def next_after(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the next Monday morning in a time zone."""
    local = now.astimezone(zone)
    monday = (local + timedelta(days=7 - local.weekday())).date()
    today = local.replace(hour=AT_HOUR, minute=0, second=0, microsecond=0)
    if local.weekday() == 0 and local < today:
        return today
    return datetime(monday.year, monday.month, monday.day, AT_HOUR, tzinfo=zone)


def zone_changed(user: User) -> None:
    """Let a person's next digest come in the morning of their new time zone; the caller commits.

    It is still that of the same Monday, so no week has two, and none is left out: where that
    morning has passed already, it comes at once.
    """
    db.session.flush()
    settings = db.session.get(  # no worker sends it meanwhile
        notice.NoticeSettings, user.id, with_for_update=True, populate_existing=True
    )
    if settings is not None and settings.digest_at is not None:
        settings.digest_at = _same_monday(settings.digest_at, user.zone)


def _same_monday(due_at: datetime, zone: ZoneInfo) -> datetime:
    """Return the morning in a zone of the Monday that a digest is due, in whatever zone it was.

    Two zones are at most 26 hours apart, so that Monday is the nearest one.
    """
    near = due_at.astimezone(zone).date() + timedelta(days=3)
    monday = near - timedelta(days=near.weekday())
    return datetime(monday.year, monday.month, monday.day, AT_HOUR, tzinfo=zone)


def store_due() -> int:
    """Store the digests that are due; return how many. Each is a transaction of its own."""
    due = select(notice.NoticeSettings.user_id, notice.NoticeSettings.digest_at)
    rows = db.session.execute(
        due.where(notice.NoticeSettings.digest_at <= from_now()).limit(AT_A_TIME)
    )
    found = rows.all()
    db.session.commit()
    return sum(_store(row.user_id, row.digest_at) for row in found)


def _store(user_id: int, due_at: datetime) -> int:
    """Store one digest and when the next one is due; 0 when another worker was quicker."""
    user, now = db.session.get_one(User, user_id), database_now()
    this = (notice.NoticeSettings.user_id == user_id, notice.NoticeSettings.digest_at == due_at)
    following = {"digest_at": next_after(max(now, _same_monday(due_at, user.zone)), user.zone)}
    stored = 0
    if rows_changed(update(notice.NoticeSettings).where(*this).values(following)):
        digest = Happened(
            kind=NoticeKind.DIGEST,
            key=f"{NoticeKind.DIGEST}:{user_id}:{due_at.timestamp():.0f}",
            at=now,
            user_id=user_id,
            cause="week",
            counts=_counts(user_id, now),
        )
        stored = store([digest])
    db.session.commit()
    return stored


def _counts(user_id: int, now: datetime) -> dict[str, int]:
    """Count a person's deliveries: what ended in the last week, and what is to come."""
    mine = select(Account.id).where(Account.user_id == user_id)

    def number(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    columns = {
        "published": Delivery.state == State.PUBLISHED,
        "failed": Delivery.state == State.FAILED,
        "waiting": STUCK,
        "scheduled": Delivery.state == State.SCHEDULED,
    }
    lately = or_(Delivery.finished_at.is_(None), Delivery.finished_at >= now - WEEK)
    counted = [number(condition).label(name) for name, condition in columns.items()]
    row = db.session.execute(select(*counted).where(Delivery.account_id.in_(mine), lately)).one()
    return {name: int(value) for name, value in row._mapping.items()}
