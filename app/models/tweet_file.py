"""A file of tweets that somebody sent: what was found in it, until it is confirmed or forgotten."""

from __future__ import annotations

import json
import uuid
import zlib
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db


class TweetFile(db.Model):  # type: ignore[name-defined,misc]
    """One file that was sent. Nothing of it is scheduled before ``confirmed_at``."""

    __tablename__ = "tweet_files"
    __table_args__ = (
        UniqueConstraint("user_id", "submit_id"),
        Index("ix_tweet_files_created_at", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid.uuid4()))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    submit_id: Mapped[str | None]
    """Chosen by the client: the same file again with it is the same import."""
    fingerprint: Mapped[str]
    """A hash of the file."""
    rows: Mapped[int]
    good: Mapped[int]
    """Rows that can be published; those that are known are among them."""
    bad: Mapped[int]
    known: Mapped[int]
    """Good rows that the person has already."""
    packed: Mapped[bytes | None] = mapped_column("content", LargeBinary, deferred=True)
    """What is read of it, packed: too large for a page to read along; None once it is confirmed."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    added: Mapped[int | None]
    """The tweets that the confirmation has stored."""

    @property
    def skipped(self) -> int | None:
        """The rows that the confirmation has left out; None before it."""
        return None if self.added is None else self.rows - self.added


def pack(content: Any) -> bytes:
    """Return JSON in a few bytes."""
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 1)


def unpack(packed: bytes) -> Any:
    """Return what was packed."""
    return json.loads(zlib.decompress(packed))
