"""What operators are told of: each thing that was wrong, from when to when, and who was told.

One web process watches, under a lease of the row of ``alert_watch``: see app/alerts/.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import JSON, Delete, ForeignKey, Select, Update, delete, or_, update
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.db import UTCDateTime, db, from_now
from app.models.indexes import partial_index


class Condition(StrEnum):
    """What may be wrong."""

    OVERDUE = "overdue"
    UNCONFIRMED = "unconfirmed"
    NO_WORKER = "no_worker"
    QUEUE = "queue"  # something waits in it that no worker takes; the subject is its name
    PERIODIC = "periodic"  # work at intervals fails time after time; the subject is its kind
    DISK = "disk"
    REDIS = "redis"


class Told(StrEnum):
    """What a message says of an alert."""

    BEGAN = "began"
    OVER = "over"


class Alert(db.Model):  # type: ignore[name-defined,misc]
    """Something is wrong, or was."""

    __tablename__ = "alerts"
    __table_args__ = (
        partial_index("alerts_open", "condition", "subject", where="over_at IS NULL", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    condition: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    """Which queue or kind of work; "" where there is only one."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The numbers at its beginning: ``count``, ``percent``, ``seconds``."""
    began_at: Mapped[datetime] = mapped_column(UTCDateTime)
    quiet_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """Since when it is known not to be so; null while it is, or may be."""
    over_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AlertMessage(db.Model):  # type: ignore[name-defined,misc]
    """One message about an alert, to one of ALERT_URLS."""

    __tablename__ = "alert_messages"
    __table_args__ = (
        partial_index("alert_messages_next_at", "next_at", where="next_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    told: Mapped[str]
    target: Mapped[str]
    """A fingerprint of the URL, which itself is never stored."""
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it is tried next; null once it was sent or given up."""
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AlertWatch(db.Model):  # type: ignore[name-defined,misc]
    """Which web process watches, and what it has seen: one row."""

    __tablename__ = "alert_watch"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    holder: Mapped[str | None]
    lease_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """Since when somebody has watched without a long gap."""
    worker_seen_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The newest heartbeat ever seen: workers that stop normally take theirs along."""


GAP_SECONDS = 60.0
"""Without anybody who watches for so long, watching begins anew: workers need time to start."""
_Watch, _Message = AlertWatch, AlertMessage


@cache
def _earlier() -> Any:
    """Return another row of the same table; made when all tables are known."""
    return aliased(AlertMessage)


def take_watch(holder: str, seconds: float, worker_seen_at: datetime | None = None) -> Update:
    """Let this process watch for so long, if no other one does.

    :param worker_seen_at: the newest heartbeat, to be remembered.
    """
    is_free = or_(_Watch.holder.is_(None), _Watch.lease_ends_at <= from_now())
    ended = or_(_Watch.lease_ends_at.is_(None), _Watch.lease_ends_at <= from_now(-GAP_SECONDS))
    return (
        update(_Watch)
        .where(_Watch.id == 1, or_(_Watch.holder == holder, is_free))
        .values(
            holder=holder,
            lease_ends_at=from_now(seconds),
            since=db.case((ended, from_now()), else_=_Watch.since),
            **({} if worker_seen_at is None else {"worker_seen_at": worker_seen_at}),
        )
    )


def leave_watch(holder: str) -> Update:
    """Let another process watch at once."""
    mine = update(_Watch).where(_Watch.id == 1, _Watch.holder == holder)
    return mine.values(holder=None, lease_ends_at=from_now())


def falls_quiet(alert_id: int) -> Update:
    """open, stays: it is not seen at the moment."""
    mine = (Alert.id == alert_id, Alert.over_at.is_(None), Alert.quiet_at.is_(None))
    return update(Alert).where(*mine).values(quiet_at=from_now())


def is_back(alert_id: int) -> Update:
    """open, stays: it is seen again, or may be so again, so it was never over."""
    return update(Alert).where(Alert.id == alert_id, Alert.over_at.is_(None)).values(quiet_at=None)


def end(alert_id: int, quiet_for: float) -> Update:
    """open -> over, if it was not seen for so many seconds."""
    is_quiet = (Alert.over_at.is_(None), Alert.quiet_at <= from_now(-quiet_for))
    return update(Alert).where(Alert.id == alert_id, *is_quiet).values(over_at=Alert.quiet_at)


def repeat(every: float) -> Update:
    """Tell once more of what was told so long ago and still lasts."""
    lasting = db.select(Alert.id).where(Alert.over_at.is_(None), Alert.quiet_at.is_(None))
    told = (_Message.told == Told.BEGAN, _Message.sent_at <= from_now(-every))
    again = update(_Message).where(
        *told, _Message.alert_id.in_(lasting), _Message.next_at.is_(None)
    )
    return again.values(next_at=from_now(), sent_at=None, tries=0, created_at=from_now())


def due_messages(most: int) -> Select[Any]:
    """Return the query for messages to be sent now, with their alerts; each target's in order."""
    earlier = (
        _earlier().alert_id == _Message.alert_id,
        _earlier().target == _Message.target,
        _earlier().id < _Message.id,
        _earlier().next_at.is_not(None),
    )
    is_due = (_Message.next_at.is_not(None), _Message.next_at <= from_now())
    found = db.select(_Message, Alert).join(Alert, Alert.id == _Message.alert_id)
    return found.where(*is_due, ~db.exists().where(*earlier)).order_by(_Message.id).limit(most)


def try_message(message_id: int, seconds: float) -> Update:
    """due -> being sent: tried again after so many seconds, unless its end is stored before."""
    mine = (_Message.id == message_id, _Message.next_at <= from_now())
    return update(_Message).where(*mine).values(next_at=from_now(seconds), tries=_Message.tries + 1)


def sent(message_id: int) -> Update:
    """being sent -> sent."""
    return (
        update(_Message).where(_Message.id == message_id).values(next_at=None, sent_at=from_now())
    )


def put_off(message_id: int, seconds: float | None) -> Update:
    """being sent -> due in so many seconds, or given up."""
    following = None if seconds is None else from_now(seconds)
    return update(_Message).where(_Message.id == message_id).values(next_at=following)


def forget(after: float) -> Delete:
    """Delete what was over so many seconds ago."""
    return delete(Alert).where(Alert.over_at <= from_now(-after))
