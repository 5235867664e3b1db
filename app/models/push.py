"""Where else people want to be told, and the messages that are on their way there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ForeignKey, Select, UniqueConstraint, Update, update
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.db import EncryptedJSON, UTCDateTime, db, from_now


class PushWay(StrEnum):
    """How a message gets there."""

    BROWSER = "browser"
    URL = "url"


class PushTarget(db.Model):  # type: ignore[name-defined,misc]
    """A browser, or an URL, at which a person wants to be told. Who knows it can write there."""

    __tablename__ = "push_targets"
    __table_args__ = (UniqueConstraint("user_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    way: Mapped[str]
    fingerprint: Mapped[str]
    """By which the same one is known again."""
    address: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    """``{"url"}``, or what the browser gave: ``{"endpoint", "keys": {"p256dh", "auth"}}``."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class PushMessage(db.Model):  # type: ignore[name-defined,misc]
    """One message to one target, until it is sent or given up."""

    __tablename__ = "push_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(
        ForeignKey("push_targets.id", ondelete="CASCADE"), index=True
    )
    content: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    """``{"title", "text", "path"}``: the text may be words of a tweet."""
    next_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


@cache
def _earlier() -> Any:
    """Return another row of the same table; made when all tables are known."""
    return aliased(PushMessage)


def due(most: int) -> Select[Any]:
    """Return the query for messages to be sent now, with their targets: the first of each."""
    found = db.select(PushMessage, PushTarget).join(PushTarget)
    is_due = PushMessage.next_at <= from_now()
    earlier = (_earlier().target_id == PushMessage.target_id, _earlier().id < PushMessage.id)
    is_first = ~db.exists().where(*earlier, _earlier().next_at <= from_now())
    return found.where(is_due, is_first).order_by(PushMessage.next_at).limit(most)


def try_message(message_id: int, seconds: float) -> Update:
    """due -> being sent: tried again after so many seconds, unless it is deleted before."""
    mine = (PushMessage.id == message_id, PushMessage.next_at <= from_now())
    values = {"next_at": from_now(seconds), "tries": PushMessage.tries + 1}
    return update(PushMessage).where(*mine).values(values)


def put_off(message_id: int, seconds: float) -> Update:
    """being sent -> due in so many seconds."""
    mine = update(PushMessage).where(PushMessage.id == message_id)
    return mine.values(next_at=from_now(seconds))


def let_wait(target_id: int, seconds: float) -> Update:
    """Let nothing be sent to a place for so many seconds: it did not take a message."""
    theirs = (PushMessage.target_id == target_id, PushMessage.next_at < from_now(seconds))
    return update(PushMessage).where(*theirs).values(next_at=from_now(seconds))
